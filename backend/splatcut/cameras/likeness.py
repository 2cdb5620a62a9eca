# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How much renders of a scene look like its photos: which of several readings of a file is the right one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from splatcut import raster
from splatcut.cameras.pictures import photo_of, working_view
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians

#: Views that are compared, and the longer side of their pictures in pixels: enough to tell up from down.
_VIEWS, _SIDE = 5, 160


def likeness(gaussians: Gaussians, views: Sequence[View], device: raster.Device = "cpu") -> float:
    """Median over a few views of the correlation of render and photo, -1 to 1; 0 where neither tells anything.

    Args:
        views: with photos; some of them are taken, evenly.
    """
    chosen = [views[place] for place in np.linspace(0, len(views) - 1, min(_VIEWS, len(views))).round().astype(int)]
    found = []
    for view in chosen:
        working = working_view(view, _SIDE)
        photo = photo_of(working).astype(np.float64).ravel()
        image = raster.render(gaussians, working.view.camera, device=device).image.astype(np.float64).ravel()
        photo -= photo.mean()
        image -= image.mean()
        size = np.linalg.norm(photo) * np.linalg.norm(image)
        found.append(float(photo @ image / size) if size > 0 else 0.0)
    return float(np.median(found))
