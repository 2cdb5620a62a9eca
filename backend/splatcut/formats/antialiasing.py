# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What files say about antialiasing: comments in a PLY's header, and the 3D filter of Mip-Splatting (method: pixel
filter).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from splatcut.formats.ply_header import PlyHeader
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, F32, MIP, PixelFilter

#: The property of a PLY that holds the standard deviation of a Gaussian's 3D filter, world units.
FILTER = "filter_3D"

#: Brush's comment, which others write too, some with the filter's variance; and the two of Postshot.
_MARKS = (
    re.compile(r"\s*SplatRenderMode\s*:\s*(\w+)(?:-([\d.]+))?\s*", re.IGNORECASE),
    re.compile(r"\s*antialiased\s+([01])()\s*", re.IGNORECASE),
    re.compile(r"\s*postshot\.anti_aliasing\s*=\s*([01])()\s*", re.IGNORECASE),
)
_BRUSH = "exported from brush"


def _said(comment: str) -> PixelFilter | None:
    """The filter that a comment stands for, with the variance that it names; None where it says nothing about that."""
    for mark in _MARKS:
        if found := mark.fullmatch(comment):
            if found[1].lower() not in ("mip", "1"):
                return CLASSIC
            with contextlib.suppress(ValueError):
                if 0 < (variance := float(found[2] or "")) <= 1:
                    return PixelFilter(variance, True)
            return ANTIALIASED
    return None


def other_comments(header: PlyHeader) -> tuple[str, ...]:
    """The comments that say nothing about antialiasing."""
    return tuple(comment for comment in header.comments if _said(comment) is None)


def pixel_filter(comments: Iterable[str], filtered: bool) -> PixelFilter:
    """The filter that a PLY's comments (the last one that says so) and its having a 3D filter stand for.

    Mip-Splatting, whose files have the 3D filter and no comment, and Brush take a narrower filter than others.
    """
    comments = tuple(comments)
    said = [value for value in map(_said, comments) if value is not None]
    if said and said[-1] != ANTIALIASED:
        return said[-1]
    if not said and not filtered:
        return CLASSIC
    brush = any(comment.strip().lower().startswith(_BRUSH) for comment in comments)
    return MIP if filtered or brush else ANTIALIASED


def marked(header: PlyHeader, antialiased: bool, filtered: bool, narrow: bool = False) -> PlyHeader:
    """The header with a comment that says whether the scene is antialiased, unchanged where it says so already.

    Args:
        narrow: an antialiased scene's filter is Mip-Splatting's, which the comment names.
    """
    drawn = pixel_filter(header.comments, filtered)
    if drawn.compensated == antialiased and (drawn == MIP or not narrow):
        return header
    kept = [line for line in header.lines if not line.startswith("comment ") or _said(line[8:]) is None]
    if antialiased != pixel_filter((), filtered).compensated:
        line = f"{comment_line(antialiased)}-{MIP.variance}" if narrow else comment_line(antialiased)
        kept.insert(kept.index(next(line for line in kept if line.startswith("format"))) + 1, line)
    return replace(header, lines=tuple(kept))


def comment_line(antialiased: bool) -> str:
    """The line of a PLY's header that says whether a scene is antialiased, in the spelling most programs know."""
    return f"comment SplatRenderMode: {'mip' if antialiased else 'default'}"


def fuse(log_scales: F32, logits: F32, deviation: F32) -> tuple[F32, F32]:
    """Gaussians convolved with their 3D filters (Yu et al., Mip-Splatting, CVPR 2024, section 5.1).

    Args:
        log_scales: [N, 3]; logits: [N]; both as in ``Gaussians``.
        deviation: [N], standard deviation of each one's filter, world units; 0 leaves a Gaussian bit by bit.

    Returns:
        log_scales [N, 3] of sqrt(s^2 + f^2), and logits [N] of the opacity times sqrt(det S / det(S + f^2 I)).
    """
    with np.errstate(all="ignore"):
        narrow, log_filter = log_scales.astype(np.float64), np.log(np.abs(deviation.astype(np.float64)))
        wide = 0.5 * np.logaddexp(2 * narrow, 2 * log_filter[:, None])
        # log of the factor on the opacity, and the logit of sigmoid(x) e^loss without going through the opacity.
        loss = (narrow - wide).sum(axis=1)
        fused = loss - np.logaddexp(-logits.astype(np.float64), np.log(-np.expm1(loss)))
        keep = deviation == 0
        wide[keep], fused[keep] = log_scales[keep], logits[keep]
        return wide.astype(np.float32), fused.astype(np.float32)
