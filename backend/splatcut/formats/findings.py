# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene is, beside its numbers: what its user should know, and what is done about it."""

from __future__ import annotations

import numpy as np

from splatcut.formats.antialiasing import FILTER
from splatcut.formats.matched import is_matched
from splatcut.formats.splatfile import SplatFile
from splatcut.formats.world import COARSE, described
from splatcut.messages.findings import Finding


def scene_findings(splats: SplatFile) -> list[Finding]:
    """The findings about a scene that was read; ``splatcut info``, ``check``, runs and Blender show the same list."""
    return [
        *_left_out(splats),
        *_antialiased(splats),
        *matched_findings(splats),
        *place_findings(splats),
        *splats.findings,
    ]


def place_findings(splats: SplatFile) -> list[Finding]:
    """What is to say about a scene that lies far from its origin."""
    if not splats.offset.any():
        return []
    found = [
        Finding(
            "note",
            f"The scene lies far from its origin. Its world offset {described(splats.offset)} is subtracted in double "
            "precision while the scene is processed, and added again if the output format can hold it.",
        )
    ]
    distance = float(np.abs(splats.offset).max())
    step = float(np.spacing(np.float32(distance)))
    size = float(np.exp(np.median(splats.gaussians.log_scales.max(axis=1))))
    if not splats.doubles and step > COARSE * size:
        found.append(
            Finding(
                "warning",
                f"The scene lies about {distance:.3g} units from its origin, and its positions are in single "
                f"precision, which has steps of {step:.2g} units there: finer detail was lost before SplatCut read it.",
                remedy="Export the scene again with positions in double precision, or with an origin closer to it.",
            )
        )
    return found


def matched_findings(splats: SplatFile) -> list[Finding]:
    """What is to say about a scene whose colours are not those it was trained with."""
    if not is_matched(splats):
        return []
    return [
        Finding(
            "problem",
            "The scene's colours are matched to blending in linear light, as in Blender. SplatCut blends as in "
            "training, where they are too dark.",
            remedy="Use the original file, or take it back with 'splatcut match --blend display'.",
        )
    ]


def _antialiased(splats: SplatFile) -> list[Finding]:
    if not splats.gaussians.antialiased:
        return []
    smooth = " and a 3D filter" if FILTER in splats.table.property_names else ""
    variance = splats.gaussians.pixel_filter.variance
    return [
        Finding(
            "note",
            f"The scene was trained antialiased, with a pixel filter of {variance:g} square pixels{smooth}. It is "
            "rendered that way, and what is cut from it is marked as antialiased.",
        )
    ]


def _left_out(splats: SplatFile) -> list[Finding]:
    if not splats.dropped:
        return []
    return [
        Finding(
            "warning", f"{splats.dropped} Gaussians with values that are not finite were left out (--drop-invalid)."
        )
    ]
