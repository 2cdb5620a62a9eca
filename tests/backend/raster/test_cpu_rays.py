# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels for single pixels against the reference's rule in plain torch: lists, weights and surface depths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from raster_scenes import RandomScene, SceneOptions, borderline, random_scene

from splatcut.raster import cpu, cpu_depth, cpu_rays, reference
from splatcut.scene.rotations import rotation_matrices

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


def _largest(scene: RandomScene, rows: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """[P] camera z at which Gaussian rows[p] is largest on the ray of pixels[p], float64."""
    g, camera = scene.gaussians, scene.camera
    depths = []
    for row, pixel in zip(rows, pixels, strict=True):
        axes = rotation_matrices(g.quats[row : row + 1])[0] * np.exp(g.log_scales[row].astype(np.float64))
        target = camera.unproject(pixel[None] + 0.5, np.ones(1))[0]
        direction, offset = target - camera.position, g.means[row] - camera.position
        u, v = np.linalg.solve(axes, offset), np.linalg.solve(axes, direction)
        unit = direction / np.linalg.norm(direction)
        middle, reach = unit @ offset, cpu_rays.FARTHEST * np.linalg.norm(axes.T @ unit)
        z = np.clip(u @ v / (v @ v) * np.linalg.norm(direction), middle - reach, middle + reach)
        depths.append(max(camera.near, z / np.linalg.norm(direction)))
    return np.array(depths)


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


@pytest.mark.parametrize("level", [0.5, 0.9, 0.05])
@pytest.mark.parametrize("name", SCENES)
def test_the_surface_is_the_gaussian_that_takes_the_light(name: str, level: float) -> None:
    scene = random_scene(3, SCENES[name])
    pixels = _every_pixel(scene)
    weight, rows, _ = _twin(scene, pixels)
    left = 1 - np.cumsum(weight, axis=1)
    reached = np.any(left < level, axis=1)
    clear = ~borderline(scene).ravel() & (np.abs(left - level).min(axis=1) > 1e-4)
    assert clear.mean() > 0.9
    prepared = cpu.prepare(scene.gaussians, scene.camera, opacity_scale=scene.opacity_scale)
    first = cpu_depth.first_gaussians(prepared, level).ravel()
    np.testing.assert_array_equal(first[clear] >= 0, reached[clear])
    known = clear & reached
    expected = rows[np.argmax(left < level, axis=1)]
    np.testing.assert_array_equal(prepared.order[first[known]], expected[known])
    depth = cpu_depth.surface_depth(prepared, scene.gaussians, level).ravel()
    assert np.isinf(depth[first < 0]).all()
    np.testing.assert_allclose(depth[known], _largest(scene, expected[known], pixels[known]), rtol=1e-4)


def test_tiles_left_out_have_no_surface() -> None:
    scene = random_scene(4, SceneOptions(opacity=(0.9, 0.9999), log_scale=(-1.0, 0.5), count=100))
    tiles = np.zeros((2, 3), bool)
    tiles[0, 1] = True
    found = cpu_depth.surface_depth(cpu.prepare(scene.gaussians, scene.camera, tiles=tiles), scene.gaussians)
    whole = cpu_depth.surface_depth(cpu.prepare(scene.gaussians, scene.camera), scene.gaussians)
    assert np.isfinite(whole).all()
    np.testing.assert_array_equal(found[:16, 16:32], whole[:16, 16:32])
    found[:16, 16:32] = np.inf
    assert np.isinf(found).all()
    with pytest.raises(ValueError, match=r"Pixel \(0, 20\) lies in a tile that was left out"):
        cpu_rays.pixel_lists(cpu.prepare(scene.gaussians, scene.camera, tiles=tiles), np.array([[17, 3], [0, 20]]))


@pytest.mark.parametrize("level", [0.0, 0.001, 1.5])
def test_a_level_that_the_rasteriser_never_reaches_is_refused(level: float) -> None:
    scene = random_scene(0)
    with pytest.raises(ValueError, match="level of the transmittance must lie between"):
        cpu_depth.first_gaussians(cpu.prepare(scene.gaussians, scene.camera), level)
