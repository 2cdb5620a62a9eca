# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels for single pixels against the reference's rule in plain torch: lists and weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from raster_scenes import RandomScene, SceneOptions, borderline, random_scene

from splatcut.raster import cpu, cpu_rays, reference

SCENES = {
    "mixed": SceneOptions(count=80),
    "scaled": SceneOptions(count=80, scaled=True),
    "opaque stack": SceneOptions(opacity=(0.9, 0.9999), log_scale=(-3.0, 0.5), count=100),
    "faint": SceneOptions(opacity=(0.004, 0.02), log_scale=(-2.0, 0.0), count=400),
    "needles": SceneOptions(log_scale=(-8.0, 0.5), count=30),
    "behind the camera too": SceneOptions(depth=(-2.0, 3.0), spread=2.0, count=60),
    "one row": SceneOptions(width=50, height=1, count=30),
}


def _twin(scene: RandomScene, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By the reference's rule in float64: weights [P, M] front to back, their rows [M], transmittance [P]."""
    g = scene.gaussians
    scale = None if scene.opacity_scale is None else torch.from_numpy(scene.opacity_scale)
    splats = reference.project(
        torch.from_numpy(g.means), torch.from_numpy(g.log_scales), torch.from_numpy(g.quats),
        torch.from_numpy(g.opacity_logits), scene.camera, scale,
    )  # fmt: skip
    weight, left = reference.blending_weights(splats, torch.arange(len(splats.index)), torch.from_numpy(pixels))
    return weight.numpy(), splats.index.numpy(), left.numpy()


def _every_pixel(scene: RandomScene) -> np.ndarray:
    y, x = np.indices((scene.camera.height, scene.camera.width))
    return np.stack([x.ravel(), y.ravel()], axis=1)


@pytest.mark.parametrize("name", SCENES)
def test_a_pixels_list_is_what_the_reference_draws(name: str) -> None:
    scene = random_scene(3, SCENES[name])
    pixels = _every_pixel(scene)[~borderline(scene).ravel()]
    weight, index, _ = _twin(scene, pixels)
    prepared = cpu.prepare(scene.gaussians, scene.camera, opacity_scale=scene.opacity_scale)
    rows, weights = cpu_rays.pixel_lists(prepared, pixels)
    for p in range(0, len(pixels), 5):
        drawn = weight[p] > 0
        np.testing.assert_array_equal(rows[p][rows[p] >= 0], index[drawn])
        np.testing.assert_allclose(weights[p][rows[p] >= 0], weight[p][drawn], atol=1e-5)
    assert not weights[rows < 0].any()


def test_pixels_of_tiles_left_out_are_refused() -> None:
    scene = random_scene(4, SceneOptions(opacity=(0.9, 0.9999), log_scale=(-1.0, 0.5), count=100))
    tiles = np.zeros((2, 3), bool)
    tiles[0, 1] = True
    with pytest.raises(ValueError, match=r"Pixel \(0, 20\) lies in a tile that was left out"):
        cpu_rays.pixel_lists(cpu.prepare(scene.gaussians, scene.camera, tiles=tiles), np.array([[17, 3], [0, 20]]))
