# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The formats by extension, and the one way in and out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from splatcut.errors import Cancelled, UserError
from splatcut.files import atomic_path
from splatcut.formats import compressed_ply, dot_splat, rgb, sog, spz
from splatcut.formats.antialiasing import FILTER, Choice, other_comments
from splatcut.formats.layout import standard_dtype
from splatcut.formats.ply import read_table, write_table
from splatcut.formats.ply_header import read_header
from splatcut.formats.splatfile import SplatFile
from splatcut.formats.world import F64, described, no_offset
from splatcut.scene.gaussians import MIP, Gaussians


@dataclass(frozen=True)
class Format:
    """What a format is called and can hold.

    Attributes:
        name: short name, as in ``SplatFile.source_format``.
        suffix: the end of file names, in lower case.
        read: from a path to Gaussians (None for plain PLY, which keeps its rows as well).
        write: Gaussians to a path; None where the format is only read.
        max_sh_degree: highest SH degree the format holds.
        precision: a sentence about how the format rounds; empty when it does not.
        tells_antialiased: whether the format can say that a scene is antialiased.
        single: whether it holds positions of single precision exactly.
    """

    name: str
    suffix: str
    read: Callable[[Path], Gaussians] | None
    write: Callable[[Path, Gaussians], None] | None
    max_sh_degree: int
    precision: str = ""
    tells_antialiased: bool = True
    single: bool = False


#: Every known format, the longest suffix first.
FORMATS = (
    Format(
        "compressed-ply",
        ".compressed.ply",
        compressed_ply.read,
        compressed_ply.write,
        3,
        "A compressed PLY rounds positions and scales to 10 or 11 bits within each group of 256 Gaussians, rotations "
        "to 10 bits and colours to 8 bits, and changes the order of the Gaussians.",
    ),
    Format("ply", ".ply", None, None, 4),
    Format(
        "splat",
        ".splat",
        dot_splat.read,
        dot_splat.write,
        0,
        "A .splat rounds colours, opacities and rotations to 8 bits and clips colours to what a screen shows.",
        tells_antialiased=False,
        single=True,
    ),
    Format(
        "spz",
        ".spz",
        lambda path: spz.read(path)[0],
        spz.write,
        4,
        "An .spz rounds positions to 24 bits, scales, colours and opacities to 8 bits and rotations to 9 bits.",
    ),
    Format("sog", ".sog", sog.read, None, 3),
)

_META = "meta.json"
#: Splat files that are not read, and what does (splat-transform 3.7.0 writes .glb but reads none).
_FOREIGN = {
    ".ksplat": "Convert it to .ply first, for example with splat-transform.",
    ".lcc": "Convert it to .ply first, for example with splat-transform.",
    ".rad": "Export the scene as .ply, .spz or .sog from the program that made it.",
    ".glb": "Export the scene as .ply, .spz or .sog from the program that made it.",
    ".gltf": "Export the scene as .ply, .spz or .sog from the program that made it.",
}


def _known(writable: bool = False) -> str:
    return ", ".join(f.suffix for f in FORMATS if not writable or f.write is not None or f.name == "ply")


def format_of(path: Path) -> Format:
    """The format that a path's name stands for; a folder or ``meta.json`` is an unbundled SOG.

    Raises:
        UserError: the extension is not known.
    """
    name = path.name.lower()
    if name == _META or path.is_dir():
        return FORMATS[-1]
    for candidate in FORMATS:
        if name.endswith(candidate.suffix):
            return candidate
    suffix = path.suffix.lower()
    if suffix in _FOREIGN:
        raise UserError(
            f"{path} is {'an' if suffix == '.lcc' else 'a'} {suffix} file, which SplatCut does not read. "
            f"{_FOREIGN[suffix]}"
        )
    kind = f"the extension '{path.suffix}'" if path.suffix else "no extension"
    raise UserError(f"{path} has {kind}, so its format is not known. Known formats are {_known()} and SOG folders.")


def read_splats(
    path: Path,
    *,
    drop_invalid: bool = False,
    antialiased: Choice = "auto",
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
    if path.is_dir() and not (path / _META).is_file():
        raise UserError(f"{path} is a folder without {_META}, so it is not a SOG. Give the path of a splat file.")
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
    return SplatFile.from_gaussians(kind.read(path), kind.name)


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
    splats = splats.with_offset(no_offset()) if _exact(splats, kind) else splats
    with atomic_path(path) as temporary:
        if kind.write is None:
            with temporary.open("wb") as stream:
                write_table(stream, splats.table)
        elif kind.name == "spz":
            spz.write(temporary, splats.stored(), spz_sh_bits)
        else:
            kind.write(temporary, _limit_degree(splats.stored(), kind.max_sh_degree))


def _exact(splats: SplatFile, kind: Format) -> bool:
    """Whether a format other than PLY holds a scene's positions as exactly as it has them."""
    return kind.write is not None and kind.single and not splats.doubles


def writable_format(path: Path) -> Format:
    """The format in which ``path`` would be written; UserError when it is unknown or only read."""
    kind = format_of(path)
    if kind.write is None and kind.name != "ply":
        raise UserError(f"{path} cannot be written: SOG can only be read. Write {_known(writable=True)} instead.")
    return kind


def _limit_degree(gaussians: Gaussians, degree: int) -> Gaussians:
    if gaussians.sh_degree <= degree:
        return gaussians
    return replace(gaussians, sh=np.ascontiguousarray(gaussians.sh[:, : (degree + 1) ** 2]))


def losses(splats: SplatFile, path: Path, *, spz_sh_bits: tuple[int, int] = spz.SH_BITS) -> list[str]:
    """What writing ``splats`` to ``path`` would lose: full sentences, none when nothing is lost.

    Raises:
        UserError: the extension is unknown or only read.
    """
    kind = writable_format(Path(path))
    if kind.name == "ply":
        return []
    sentences = []
    degree = splats.gaussians.sh_degree
    if degree > kind.max_sh_degree:
        what = "no view-dependent colour" if kind.max_sh_degree == 0 else "fewer bands of view-dependent colour"
        sentences.append(f"The {kind.suffix} format holds {what}: SH degree {degree} becomes {kind.max_sh_degree}.")
    if kind.name == "splat":
        colours = splats.gaussians.base_colours()
        clipped = int(np.count_nonzero(((colours < 0) | (colours > 1)).any(axis=1)))
        if clipped:
            sentences.append(f"{clipped} of {len(splats)} Gaussians have colours outside 0 to 1, which are clipped.")
    if kind.name == "spz":
        clipped = spz.clipped_count(_limit_degree(splats.gaussians, kind.max_sh_degree))
        if clipped:
            sentences.append(f"{clipped} of {len(splats)} Gaussians have scales or colours beyond the range of .spz.")
        if spz.rounds_harmonics(splats.gaussians, spz_sh_bits):
            first, higher = spz_sh_bits
            sentences.append(
                f"View-dependent colours are rounded to {first} bits (SH degree 1) and {higher} bits (above), which "
                "keeps the file small. --spz-sh-bits 8 keeps them as fine as an .spz can."
            )
    if kind.name == "compressed-ply":
        for what, clipped in compressed_ply.clipped(splats.gaussians):
            sentences.append(f"{clipped} of {len(splats)} Gaussians have {what}, which are clipped.")
    if splats.gaussians.antialiased and not kind.tells_antialiased:
        sentences.append(
            f"The {kind.suffix} format cannot say that the scene was trained antialiased: other programs will draw its "
            "small Gaussians too strongly. With SplatCut, use --antialiased on."
        )
    elif splats.gaussians.pixel_filter == MIP:
        sentences.append(
            f"The {kind.suffix} format cannot say how wide the filter is that the scene was trained with: it will be "
            "drawn a little softer."
        )
    if splats.offset.any() and not _exact(splats, kind):
        sentences.append(
            f"The scene lies far from its origin, where the {kind.suffix} format holds positions too coarsely: they "
            f"are written relative to {described(splats.offset)}."
        )
    known = (*(standard_dtype(4).names or ()), FILTER)  # the filter is in the Gaussians' scales and opacities
    unknown = [name for name in splats.table.property_names if name not in known]
    if unknown:
        sentences.append(f"The {kind.suffix} format cannot store the properties {', '.join(unknown)}: they are lost.")
    if splats.table.extra_elements:
        names = ", ".join(element.name for element in splats.table.extra_elements)
        sentences.append(f"The {kind.suffix} format cannot store the elements {names}: they are lost.")
    if other_comments(splats.table.header) or splats.table.header.obj_info:
        sentences.append(f"The {kind.suffix} format cannot store comments: they are lost.")
    if kind.precision and kind.name != splats.source_format:
        sentences.append(kind.precision)
    return sentences
