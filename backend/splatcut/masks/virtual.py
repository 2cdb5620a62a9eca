# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual views around what was clicked, for scenes that come without cameras (method: views)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras import candidate_quality, look_at, spiral_cone
from splatcut.errors import UserError
from splatcut.progress import Progress
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import F32, Gaussians

#: Virtual cameras that are proposed, and the angle of the cone about the first camera, degrees: farther away floaters
#: show that no photo has trained away.
COUNT, MAX_ANGLE = 24, 40.0
#: Width in pixels of the small renders that candidates are judged by.
PROBE_WIDTH = 160
#: Width in pixels of the first camera's picture when the job has no camera.
WIDTH = 640


def surface_points(
    gaussians: Gaussians, camera: Camera, pixels: NDArray[np.floating], device: raster.Device = "cpu"
) -> NDArray[np.float64]:
    """[P, 3] world points on the visible surface at pixels [P, 2]; NaN where nothing is drawn."""
    return unprojected(camera, pixels, *raster.mean_depth(gaussians, camera, device))


def unprojected(camera: Camera, pixels: NDArray[np.floating], depth: F32, transmittance: F32) -> NDArray[np.float64]:
    """``surface_points`` from what ``raster.mean_depth`` gave for the camera."""
    column = np.clip(np.floor(pixels[:, 0]).astype(int), 0, camera.width - 1)
    row = np.clip(np.floor(pixels[:, 1]).astype(int), 0, camera.height - 1)
    points = camera.unproject(pixels, depth[row, column])
    points[transmittance[row, column] > 0.9] = np.nan
    return points


def virtual_views(
    gaussians: Gaussians,
    first: View,
    centre: NDArray[np.float64],
    progress: Progress,
    device: raster.Device = "cpu",
    *,
    count: int = COUNT,
    max_angle: float = MAX_ANGLE,
) -> list[View]:
    """The first view and the virtual ones about ``centre`` [3] (world) that pass the test, in order of growing angle.

    Rejected are those that look through empty space or sit inside opaque Gaussians.
    """
    base = first.camera
    distance = float(np.linalg.norm(base.position - centre))
    base = replace(base, near=min(base.near, 0.1 * distance))
    probe = base.resized(PROBE_WIDTH, max(1, round(PROBE_WIDTH * base.height / base.width)))
    _, transmittance = raster.mean_depth(gaussians, probe, device)
    full = float(1.0 - transmittance.mean())
    views = [first]
    candidates = spiral_cone(base, centre, count, max_angle)[1:]
    progress.stage("views", len(candidates))
    for number, camera in enumerate(candidates, start=1):
        small = camera.resized(probe.width, probe.height)
        depth, transmittance = raster.mean_depth(gaussians, small, device)
        if candidate_quality(gaussians, small, centre, transmittance, depth, full).accepted:
            views.append(View(f"virtual_{number:03d}", camera))
        progress.step()
    if len(views) < 3:
        raise UserError(
            "No place around the object gives a clear view of it: virtual cameras would look through empty space or "
            "stand inside other things. Give the capture's cameras with --cameras, or click the object in another view."
        )
    return views


def first_view_of(gaussians: Gaussians, points: NDArray[np.floating], device: raster.Device = "cpu") -> View:
    """A first view of points in space [P, 3], for scenes without any camera.

    Directions all around are tried at a distance that shows the neighbourhood of the points; the one in which the
    points lie on the visible surface and the picture is fullest is taken. The scene's up is guessed from the file's
    axes (negative y, as COLMAP and 3DGS have it).
    """
    centre = np.asarray(points, np.float64).mean(axis=0)
    spread = np.percentile(np.abs(gaussians.means - np.median(gaussians.means, axis=0)), 75)
    up = np.array([0.0, -1.0, 0.0])
    height, focal = round(WIDTH * 0.75), 0.9 * WIDTH
    best: tuple[float, Camera] | None = None
    for distance in (1.5 * float(spread), 0.75 * float(spread)):
        for turn in np.arange(0.0, 360.0, 30.0):
            for lift in (15.0, 40.0):
                around, above = np.radians(turn), np.radians(lift)
                direction = np.array([np.cos(above) * np.cos(around), -np.sin(above), np.cos(above) * np.sin(around)])
                pose = look_at(centre + distance * direction, centre, up)
                camera = Camera(WIDTH, height, focal, focal, WIDTH / 2, height / 2, pose, min(0.2, 0.1 * distance))
                small = camera.resized(PROBE_WIDTH, round(PROBE_WIDTH * 0.75))
                depth, transmittance = raster.mean_depth(gaussians, small, device)
                pixels, z = small.project(points)
                inside = (pixels >= 0).all(axis=1) & (pixels < [small.width, small.height]).all(axis=1) & (z > 0)
                if not inside.all():
                    continue
                column, row = np.floor(pixels).astype(int).T
                visible = float((z < depth[row, column] * 1.05).mean())
                quality = candidate_quality(gaussians, small, centre, transmittance, depth)
                score = visible + 0.5 * quality.mean_alpha - quality.near_share - min(quality.density, 1.0)
                if best is None or score > best[0]:
                    best = (score, camera)
    if best is None:
        raise UserError("The given points are not visible from any direction. Check the points' coordinates.")
    return View("virtual_000", best[1])


def centre_of(points: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """[3] median of world points, those that are NaN left out. Raises ``UserError`` when none is left."""
    together = np.concatenate([np.empty((0, 3)), *(np.asarray(part, np.float64).reshape(-1, 3) for part in points)])
    together = together[np.isfinite(together).all(axis=1)]
    if not len(together):
        raise UserError(
            "The prompts lie on empty background, where the scene has no Gaussians. Choose points on the object."
        )
    return np.median(together, axis=0)
