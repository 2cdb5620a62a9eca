# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A view's prompts from the object as the 3D vote sees it there (method: masks)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut.scene.gaussians import F32
from splatcut.segmenter import Prompt2D

Bool = NDArray[np.bool_]

#: Share of a pixel's colour that must come from Gaussians with a vote, for the pixel to count.
MIN_KNOWN = 0.3
#: Pixels; smaller objects are not prompted for.
MIN_PIXELS = 40
#: Connected parts smaller than this share of the largest are ignored.
KEEP_PART = 0.1
#: Number of points on the object, and of points beside it, at most.
POSITIVES = NEGATIVES = 3
#: How deep inside, as a share of the first, further points lie at least.
ENOUGH = 0.35
#: The box grows by this share of the object's size on every side.
MARGIN = 0.02


@dataclass(frozen=True, eq=False)
class RenderedVote:
    """What the vote says about one object in one view.

    Attributes:
        probability: [H, W] float32 in [0, 1], of the pixel showing the object, as far as known.
        known: [H, W] bool, where the vote has something to say.
    """

    probability: F32
    known: Bool

    @property
    def inside(self) -> Bool:
        """[H, W] bool: known to be the object."""
        return self.known & (self.probability > 0.5)


def rendered_vote(blended: F32, known: F32) -> RenderedVote:
    """From blended label sums and blended vote flags, both [H, W] in [0, 1]."""
    return RenderedVote((blended / np.maximum(known, 1e-6)).clip(0.0, 1.0), known > MIN_KNOWN)


def main_parts(mask: Bool) -> Bool:
    """The connected parts (8-neighbourhood) that reach ``KEEP_PART`` of the largest one's area."""
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if count <= 1:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes >= KEEP_PART * sizes.max())[labels] & mask


def interior_points(mask: Bool, count: int) -> F32:
    """Up to ``count`` points [P, 2] deep inside a mask, far from each other; pixel centres.

    The first is the maximum of the distance transform; further ones are maxima away from the earlier ones that lie at
    least ``ENOUGH`` times as deep.
    """
    if not mask.any():
        return np.empty((0, 2), np.float32)
    # The border counts as outside: a point on it says little.
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    first = float(depth.max())
    rows, columns = np.indices(mask.shape)
    points = []
    for _ in range(count):
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        deep = float(depth[y, x])
        if points and deep < max(1.5, ENOUGH * first):
            break
        points.append((x + 0.5, y + 0.5))
        depth = np.where((rows - y) ** 2 + (columns - x) ** 2 < (1.8 * deep) ** 2, 0.0, depth)
    return np.asarray(points, np.float32)


def self_prompt(own: RenderedVote, others: list[RenderedVote]) -> Prompt2D | None:
    """Prompts for an object in a view, or None where too little of it is known to be visible.

    Args:
        own: of the object; others: of the competing objects.
    """
    height, width = own.known.shape
    inside = main_parts(own.inside)
    if int(inside.sum()) < MIN_PIXELS:
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    grow = max(1.0, MARGIN * max(x1 - x0, y1 - y0))
    box = np.array(
        [max(0.0, x0 - grow), max(0.0, y0 - grow), min(float(width), x1 + grow), min(float(height), y1 + grow)],
        np.float32,
    )
    positives = interior_points(inside, POSITIVES)
    near, far = max(3, round(0.05 * max(x1 - x0, y1 - y0))), max(8, round(0.25 * max(x1 - x0, y1 - y0)))
    distance = ndimage.distance_transform_edt(~inside)
    outside = own.known & (own.probability < 0.2) & (distance > near) & (distance < far)
    negatives = [interior_points(outside, NEGATIVES)]
    window = np.zeros_like(inside)
    window[int(box[1]) : int(np.ceil(box[3])), int(box[0]) : int(np.ceil(box[2]))] = True
    for other in others:
        rival = main_parts(other.inside & ~inside & window)
        if int(rival.sum()) >= MIN_PIXELS:
            negatives.append(interior_points(rival, 1))
    points = np.concatenate([positives, *negatives])
    labels = np.zeros(len(points), np.int32)
    labels[: len(positives)] = 1
    return Prompt2D(points, labels, box)
