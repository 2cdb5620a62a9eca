# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The tiny data set elsewhere: at another place in the world, in other units, with positions in double precision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from blob_scene import BlobScene
from numpy.typing import NDArray

from splatcut.cameras import save_cameras
from splatcut.formats import SplatFile, write_splats
from splatcut.scene.camera import View

#: Easting, height and northing in metres.
UTM = np.array([448262.37, 116.0, 5411932.68])


def placed(blobs: BlobScene, folder: Path, place: NDArray[np.float64] | None = None, scale: float = 1.0) -> Path:
    """Writes ``scene.ply`` and ``cameras.json`` of the data set into a folder: times ``scale``, then moved."""
    folder.mkdir(parents=True, exist_ok=True)
    g = blobs.gaussians
    if scale != 1.0:
        g = replace(g, means=g.means * np.float32(scale), log_scales=g.log_scales + np.float32(np.log(scale)))
    write_splats(folder / "scene.ply", SplatFile.from_gaussians(g, offset=place))
    views = []
    for view in blobs.views:
        pose = view.camera.camera_from_world.copy()
        pose[:3, 3] *= scale
        views.append(View(view.name, replace(view.camera, camera_from_world=pose)))
    save_cameras(folder / "cameras.json", views, place)
    return folder
