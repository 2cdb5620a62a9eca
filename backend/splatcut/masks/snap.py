# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Edges of a 2D model's masks drawn to those of the picture and of the other views (method: masks).

A promptable model decides at a quarter of its input's resolution, and every view anew: its edges are off by a few
pixels, here in and there out. Two things know better. The vote of all views averages what single ones get wrong; the
picture shows where things end. So the mean of mask and vote is filtered with the picture as guide (He, Sun and Tang,
"Guided image filtering", ECCV 2010), the result votes anew, and so on. Measured in ``docs/experiments.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut.masks.consensus import box_around
from splatcut.scene.gaussians import F32
from splatcut.scene.masks import MaskSet, share_pixels, to_bytes
from splatcut.segmenter.transform import MASK_SIZE

F64 = NDArray[np.float64]

#: Where the mean of mask and vote is nowhere near above this, nothing is looked for.
FAINT = 0.05
#: Variance of colours in [0, 1] below which a window counts as even.
SMOOTH = 0.0005
#: How much steeper the filtered edges are made, around one half.
SHARP = 4.0


class Guide:
    """A guided filter with one picture [H, W, 3] uint8 as the guide, ready for any number of masks.

    In every window of (2 radius + 1)^2 pixels, the result is linear in the guide's colours; windows overlap, and
    a pixel takes the mean of theirs. At the border windows take in the border's pixels again.
    """

    def __init__(self, picture: NDArray[np.uint8], radius: int, smooth: float) -> None:
        self._size = 2 * radius + 1
        self._guide: F64 = np.moveaxis(picture.astype(np.float64) / 255, -1, 0)
        self._mean = self._box(self._guide)
        variance = np.empty((3, *self._guide.shape))
        for i in range(3):
            for j in range(i, 3):
                found = self._box(self._guide[i] * self._guide[j]) - self._mean[i] * self._mean[j]
                variance[i, j] = variance[j, i] = found + smooth * (i == j)
        # Inverted by cofactors: far faster than one LAPACK call a pixel.
        cofactors = np.stack([np.cross(variance[i - 2], variance[i - 1], axis=0) for i in range(3)])
        self._inverse = cofactors / (variance[0] * cofactors[0]).sum(axis=0)

    def _box(self, values: F64) -> F64:
        size = (1,) * (values.ndim - 2) + (self._size, self._size)
        return np.asarray(ndimage.uniform_filter(values, size, mode="nearest"))

    def filter(self, values: F32) -> F32:
        """[H, W] float32: ``values`` [H, W] with the guide's edges; beyond the values' range where that overshoots."""
        wanted = values.astype(np.float64)
        mean = self._box(wanted)
        covariance = self._box(self._guide * wanted) - self._mean * mean
        slope = (self._inverse * covariance).sum(axis=1)
        offset = mean - (slope * self._mean).sum(axis=0)
        return ((self._box(slope) * self._guide).sum(axis=0) + self._box(offset)).astype(np.float32)


def snap(
    masks: MaskSet,
    picture: Callable[[int], NDArray[np.uint8]],
    vote: Callable[[MaskSet], Callable[[int], F32]],
    radii: Sequence[float],
    keep: Collection[tuple[int, int]] = (),
    step: Callable[[], None] = lambda: None,
) -> MaskSet:
    """The masks with their edges drawn to the pictures'.

    Args:
        picture: of a view's number, [H, W, 3] uint8 at the masks' size.
        vote: of masks, the label image [H, W, K] in [0, 1] that their vote gives in a view of that number.
        radii: of the filter's windows, one for each round of voting and filtering, in the model's own pixels, of which
            the picture's longer side has ``MASK_SIZE``.
        keep: (number of the view, number of the object) that are right as they are: the user's own masks.
        step: called after each view of each round.
    """
    for radius in radii:
        shown = vote(masks)
        made = []
        for number in range(len(masks.views)):
            trusted = np.flatnonzero(masks.confidence[number] > 0).tolist()
            kept = [k for k in trusted if (number, k) in keep]
            changing = [k for k in trusted if (number, k) not in keep]
            if changing:
                made.append(_snapped(masks.soft(number), shown(number), changing, kept, picture(number), radius))
            else:
                made.append(masks.probability[number])
            step()
        masks = replace(masks, probability=made)
    return masks


def _snapped(
    soft: F32,
    shown: F32,
    changing: list[int],
    kept: list[int],
    picture: NDArray[np.uint8],
    radius: float,
) -> NDArray[np.uint8]:
    """[K, H, W] uint8 of one view, in which objects share a pixel at most: what is kept comes first, then what is
    ``changing``, then what nobody trusts."""
    result = soft.copy()
    result[changing] = 0
    wanted = {k: (0.5 * (soft[k] + shown[..., k])).astype(np.float32) for k in changing}
    # What stays below a quarter comes out as nothing.
    wanted = {k: item for k, item in wanted.items() if item.max() > 0.25}
    if wanted:
        window = max(1, round(radius * max(soft.shape[1:]) / MASK_SIZE))
        box = box_around(np.maximum.reduce(list(wanted.values())) > FAINT, 4 * window + 1)
        guide = Guide(picture[box], window, SMOOTH)
        for k, item in wanted.items():
            result[k][box] = np.clip(0.5 + SHARP * (guide.filter(item[box]) - 0.5), 0, 1)
    rest = [k for k in range(len(soft)) if k not in changing and k not in kept]
    return to_bytes(share_pixels(result, (kept, changing, rest)))
