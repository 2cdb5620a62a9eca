# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where masks are made when there are too few cameras: virtual views about what was prompted (method: views)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from splatcut import raster
from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.masks.prompted import gather
from splatcut.masks.virtual import centre_of, first_view_of, surface_points, virtual_views
from splatcut.messages import ObjectPrompt, Points3DPrompt, ViewPrompt
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians


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
    in_space = [p.points for item in objects for p in item.prompts if isinstance(p, Points3DPrompt)]
    points = [np.array([point[:3] for point in some if point[3] == 1]).reshape(-1, 3) for some in in_space]
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
    said = gather(objects, {v.name: WorkingView(v, v) for v in [first, *known.values()]}, gaussians, device)
    for view in [first, *(view for view in known.values() if view.name != first.name)]:
        pixels = [part[view.name].on_object() for part in said if view.name in part]
        if pixels:
            points.append(surface_points(gaussians, view.camera, np.concatenate(pixels), device))
    made = virtual_views(gaussians, first, centre_of(points), progress, device)
    return made + [view for view in given if view.name != first.name]
