# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, paths, axes and sentences of import and export."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from splatcut.errors import UserError
from splatcut.formats import FORMATS, SplatFile, writable_format
from splatcut.formats.findings import place_findings

SUFFIXES = {"PLY": ".ply", "SPLAT": ".splat", "SPZ": ".spz", "COMPRESSED": ".compressed.ply"}
SUFFIXES |= {"SOG": ".sog", "GLB": ".glb", "USD": ".usdc"}
_LONGEST_STEM = 100
# Windows takes these for devices, whatever the suffix.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}

_AXES = {
    "Y_DOWN": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "Y_UP": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "Z_UP": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}


def world_from_file(axes: str) -> list[list[float]]:
    """4 x 4 rotation of a file's axes ("Y_DOWN", "Y_UP" or "Z_UP") to Blender's, where z is up."""
    return [*([*map(float, row), 0.0] for row in _AXES[axes]), [0.0, 0.0, 0.0, 1.0]]


def object_name(path: Path) -> str:
    """What an object is called after its file; that of a SOG folder after the folder."""
    if path.name.lower() == "meta.json":
        path = path.parent
    return _without_suffix(path.name) or path.name or "Splats"


def imported_sentence(splats: SplatFile, path: Path) -> str:
    """What was imported."""
    sentence = f"Imported {len(splats):,} Gaussians from {path.name}."
    if splats.dropped:
        sentence += f" {splats.dropped:,} with values that are not finite were left out."
    if splats.gaussians.antialiased:
        sentence += " The scene was trained antialiased; masks, previews and cuts take that into account."
    if splats.objects is not None:
        sentence += f" The file contains {len(splats.objects.names)} objects; each became an object of its own."
    return " ".join([sentence, *(finding.text for finding in (*place_findings(splats), *splats.findings))])


def file_stem(name: str) -> str:
    """A name as that of a file on any system."""
    stem = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .")[:_LONGEST_STEM] or "splats"
    return f"{stem}_" if stem.split(".")[0].lower() in _DEVICES else stem


def with_suffix(path: Path, kind: str) -> Path:
    """``path``, with the suffix of the format ``kind`` where it has none that is known."""
    name = path.name.lower()
    if any(name.endswith(known.suffix) for known in FORMATS) or not path.name:
        return path
    return path.with_name(path.name + SUFFIXES[kind])


def with_format(path: str, kind: str) -> str:
    """``path`` with the suffix of the format ``kind`` in place of another one's."""
    name = Path(path).name
    if not name:
        return path
    stem, suffix = _without_suffix(name), SUFFIXES[kind]
    wanted = next(known.name for known in FORMATS if known.suffix == suffix)
    right = [known.suffix for known in FORMATS if known.name == wanted and known.writable]
    return path if name.lower()[len(stem) :] in right else path[: len(path) - len(name)] + stem + suffix


def check_target(path: Path) -> None:
    """Raises ``UserError`` when nothing can be written there, as far as that can be told before trying."""
    if path.is_dir():
        raise UserError(f"{path} is a folder. Enter the path of a file.")
    writable_format(path)


def paths_for(names: Sequence[str], path: Path) -> list[Path]:
    """Where each object goes: one to ``path``, several beside it, named after themselves, all different; or all to
    ``path``, where its format tells objects apart."""
    if len(names) == 1 or writable_format(path).tells_objects:
        return [path]
    suffix = path.name[len(_without_suffix(path.name)) :]
    return [path.with_name(stem + suffix) for stem in _stems(names)]


def _stems(names: Sequence[str]) -> list[str]:
    """Names as those of files on any system, all different."""
    taken: set[str] = set()
    stems = []
    for name in names:
        stem = unique = file_stem(name)
        number = 1
        while unique.lower() in taken:  # names that differ in case only are one file on some systems
            number += 1
            unique = f"{stem}-{number}"
        taken.add(unique.lower())
        stems.append(unique)
    return stems


def check_free(paths: Sequence[Path]) -> None:
    """Raises ``UserError`` when one of the files is there already."""
    there = [path.name for path in paths if path.exists()]
    if there:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise UserError(
            f"{paths[0].parent} already contains {', '.join(there[:3])}{more}. Choose another folder, or turn on "
            '"Replace Files".'
        )


def check_exportable(splats: SplatFile, name: str) -> None:
    """Raises ``UserError`` when a file of these splats could not be read again."""
    if not len(splats):
        raise UserError(f"{name!r} has no Gaussians left, so there is nothing to export.")
    invalid = int(np.count_nonzero(splats.gaussians.invalid()))
    if invalid:
        raise UserError(
            f"{invalid:,} of the {len(splats):,} Gaussians of {name!r} have values that are not finite numbers. Undo "
            "the edit that caused this, or delete those Gaussians, and export again."
        )


def part_files(names: Sequence[str]) -> list[str]:
    """Names of files for the parts of a cut, as the engine reads a cut's folder; "" is the background."""
    stems = iter(_stems([name for name in names if name]))
    return [f"objects/{next(stems)}.ply" if name else "background.ply" for name in names]


def _without_suffix(name: str) -> str:
    lower = name.lower()
    suffix = next((known.suffix for known in FORMATS if lower.endswith(known.suffix)), "")
    return name[: len(name) - len(suffix)]
