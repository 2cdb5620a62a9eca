# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How far photos lie beside renders (method: views): what a likeness forgives, a scale or place that is a little wrong.

The photo's structure is looked for around each block of the render's. In right cameras the best place is the block's
own, whatever the photos are like.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.likeness import COVERED, SIDE, fitting, structure
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians

#: Views that are looked at; pixels to all sides in which a block is looked for, the block's width and their distance.
VIEWS, REACH, BLOCK, APART = 4, 5, 33, 8
#: Correlation that a block must have somewhere to count, and the share of it that the scene must cover.
FOUND, KNOWN = 0.5, 0.5
#: Pixels from which a block lies beside its place, share of such blocks above which the cameras are off, and the
#: number of blocks that it takes to tell.
BESIDE, OFF, FEWEST = 1.5, 0.4, 40


def displacements(
    gaussians: Gaussians, views: Sequence[View], photos: Sequence[NDArray[np.uint8]], device: raster.Device = "cpu"
) -> NDArray[np.float64]:
    """[B] pixels, of pictures ``likeness.SIDE`` wide, by which photos lie beside renders in B blocks.

    Args:
        views, photos: of ``likeness.with_small_photos``; some of them, spread over all, are looked at.
    """
    found = [np.empty(0)]
    for number in np.unique(np.linspace(0, len(views) - 1, min(VIEWS, len(views))).round().astype(int)):
        drawn = raster.render(gaussians, views[number].camera.within(SIDE), device=device)
        weight = np.where(drawn.alpha > COVERED, drawn.alpha, 0).reshape(drawn.image.shape[:2]).astype(np.float32)
        if min(weight.shape) > BLOCK:
            photo = structure(fitting(photos[number], weight.shape), weight)
            found.append(_of_blocks(structure(drawn.image, weight), photo, weight))
    return np.concatenate(found)


def are_off(values: NDArray[np.float64]) -> bool:
    """Whether displacements say that the cameras are off."""
    return len(values) >= FEWEST and float((values > BESIDE).mean()) > OFF


def _of_blocks(own: F32, photo: F32, weight: F32) -> NDArray[np.float64]:
    """[B] for one view; ``own`` and ``photo`` are structures [H, W]."""
    from scipy.ndimage import uniform_filter

    height, width = own.shape
    grid = np.ix_(np.arange(BLOCK // 2, height - BLOCK // 2, APART), np.arange(BLOCK // 2, width - BLOCK // 2, APART))

    def summed(values: F32) -> F32:
        return np.asarray(uniform_filter(values, BLOCK, mode="constant"), np.float32)[grid]

    length, padded = summed(weight * own**2), np.pad(photo, REACH)
    best = np.full(length.shape, -1.0)
    place = np.zeros(length.shape)
    for down in range(2 * REACH + 1):
        for right in range(2 * REACH + 1):
            there = padded[down : down + height, right : right + width]
            product = length * summed(weight * there**2)
            value = summed(weight * own * there) / np.sqrt(np.maximum(product, 1e-12))
            place = np.where(value > best, np.hypot(down - REACH, right - REACH), place)
            best = np.maximum(value, best)
    return place[(best > FOUND) & (summed(weight) > KNOWN)]
