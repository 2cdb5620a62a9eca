# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Makers of small data sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest
from PIL import Image

#: Poses as COLMAP has them: quaternion xyzw and translation.
POSES = [
    ((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 4.0)),
    ((0.0, 0.6, 0.0, 0.8), (0.5, -1.0, 3.0)),
    ((0.1, 0.5, 0.1, 0.85), (-1, 2, 5)),
]


@pytest.fixture
def colmap(tmp_path: Path) -> Callable[..., Path]:
    """Writes a COLMAP model through pycolmap and returns the folder above its ``sparse/0``."""

    def make(model: str, params: list[float], size: tuple[int, int], names: list[str], *, text: bool = False) -> Path:
        reconstruction = pycolmap.Reconstruction()
        width, height = size
        camera = pycolmap.Camera(model=model, width=width, height=height, params=params, camera_id=3)
        reconstruction.add_camera_with_trivial_rig(camera)
        for index, name in enumerate(names):
            quaternion, translation = POSES[index % len(POSES)]
            unit = np.array(quaternion) / np.linalg.norm(quaternion)
            pose = pycolmap.Rigid3d(pycolmap.Rotation3d(unit), np.array(translation, dtype=float))
            keypoints = np.arange(2.0 * index).reshape(-1, 2)
            image = pycolmap.Image(name=name, keypoints=keypoints, camera_id=3, image_id=index + 1)
            reconstruction.add_image_with_trivial_frame(image, pose)
        folder = tmp_path / "scene"
        (folder / "sparse" / "0").mkdir(parents=True)
        (reconstruction.write_text if text else reconstruction.write_binary)(folder / "sparse" / "0")
        return folder

    return make


def photos(folder: Path, names: list[str], size: tuple[int, int]) -> None:
    """Writes photos of one size; each is filled with its own grey (10, 20, 30, ...)."""
    for index, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (10 * (index + 1),) * 3).save(path)


@pytest.fixture
def write_json(tmp_path: Path) -> Callable[..., Path]:
    """Writes JSON under the test's folder."""

    def make(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return make
