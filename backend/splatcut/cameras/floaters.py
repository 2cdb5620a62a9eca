# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Floaters right in front of a camera: haze that the photo of that view does not show.

A trained scene has them before cameras it was not trained on, and now and then before those it was. They cover the
object in every render of that view, so they spoil its mask and its vote. The photo tells: where leaving out what is
very near brings the render clearly closer to the photo, the view's near plane is moved behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.pictures import picture, working_view
from splatcut.progress import Progress
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians


@dataclass(frozen=True)
class FloaterOptions:
    """When something near counts as a floater.

    Attributes:
        shares: near planes to try, as shares of the median depth of the Gaussians in the picture.
        gain_db: the render without it must come this much closer to the photo (PSNR, decibel).
        least_alpha: mean alpha below which what is near is not looked at.
        side: longer side of the renders that are compared, pixels.
    """

    shares: tuple[float, ...] = (0.15, 0.3, 0.45)
    gain_db: float = 0.5
    least_alpha: float = 0.05
    side: int = 320

    def __post_init__(self) -> None:
        if not self.shares or any(not 0.0 < share < 1.0 for share in self.shares):
            raise ValueError("The shares must lie between 0 and 1.")
        if self.gain_db <= 0 or not 0.0 <= self.least_alpha <= 1.0 or self.side < 16:
            raise ValueError("gain_db must be above 0, least_alpha a share, side at least 16 pixels.")


def clear_near_plane(
    gaussians: Gaussians,
    view: View,
    options: FloaterOptions | None = None,
    device: raster.Device = "cpu",
) -> float:
    """The near plane (world units) of a view with a photo: the camera's own, or one behind its floaters."""
    options = options or FloaterOptions()
    camera = view.camera
    if view.photo is None:
        return camera.near
    pixels, depth = camera.project(gaussians.means)
    inside = (depth > camera.near) & (pixels >= 0).all(axis=1) & (pixels < [camera.width, camera.height]).all(axis=1)
    if not inside.any():
        return camera.near
    middle = float(np.median(depth[inside]))
    planes = [share * middle for share in options.shares if share * middle > camera.near]
    if not planes:
        return camera.near
    small = working_view(view, options.side)
    near = (depth > camera.near) & (depth <= planes[-1])
    if not near.any() or _mean_alpha(gaussians.take(near), small.view.camera, device) < options.least_alpha:
        return camera.near
    photo = picture(small, gaussians, device).astype(np.float32) / np.float32(255)
    errors = [_error(gaussians, small.view.camera, plane, photo, device) for plane in (camera.near, *planes)]
    gains = 10.0 * np.log10(errors[0] / np.maximum(errors, 1e-12))
    if gains.max() < options.gain_db:
        return camera.near
    # The nearest plane that does nearly as well as the best: what it leaves in may be real.
    chosen = int(np.flatnonzero(gains >= gains.max() - 0.1)[0])
    return (camera.near, *planes)[chosen]


def _mean_alpha(gaussians: Gaussians, camera: Camera, device: raster.Device) -> float:
    nothing = np.zeros((len(gaussians), 1), np.float32)
    rendered = raster.render(gaussians, camera, features=nothing, colour=False, device=device)
    return float(1.0 - rendered.transmittance.mean())


def _error(
    gaussians: Gaussians, camera: Camera, near: float, photo: NDArray[np.float32], device: raster.Device
) -> float:
    image = raster.render(gaussians, replace(camera, near=near), device=device).image
    assert image is not None
    return float(((image.clip(0.0, 1.0) - photo) ** 2).mean())


def without_floaters(
    gaussians: Gaussians, views: Sequence[View], progress: Progress, device: raster.Device = "cpu"
) -> list[View]:
    """The views, those with floaters before the camera with their near plane moved behind them."""
    progress.stage("floaters", len(views))
    result = []
    for view in views:
        near = clear_near_plane(gaussians, view, device=device)
        moved = near != view.camera.near
        result.append(replace(view, camera=replace(view.camera, near=near)) if moved else view)
        progress.step()
    return result
