# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a format cannot hold of a scene, as sentences for its user."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from splatcut.formats import compressed_ply, spz
from splatcut.formats.antialiasing import FILTER, other_comments
from splatcut.formats.known import Format, writable_format
from splatcut.formats.layout import standard_dtype
from splatcut.formats.matched import TRAINED, is_matched
from splatcut.formats.parts import with_coefficients
from splatcut.formats.splatfile import SplatFile
from splatcut.formats.world import described
from splatcut.scene.gaussians import MIP, Gaussians


def limit_degree(gaussians: Gaussians, degree: int) -> Gaussians:
    """The same Gaussians without SH bands above ``degree``."""
    if gaussians.sh_degree <= degree:
        return gaussians
    return with_coefficients(gaussians, (degree + 1) ** 2)


def exact(splats: SplatFile, kind: Format) -> bool:
    """Whether a format other than PLY holds a scene's positions as exactly as it has them."""
    return kind.write is not None and kind.single and not splats.doubles


def losses(splats: SplatFile, path: Path, *, spz_sh_bits: tuple[int, int] = spz.SH_BITS) -> list[str]:
    """What writing ``splats`` to ``path`` would lose: full sentences, none when nothing is lost.

    Raises:
        UserError: the extension is unknown or only read.
    """
    kind = writable_format(Path(path))
    sentences = []
    if splats.objects is not None and not kind.tells_objects:
        sentences.append(
            f"The {kind.suffix} format cannot keep objects apart: {len(splats.objects.names)} objects and the "
            "background become one scene. To get one file for each, give a folder as the output."
        )
    if kind.name == "ply":
        return sentences
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
        clipped = spz.clipped_count(limit_degree(splats.gaussians, kind.max_sh_degree))
        if clipped:
            sentences.append(
                f"{clipped} of {len(splats)} Gaussians have scales or colours beyond the range of .spz, which "
                "are clipped."
            )
        if spz.rounds_harmonics(splats.gaussians, spz_sh_bits):
            first, higher = spz_sh_bits
            sentences.append(
                f"View-dependent colours are rounded to {first} bits (SH degree 1) and {higher} bits (above), which "
                "keeps the file small. --spz-sh-bits 8 keeps them as precise as an .spz can."
            )
    if kind.name == "compressed-ply":
        for what, clipped in compressed_ply.clipped(splats.gaussians):
            sentences.append(f"{clipped} of {len(splats)} Gaussians have {what}, which are clipped.")
    if splats.gaussians.antialiased and not kind.tells_antialiased:
        # In USD and glTF the mark stands in custom data.
        own = "recognises its own mark in the file" if kind.tells_objects else "needs --antialiased on to read it"
        sentences.append(
            f"The {kind.suffix} format cannot say that the scene was trained antialiased: other programs will draw its "
            f"small Gaussians too strongly. SplatCut {own}."
        )
    elif splats.gaussians.pixel_filter == MIP:
        sentences.append(
            f"The {kind.suffix} format cannot say how wide a pixel filter the scene was trained with: it will be drawn "
            "a little softer."
        )
    if splats.offset.any() and not kind.tells_objects and not exact(splats, kind):
        sentences.append(
            f"The scene lies far from its origin, where the {kind.suffix} format stores positions too coarsely: they "
            f"are written relative to the world offset {described(splats.offset)}."
        )
    known = (*(standard_dtype(4).names or ()), FILTER)  # the filter is in the Gaussians' scales and opacities
    unknown = [name for name in splats.table.property_names if name not in known and not name.startswith(TRAINED)]
    if is_matched(splats):
        sentences.append(
            f"The {kind.suffix} format cannot keep the trained colours beside those that are matched to linear "
            "blending, so the match cannot be undone in it, and nothing says that it is matched."
        )
    if unknown:
        sentences.append(f"The {kind.suffix} format cannot store the properties {', '.join(unknown)}, which are lost.")
    if splats.table.extra_elements:
        names = ", ".join(element.name for element in splats.table.extra_elements)
        sentences.append(f"The {kind.suffix} format cannot store the elements {names}, which are lost.")
    if other_comments(splats.table.header) or splats.table.header.obj_info:
        sentences.append(f"The {kind.suffix} format cannot store comments, which are lost.")
    if kind.precision and kind.name != splats.source_format:
        sentences.append(kind.precision)
    return sentences
