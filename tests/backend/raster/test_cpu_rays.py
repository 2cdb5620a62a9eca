# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels for single pixels against the reference's rule in plain torch: lists, weights and surface depths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from raster_scenes import RandomScene, SceneOptions, borderline, random_scene

from splatcut import raster
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


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", SCENES)
def test_pixels_list_what_the_reference_draws_in_its_order(name: str, seed: int) -> None:
    scene = random_scene(seed, SCENES[name])
    pixels = _every_pixel(scene)[~borderline(scene).ravel()]
    weight, rows, left = _twin(scene, pixels)
    lists = cpu_rays.pixel_lists(cpu.prepare(scene.gaussians, scene.camera, opacity_scale=scene.opacity_scale), pixels)
    expected = [rows[w > 0] for w in weight]
    np.testing.assert_array_equal(np.diff(lists.start), [len(part) for part in expected])
    np.testing.assert_array_equal(lists.index, np.concatenate(expected))
    np.testing.assert_allclose(lists.weight, np.concatenate([w[w > 0] for w in weight]), atol=1e-5)
    np.testing.assert_allclose(lists.transmittance, left, atol=1e-5)


@pytest.mark.parametrize("name", SCENES)
def test_weights_add_up_to_what_the_render_leaves_out_of_the_background(name: str) -> None:
    scene = random_scene(2, SCENES[name])
    pixels = _every_pixel(scene)
    rendered = raster.render(scene.gaussians, scene.camera, colour=False, opacity_scale=scene.opacity_scale)
    lists = cpu_rays.pixel_lists(cpu.prepare(scene.gaussians, scene.camera, opacity_scale=scene.opacity_scale), pixels)
    sums = np.array([lists.weight[a:b].sum() for a, b in zip(lists.start[:-1], lists.start[1:], strict=True)])
    fine = ~borderline(scene).ravel()
    np.testing.assert_allclose(sums[fine], 1 - rendered.transmittance.ravel()[fine], atol=1e-5)


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


@pytest.mark.parametrize("level", [0.0, 0.001, 1.5])
def test_a_level_that_the_rasteriser_never_reaches_is_refused(level: float) -> None:
    scene = random_scene(0)
    with pytest.raises(ValueError, match="level of the transmittance must lie between"):
        cpu_depth.first_gaussians(cpu.prepare(scene.gaussians, scene.camera), level)


@pytest.mark.parametrize("pixel", [(-1, 0), (0, -1), (37, 0), (0, 29)])
def test_a_pixel_outside_the_image_is_refused(pixel: tuple[int, int]) -> None:
    scene = random_scene(0)
    prepared = cpu.prepare(scene.gaussians, scene.camera)
    with pytest.raises(ValueError, match=r"outside the image of 37 x 29 pixels\."):
        cpu_rays.pixel_lists(prepared, np.array([(3, 3), pixel], np.int32))


def test_a_pixel_in_a_tile_left_out_is_refused() -> None:
    scene = random_scene(0)
    tiles = np.ones((2, 3), bool)
    tiles[1, 0] = False
    prepared = cpu.prepare(scene.gaussians, scene.camera, tiles=tiles)
    with pytest.raises(ValueError, match=r"Pixel \(3, 20\) lies in a tile that was left out"):
        cpu_rays.pixel_lists(prepared, np.array([(3, 3), (3, 20)], np.int32))


@pytest.mark.parametrize("pixels", [np.zeros((2, 3), np.int32), np.zeros(2, np.int32), np.zeros((2, 2), np.float32)])
def test_pixels_of_another_kind_are_refused(pixels: np.ndarray) -> None:
    scene = random_scene(0)
    with pytest.raises(ValueError, match="whole numbers of shape"):
        cpu_rays.pixel_lists(cpu.prepare(scene.gaussians, scene.camera), pixels)


def test_no_pixels_give_no_lists() -> None:
    scene = random_scene(0)
    lists = cpu_rays.pixel_lists(cpu.prepare(scene.gaussians, scene.camera), np.zeros((0, 2), np.int32))
    assert lists.start.tolist() == [0]
    assert lists.index.size == lists.weight.size == lists.transmittance.size == 0
