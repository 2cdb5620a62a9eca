# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Whether cameras and scene belong together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians

#: Gaussians that are looked at before all of them are.
_SAMPLE = 20_000
#: Cameras so many times the scene's size away from it are somewhere else: nothing could be told apart from there.
_FAR = 300.0


def check_views_see_scene(
    gaussians: Gaussians, views: list[View], offset: NDArray[np.float64] | None = None
) -> list[str]:
    """Names of the views that see nothing of the scene; raises ``UserError`` when that is all of them.

    A view sees a Gaussian that it could draw: in front of the camera, within three standard deviations of the
    picture, and not transparent. The error gives the scene's extent and the cameras' places, since the usual reason
    is that they are in worlds with other axes or another scale; ``offset`` [3] is the world offset of both.
    """
    if not views:
        raise UserError("There are no views. Give cameras that look at the scene.")
    if far := _far_away(gaussians, views, np.zeros(3) if offset is None else offset):
        raise UserError(far)
    visible = np.flatnonzero(gaussians.opacities() >= 1 / 255)
    means = gaussians.means[visible]
    with np.errstate(over="ignore", invalid="ignore"):
        reach = 3 * np.exp(gaussians.log_scales[visible].max(axis=1))
    step = max(1, len(visible) // _SAMPLE)
    blind = [view for view in views if not _sees(view.camera, means[::step], reach[::step])]
    if step > 1:
        blind = [view for view in blind if not _sees(view.camera, means, reach)]
    if len(blind) == len(views):
        raise UserError(_nothing_seen(gaussians, views, np.zeros(3) if offset is None else offset))
    return [view.name for view in blind]


def _sees(camera: Camera, means: NDArray[np.float32], reach: NDArray[np.float32]) -> bool:
    """Whether one of the balls about ``means`` [N, 3] of radius ``reach`` [N] (world units) lies in the picture."""
    world = camera.camera_from_world.astype(np.float32)
    with np.errstate(all="ignore"):
        front = np.flatnonzero(means @ world[2, :3] + world[2, 3] > camera.near)
        x, y, z = (means[front] @ world[:3, :3].T + world[:3, 3]).T
        # Pixels away from the principal point; the ball's radius is taken for its picture's.
        size = reach[front] / z
        across = (x / z + size > -camera.cx / camera.fx) & (x / z - size < (camera.width - camera.cx) / camera.fx)
        down = (y / z + size > -camera.cy / camera.fy) & (y / z - size < (camera.height - camera.cy) / camera.fy)
    return bool((across & down).any())


def _far_away(gaussians: Gaussians, views: list[View], offset: NDArray[np.float64]) -> str:
    """Why all cameras are far from the scene, as where one of both is georeferenced; "" if one is not."""
    finite = gaussians.means[np.isfinite(gaussians.means).all(axis=1)]
    if len(finite) < 2:
        return ""
    low, high = np.percentile(finite, [1, 99], axis=0)
    places = np.stack([view.camera.position for view in views])
    nearest = float(np.linalg.norm(places - (low + high) / 2, axis=1).min())
    size = float(np.linalg.norm(high - low))
    if not 0 < _FAR * size < nearest:
        return ""
    scene, cameras = (", ".join(f"{value:.10g}" for value in place + offset) for place in ((low + high) / 2, places[0]))
    text = (
        f"The cameras are {nearest / size:.3g} times the scene's size away from it: the scene lies at ({scene}), the "
        f"first camera at ({cameras})."
    )
    if 10 * np.linalg.norm(places + offset, axis=1).max() < np.linalg.norm(offset):
        return (
            f"{text} The scene is georeferenced and the cameras are not: they have local coordinates. Use cameras in "
            "the scene's coordinates, or the scene as it was trained, before it was georeferenced."
        )
    spread = np.linalg.norm(places - places[0], axis=1).max()
    if not offset.any() and np.linalg.norm(places, axis=1).min() > _FAR * spread:
        return (
            f"{text} The cameras are georeferenced and the scene is not: it has local coordinates. Use the cameras "
            "that the scene was trained with, or a scene that was exported in the cameras' coordinates."
        )
    return f"{text} Use the cameras that the scene was trained with."


def _nothing_seen(gaussians: Gaussians, views: list[View], offset: NDArray[np.float64]) -> str:
    finite = gaussians.means[np.isfinite(gaussians.means).all(axis=1)]
    if not len(finite):
        return "No camera sees anything: the scene has no Gaussian with a finite position."
    # The innermost 98% say where the scene is; a few floaters far out would hide it.
    low, high = np.percentile(finite, [1, 99], axis=0)
    places = np.stack([view.camera.position for view in views])
    ahead = np.stack([view.camera.camera_from_world[2, :3] for view in views])
    to_scene = (low + high) / 2 - places
    away = (to_scene * ahead).sum(axis=1) < 0
    ends = (low, high, places.min(axis=0), places.max(axis=0))
    digits = 10 if offset.any() else 4
    first, last, nearest, farthest = (
        "(" + ", ".join(f"{value:.{digits}g}" for value in end + offset) + ")" for end in ends
    )
    text = (
        f"None of the {len(views)} cameras sees any of the scene. The scene extends from {first} to {last}; "
        f"the cameras stand between {nearest} and {farthest}"
    )
    if away.all():
        text += " and all look away from it, which suggests different axes"
    elif away.any():
        text += f", and {int(away.sum())} of them look away from it, which suggests different axes"
    else:
        ratio = float(np.median(np.linalg.norm(to_scene, axis=1)) / max(np.linalg.norm(high - low), 1e-12))
        text += f", about {ratio:.3g} times the scene's size away from it, which suggests a different scale or origin"
    return (
        f"{text}. Use the cameras that the scene was trained with, for instance the COLMAP model or the cameras.json "
        "beside the trained scene."
    )
