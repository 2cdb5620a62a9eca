# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What is measured in renders of the whole scene and of objects alone, with the scores of ``splatcut.evaluation``.

Two questions are asked of every object, with the same scores:

- the mask *with* occlusion by the rest of the scene (``label_mask``: label image > 0.5), against the visible mask;
- the *extracted object*, rendered alone (``extracted_mask``: alpha > 0.5), which shows halos and spikes that the rest
  of the scene hides. Where something of the rest really lies in front of the object, the visible ground truth knows
  nothing about it, so such pixels are left out: ``score_masks(..., valid=visible_region(whole, visible))``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut import raster
from splatcut.evaluation.scores import Mask
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians


def edge_band(mask: Mask, width: int) -> Mask:
    """[H, W] bool: pixels within ``width`` of the mask's edge on either side; the image's border is no edge here."""
    if not mask.any() or mask.all():
        return np.zeros(mask.shape, dtype=bool)
    reach = [
        np.asarray(ndimage.distance_transform_cdt(side.astype(np.uint8), metric="chessboard"), dtype=np.int32)
        for side in (mask, ~mask)
    ]
    return (reach[0] + reach[1]) <= width


def psnr(image: NDArray[np.generic], reference: NDArray[np.generic], valid: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB of an image [H, W, 3] against its reference.

    Both are uint8, or float display-referred sRGB in [0, 1] (values outside are clipped, as a screen does). Only
    pixels of ``valid`` [H, W] count when it is given. Infinite when equal; NaN when no pixel counts.
    """
    if image.shape != reference.shape:
        raise ValueError(f"The images differ in shape: {image.shape} and {reference.shape}.")
    first, second = _unit(image), _unit(reference)
    squared = (first - second) ** 2
    if valid is not None:
        squared = squared[valid]
    if squared.size == 0:
        return math.nan
    error = float(squared.mean())
    return math.inf if error == 0 else -10.0 * math.log10(error)


def _unit(image: NDArray[np.generic]) -> NDArray[np.float64]:
    values = image.astype(np.float64)
    return values / 255.0 if image.dtype == np.uint8 else np.clip(values, 0.0, 1.0)


def visible_region(whole: Mask, visible: Mask) -> Mask:
    """[H, W] bool: pixels where nothing of the rest lies in front of the object.

    Args:
        whole: [H, W] bool, the object's true silhouette as if alone (exact scenes: rendered without the rest).
        visible: [H, W] bool, its true mask with occlusion.
    """
    return ~(whole & ~visible)


def label_mask(gaussians: Gaussians, selected: Mask, camera: Camera) -> Mask:
    """[H, W] bool: label image > 0.5, the object's mask with occlusion by the rest of the scene.

    Args:
        gaussians: the whole scene.
        selected: [N] bool, the object's Gaussians.
        camera: the view.
    """
    label = selected.astype(np.float32)[:, None]
    return raster.render(gaussians, camera, features=label, colour=False).features[..., 0] > 0.5


def coverage(gaussians: Gaussians, camera: Camera) -> NDArray[np.float32]:
    """[H, W] float32 in [0, 1]: alpha of Gaussians rendered alone."""
    if not len(gaussians):
        return np.zeros((camera.height, camera.width), np.float32)
    return raster.render(gaussians, camera, colour=False).alpha


def extracted_mask(gaussians: Gaussians, selected: Mask, camera: Camera) -> Mask:
    """[H, W] bool: alpha > 0.5 of those of the scene's Gaussians alone that are ``selected``, [N] bool."""
    return coverage(gaussians.take(selected), camera) > 0.5
