# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The formats by extension: how each is read and written, and what it can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.formats import compressed_ply, dot_splat, gltf, ksplat, sog, sog_writer, spz, usd


@dataclass(frozen=True)
class Format:
    """What a format is called and can hold.

    Attributes:
        name: short name, as in ``SplatFile.source_format``.
        suffix: the end of file names, in lower case.
        read: from a path to Gaussians, or to parts, world offset and findings where ``tells_objects`` (None for plain
            PLY, which keeps its rows as well).
        write: Gaussians, or parts and world offset, to a path; None where the format is only read.
        max_sh_degree: highest SH degree the format holds.
        precision: a sentence about how the format rounds; empty when it does not.
        tells_antialiased: whether the format can say that a scene is antialiased.
        single: whether it holds positions of single precision exactly.
        tells_objects: whether the format can tell objects apart.
    """

    name: str
    suffix: str
    read: Callable[[Path], Any] | None
    write: Callable[..., None] | None
    max_sh_degree: int
    precision: str = ""
    tells_antialiased: bool = True
    single: bool = False
    tells_objects: bool = False

    @property
    def writable(self) -> bool:
        """Whether the format is written, too."""
        return self.write is not None or self.name == "ply"


def _usd(suffix: str) -> Format:
    return Format("usd", suffix, usd.read, usd.write, 4, tells_antialiased=False, single=True, tells_objects=True)


def _gltf(suffix: str) -> Format:
    return Format("gltf", suffix, gltf.read, gltf.write, 3, tells_antialiased=False, single=True, tells_objects=True)


#: Every known format, the longest suffix first.
FORMATS = (
    Format(
        "compressed-ply",
        ".compressed.ply",
        compressed_ply.read,
        compressed_ply.write,
        3,
        "A compressed PLY rounds positions and scales to 10 or 11 bits within each group of 256 Gaussians, rotations "
        "to 10 bits and colours to 8 bits, and it changes the order of the Gaussians.",
    ),
    Format("ply", ".ply", None, None, 4),
    Format(
        "splat",
        ".splat",
        dot_splat.read,
        dot_splat.write,
        0,
        "A .splat rounds colours, opacities and rotations to 8 bits and clips colours to the range of a screen.",
        tells_antialiased=False,
        single=True,
    ),
    Format(
        "spz",
        ".spz",
        lambda path: spz.read(path)[0],
        spz.write,
        4,
        "An .spz rounds positions to 24 bits, scales, colours and opacities to 8 bits, and rotations to 9 bits.",
    ),
    *(_usd(suffix) for suffix in (".usdc", ".usda", ".usd")),
    replace(_usd(".usdz"), write=None),
    _gltf(".glb"),
    _gltf(".gltf"),
    Format("ksplat", ".ksplat", ksplat.read, None, 3),
    Format(
        "sog",
        ".sog",
        sog.read,
        sog_writer.write,
        3,
        "A .sog rounds positions to 16 bits and scales, colours, opacities and rotations to 8 bits, takes "
        "view-dependent colours from one palette of 65,536, and changes the order of the Gaussians.",
    ),
)

META = "meta.json"
#: Splat files that are not read, and what does (splat-transform reads no .rad).
_FOREIGN = {
    ".lcc": "Convert it to .ply first, for example with splat-transform.",
    ".rad": "Export the scene as .ply, .spz or .sog from the program that made it.",
}


def known_suffixes(writable: bool = False) -> str:
    """The suffixes of all formats, or of those that are written."""
    return ", ".join(kind.suffix for kind in FORMATS if kind.writable or not writable)


def format_of(path: Path) -> Format:
    """The format that a path's name stands for; a folder or ``meta.json`` is an unbundled SOG.

    Raises:
        UserError: the extension is not known.
    """
    name = path.name.lower()
    if name == META or path.is_dir():
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
    raise UserError(
        f"{path} has {kind}, so its format is not known. Known formats are {known_suffixes()} and SOG folders."
    )


def writable_format(path: Path) -> Format:
    """The format in which ``path`` would be written; UserError when it is unknown or only read."""
    kind = format_of(path)
    if not kind.writable:
        raise UserError(
            f"{path} cannot be written: {kind.suffix} can only be read. Write one of {known_suffixes(writable=True)}."
        )
    return kind
