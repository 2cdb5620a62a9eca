# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Floaters right in front of a camera: haze that the photo of that view does not show.

A trained scene has them before cameras it was not trained on, and now and then before those it was. They cover the
object in every render of that view, so they spoil its mask and its vote. The photo tells: where leaving out what is
very near brings the render clearly closer to the photo, the view's near plane is moved behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.pictures import picture, working_view
from splatcut.progress import Progress
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians

#: Near planes to try, as shares of the median depth of the Gaussians in the picture.
SHARES = (0.15, 0.3, 0.45)
#: The render without a floater must come this much closer to the photo (PSNR, decibel).
GAIN_DB = 0.5
#: Mean alpha below which what is near is not looked at.
LEAST_ALPHA = 0.05
#: Longer side of the renders that are compared, pixels.
SIDE = 320


def clear_near_plane(gaussians: Gaussians, view: View, device: raster.Device = "cpu") -> float:
    """The near plane (world units) of a view with a photo: the camera's own, or one behind its floaters."""
    camera = view.camera
    if view.photo is None:
        return camera.near
    pixels, depth = camera.project(gaussians.means)
    inside = (depth > camera.near) & (pixels >= 0).all(axis=1) & (pixels < [camera.width, camera.height]).all(axis=1)
    if not inside.any():
        return camera.near
    middle = float(np.median(depth[inside]))
    planes = [share * middle for share in SHARES if share * middle > camera.near]
    if not planes:
        return camera.near
    small = working_view(view, SIDE)
    near = (depth > camera.near) & (depth <= planes[-1])
    if not near.any():
        return camera.near
    haze = raster.render(gaussians.take(near), small.view.camera, colour=False, device=device)
    if haze.alpha.mean() < LEAST_ALPHA:
        return camera.near
    photo = picture(small, gaussians, device).astype(np.float32) / np.float32(255)
    errors = [_error(gaussians, small.view.camera, plane, photo, device) for plane in (camera.near, *planes)]
    gains = 10.0 * np.log10(errors[0] / np.maximum(errors, 1e-12))
    if gains.max() < GAIN_DB:
        return camera.near
    # The nearest plane that does nearly as well as the best: what it leaves in may be real.
    chosen = int(np.flatnonzero(gains >= gains.max() - 0.1)[0])
    return (camera.near, *planes)[chosen]


def _error(
    gaussians: Gaussians, camera: Camera, near: float, photo: NDArray[np.float32], device: raster.Device
) -> float:
    image = raster.render(gaussians, replace(camera, near=near), device=device).image
    return float(((image.clip(0.0, 1.0) - photo) ** 2).mean())


def without_floaters(
    gaussians: Gaussians, views: Sequence[View], progress: Progress, device: raster.Device = "cpu"
) -> list[View]:
    """The views, those with floaters before the camera with their near plane moved behind them."""
    progress.stage("floaters", len(views))
    result = []
    for view in views:
        near = clear_near_plane(gaussians, view, device)
        moved = near != view.camera.near
        result.append(replace(view, camera=replace(view.camera, near=near)) if moved else view)
        progress.step()
    return result
