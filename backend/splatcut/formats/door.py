# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The one way in and out for splat files of all formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from splatcut.errors import Cancelled, UserError
from splatcut.files import atomic_path
from splatcut.formats import compressed_ply, rgb, spz
from splatcut.formats.known import FORMATS, META, format_of, writable_format
from splatcut.formats.losses import exact, limit_degree
from splatcut.formats.parts import join, split
from splatcut.formats.ply import read_table, write_table
from splatcut.formats.ply_header import read_header
from splatcut.formats.splatfile import SplatFile, together
from splatcut.formats.world import F64, no_offset


def read_splats(
    path: Path,
    *,
    drop_invalid: bool = False,
    antialiased: str = "auto",
    spz_axes: str = "auto",
    offset: F64 | None = None,
) -> SplatFile:
    """Reads a splat file of any known format.

    Args:
        path: the file; for an unbundled SOG its folder or its ``meta.json``.
        drop_invalid: leave out Gaussians with values that are not finite instead of refusing the file.
        antialiased: whether the scene was trained antialiased; "auto" takes what the file says.
        spz_axes: the world axes of an .spz, "rub" or "rdf"; "auto" takes what the file says, or else the specification.
        offset: [3] world offset to read it with; None takes what the file needs (``formats.world``).

    Raises:
        UserError: the file is missing, unreadable, damaged, of an unknown format, without Gaussians, or it has
            Gaussians with values that are not finite (the message counts them).
    """
    path = Path(path)
    try:
        splats = _checked(_read(path, spz_axes), path, drop_invalid).with_antialiased(antialiased)
        return splats if offset is None else splats.with_offset(offset)
    except (UserError, Cancelled):
        raise
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}. Check the path.") from error
    except PermissionError as error:
        raise UserError(f"{path} cannot be read: permission denied. Change its permissions or copy it.") from error
    except MemoryError as error:
        raise UserError(f"{path} does not fit into memory, or it is damaged and declares a wrong size.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}). Copy or export it again.") from error
    except Exception as error:  # a damaged file makes decoders fail in many ways
        detail = " ".join(str(error).split())[:200]
        raise UserError(f"{path} is damaged ({detail or type(error).__name__}). Copy or export it again.") from error


def _read(path: Path, spz_axes: str) -> SplatFile:
    kind = format_of(path)
    if not path.exists():
        raise FileNotFoundError(path)
    if path.is_dir() and not (path / META).is_file():
        return _read_cut(path)
    if kind.suffix.endswith(".ply"):
        with path.open("rb") as stream:
            header = read_header(stream, path.name)
        # The content decides: compressed files are often named just .ply, and the other way round.
        kind = FORMATS[0] if compressed_ply.is_compressed(header) else FORMATS[1]
    if kind.read is None:
        table, findings = read_table(path), ()
        if rgb.is_rgb(table):
            table, finding = rgb.with_dc(table)
            findings = (finding,)
        return replace(SplatFile.from_table(table, path.name, kind.name), findings=findings)
    if kind.name == "spz":
        gaussians, findings = spz.read(path, spz_axes)
        return replace(SplatFile.from_gaussians(gaussians, kind.name), findings=findings)
    if kind.tells_objects:
        parts, offset, findings = kind.read(path)
        gaussians, objects = join(parts)
        splats = SplatFile.from_gaussians(gaussians, kind.name, offset=offset if offset.any() else None)
        return replace(splats, findings=findings, objects=objects)
    return SplatFile.from_gaussians(kind.read(path), kind.name)


def _read_cut(folder: Path) -> SplatFile:
    """The objects and the background that ``splatcut segment`` wrote into a folder, as one scene."""
    files = {path.stem: path for path in sorted((folder / "objects").glob("*.ply"))}
    if (folder / "background.ply").is_file():
        files = {"": folder / "background.ply", **files}
    if not files:
        raise UserError(
            f"{folder} is a folder without {META}, objects or background.ply, so it is neither a SOG nor a cut. Give "
            "the path of a splat file."
        )
    return together([(name, _read(path, "auto")) for name, path in files.items()])


def _checked(splats: SplatFile, path: Path, drop_invalid: bool) -> SplatFile:
    if not len(splats):
        raise UserError(f"{path} holds no Gaussians: it is valid but empty. Choose another file.")
    invalid = splats.gaussians.invalid()
    count = int(np.count_nonzero(invalid))
    if not count:
        return splats
    if count == len(splats):
        raise UserError(f"All {count} Gaussians of {path} have values that are not finite. Train or export it again.")
    if not drop_invalid:
        raise UserError(
            f"{count} of the {len(splats)} Gaussians of {path} have values that are not finite (NaN or infinite). "
            "Use --drop-invalid to leave them out."
        )
    return replace(splats.take(~invalid), dropped=count)


def write_splats(path: Path, splats: SplatFile, *, spz_sh_bits: tuple[int, int] = spz.SH_BITS) -> None:
    """Writes a splat file in the format of the path's extension; an existing file is replaced at the end, in one step.

    A plain PLY holds the table's rows bit by bit; every other format is made from the Gaussians and rounds (``losses``
    says how). Of a scene far from its origin it holds positions relative to the world offset, unless it is as exact as
    the scene.

    Args:
        spz_sh_bits: bits of the SH coefficients of an .spz, of the first band and of higher ones.

    Raises:
        UserError: the extension is unknown or only read, or the place cannot be written.
    """
    path = Path(path)
    kind = writable_format(path)
    splats = splats.with_offset(no_offset()) if exact(splats, kind) else splats
    with atomic_path(path) as temporary:
        if kind.write is None:
            with temporary.open("wb") as stream:
                write_table(stream, splats.table)
        elif kind.name == "spz":
            spz.write(temporary, splats.stored(), spz_sh_bits)
        else:
            gaussians = limit_degree(splats.stored(), kind.max_sh_degree)
            if kind.tells_objects:
                kind.write(temporary, split(gaussians, splats.objects), splats.offset)
            else:
                kind.write(temporary, gaussians)
