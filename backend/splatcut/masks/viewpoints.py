# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where masks are made when there are too few cameras: virtual views about what was prompted (method: views)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.pictures import WorkingView
from splatcut.cameras.virtual import COUNT, MAX_ANGLE, first_view_of, virtual_views
from splatcut.errors import UserError
from splatcut.masks.prompted import prompts_in_views
from splatcut.messages import ObjectPrompt, Points3DPrompt, ViewPrompt
from splatcut.progress import Progress
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import F32, Gaussians


def views_about_prompts(
    gaussians: Gaussians,
    objects: Sequence[ObjectPrompt],
    given: Sequence[View],
    progress: Progress,
    device: raster.Device = "cpu",
) -> list[View]:
    """The given views and virtual ones about what was prompted.

    Args:
        given: the few views there are; one that was prompted in is what the virtual cameras start from.

    Raises:
        UserError: prompts in views that do not exist or on empty background; no place for a camera.
    """
    points = [points_in_space(item) for item in objects]
    known = {view.name: view for view in given}
    prompts = [p for item in objects for p in item.prompts if isinstance(p, ViewPrompt)]
    named = next((known[p.view] for p in prompts if p.view in known), None)
    first = named or (given[0] if given else None)
    if first is None:
        if not any(len(some) for some in points):
            raise UserError(
                "Without cameras the prompts must be points in space (points3d). Give the view that was clicked in "
                "with --cameras, or use points in space."
            )
        first = first_view_of(gaussians, np.concatenate(points), device)
    said = prompts_in_views(objects, {v.name: WorkingView(v, v) for v in [first, *known.values()]}, gaussians, device)
    for view in [first, *(view for view in known.values() if view.name != first.name)]:
        pixels = [part[view.name].on_object() for part in said if view.name in part]
        if pixels:
            drawn = raster.mean_depth(gaussians, view.camera, device)
            points.append(surface_points(view.camera, np.concatenate(pixels), *drawn))
    made = virtual_views(gaussians, first, centre_of(points), progress, device, COUNT, MAX_ANGLE)
    return made + [view for view in given if view.name != first.name]


def points_in_space(item: ObjectPrompt) -> NDArray[np.float64]:
    """[P, 3] an object's points in space that lie on it, world frame."""
    points = [point[:3] for p in item.prompts if isinstance(p, Points3DPrompt) for point in p.points if point[3] == 1]
    return np.array(points, np.float64).reshape(-1, 3)


def surface_points(camera: Camera, pixels: NDArray[np.floating], depth: F32, transmittance: F32) -> NDArray[np.float64]:
    """[P, 3] world points on the visible surface at pixels [P, 2]; NaN where nothing is drawn.

    Args:
        depth, transmittance: [H, W] of ``raster.mean_depth`` for the camera.
    """
    column = np.clip(np.floor(pixels[:, 0]).astype(int), 0, camera.width - 1)
    row = np.clip(np.floor(pixels[:, 1]).astype(int), 0, camera.height - 1)
    points = camera.unproject(pixels, depth[row, column])
    points[transmittance[row, column] > 0.9] = np.nan
    return points


def centre_of(points: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """[3] median of world points, those that are NaN left out. Raises ``UserError`` when none is left."""
    together = np.concatenate([np.empty((0, 3)), *(np.asarray(part, np.float64).reshape(-1, 3) for part in points)])
    together = together[np.isfinite(together).all(axis=1)]
    if not len(together):
        raise UserError(
            "The prompts lie on empty background, where the scene has no Gaussians. Choose points on the object."
        )
    return np.median(together, axis=0)
