# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The sides of an object that no view saw because it stood on or against something, closed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.heal.chart import closed_chart
from splatcut.heal.fill import fill
from splatcut.heal.healing import COLOURS, SIDE, SOLID, VIEWS, seen_colours, spread
from splatcut.heal.planes import Plane, find_planes
from splatcut.heal.visibility import look
from splatcut.progress import Progress
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians, concatenate

#: What shows more than this share of itself in the views of the whole scene closes nothing that was hidden.
SHOWN = 0.03


def close(
    scene: Gaussians,
    body: NDArray[np.bool_],
    cameras: Sequence[Camera],
    progress: Progress,
    device: raster.Device = "cpu",
    seed: int = 0,
) -> Gaussians:
    """Gaussians that close an object where it touched planes of the scene: all of them are made up.

    Args:
        scene: N Gaussians; body: [N] bool, those of the object.
        cameras: of the scene's views; nothing is closed that they see through.

    Raises:
        Cancelled: through ``progress``.
    """
    thing = scene.take(body)
    nothing = thing.take(slice(0, 0))
    if not len(thing) or body.all() or not cameras:
        return nothing
    chosen = [camera.within(SIDE) for camera in spread(cameras, VIEWS)]
    progress.stage("sights", len(chosen))
    sights = look(scene, body, chosen, device, progress.step)
    progress.stage("holes", 1)
    colours = seen_colours(thing, spread(chosen, COLOURS))
    solid = (scene.opacities() > SOLID) & ~body
    towards = np.mean([camera.position for camera in chosen], axis=0)
    made, used = [nothing], list[Plane]()
    for plane in find_planes(scene.means[solid].astype(np.float64), thing.means.astype(np.float64), towards, seed):
        if any(plane.doubles(other) for other in used):
            continue
        chart = closed_chart(thing, colours, plane, sights)
        if chart is not None:
            used.append(plane)
            made.append(fill(chart, scene.sh_degree, scene.pixel_filter).gaussians)
    progress.step()
    return _hidden(scene, concatenate(made), chosen, device)


def _hidden(scene: Gaussians, made: Gaussians, cameras: Sequence[Camera], device: raster.Device) -> Gaussians:
    """Those of the new Gaussians that the views of the whole scene hardly show."""
    if not len(made):
        return made
    together = concatenate([scene, made])
    shown, alone = np.zeros(len(made)), np.zeros(len(made))
    for camera in cameras:
        empty = np.zeros((1, camera.height, camera.width), np.float32)
        shown += raster.accumulate(together, camera, empty, device=device).weight[len(scene) :]
        alone += raster.accumulate(made, camera, empty, device=device).weight
    return made.take(shown <= SHOWN * alone)
