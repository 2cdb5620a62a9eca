# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface under a pixel, against a plain float64 renderer that knows no short cuts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blender_addon.core import picking
from blender_addon.core.arrays import SplatArrays, base_colours
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from splatcut.cameras import load_views
from splatcut.formats import read_splats
from splatcut.raster import rule
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, MIP, PixelFilter
from splatcut.scene.rotations import rotation_matrices


def arrays(
    positions: NDArray, scales: NDArray, quats: NDArray | None = None, opacity: float | NDArray = 0.9
) -> SplatArrays:
    count = len(positions)
    return SplatArrays(
        positions=np.asarray(positions, np.float32),
        scales=np.broadcast_to(np.asarray(scales, np.float32), (count, 3)),
        quats=np.tile(np.float32([1, 0, 0, 0]), (count, 1)) if quats is None else np.asarray(quats, np.float32),
        base=np.zeros((count, 3), np.float32),
        opacity=np.broadcast_to(np.asarray(opacity, np.float32), (count,)),
    )


def ahead(width: int = 200, height: int = 150, focal: float = 180.0) -> Camera:
    """A camera at the origin that looks along +z."""
    return Camera(width, height, focal, focal, width / 2, height / 2, np.eye(4))


def slowly(
    splats: SplatArrays, camera: Camera, x: float, y: float, skip: int = -1
) -> tuple[int | None, NDArray[np.float64]]:
    """The Gaussian that takes the transmittance below 1/2, and the transmittance behind each drawn one, by a loop."""
    m = camera.camera_from_world
    rotations = rotation_matrices(splats.quats)
    drawn = []
    for i in range(len(splats.positions)):
        if i == skip:
            continue
        cx, cy, z = m[:3, :3] @ splats.positions[i].astype(np.float64) + m[:3, 3]
        if z <= camera.near:
            continue
        limit_x, limit_y = (
            rule.FOV_GUARD * 0.5 * s / f for s, f in ((camera.width, camera.fx), (camera.height, camera.fy))
        )
        tx, ty = min(limit_x, max(-limit_x, cx / z)), min(limit_y, max(-limit_y, cy / z))
        jacobian = np.array([[camera.fx / z, 0, -camera.fx * tx / z], [0, camera.fy / z, -camera.fy * ty / z]])
        spread = rotations[i] @ np.diag(splats.scales[i].astype(np.float64) ** 2) @ rotations[i].T
        turned = jacobian @ m[:3, :3]
        narrow = turned @ spread @ turned.T
        covariance = narrow + splats.pixel_filter.variance * np.eye(2)
        d = np.array([x - (camera.fx * cx / z + camera.cx), y - (camera.fy * cy / z + camera.cy)])
        opacity = float(splats.opacity[i])
        if splats.pixel_filter.compensated:
            opacity *= math.sqrt(np.linalg.det(narrow) / np.linalg.det(covariance))
        alpha = opacity * math.exp(-0.5 * d @ np.linalg.solve(covariance, d))
        if alpha >= rule.ALPHA_MIN:
            drawn.append((z, i, min(alpha, rule.ALPHA_MAX)))
    drawn.sort()
    left, behind, surface = 1.0, [], None
    for _, i, alpha in drawn:
        left *= 1 - alpha
        behind.append(left)
        if left < 0.5 and surface is None:
            surface = i
    return surface, np.array(behind)


@pytest.fixture(scope="module")
def demo_scene() -> tuple[SplatArrays, Camera]:
    folder = Path(__file__).resolve().parents[3] / "demo"
    g = read_splats(folder / "scene.ply").gaussians
    splats = SplatArrays(g.means, g.scales(), g.quats, base_colours(g.sh[:, 0]), g.opacities())
    return splats, load_views(folder / "cameras.json")[0].camera


def test_the_rule_is_the_engines() -> None:
    assert (picking.ALPHA_MIN, picking.ALPHA_MAX) == (rule.ALPHA_MIN, rule.ALPHA_MAX)
    assert picking.FOV_GUARD == rule.FOV_GUARD


@pytest.mark.parametrize("pixel_filter", [CLASSIC, ANTIALIASED, MIP])
def test_the_demo_scene_is_picked_as_rendered(
    demo_scene: tuple[SplatArrays, Camera], pixel_filter: PixelFilter
) -> None:
    splats, camera = replace(demo_scene[0], pixel_filter=pixel_filter), demo_scene[1]
    rng = np.random.default_rng(1)
    for x, y in rng.uniform((0, 0), (camera.width, camera.height), (8, 2)):
        # The loop is slow: it gets those that a bound which is far too wide leaves.
        pixels, depth = camera.project(splats.positions)
        reach = 4 * camera.fx * splats.scales.max(axis=1) / np.maximum(depth, 0.2) * 2 + 4
        near = np.flatnonzero((np.linalg.norm(pixels - (x, y), axis=1) < reach) & (depth > 0))
        some = SplatArrays(
            splats.positions[near], splats.scales[near], splats.quats[near], splats.base[near], splats.opacity[near],
            pixel_filter=pixel_filter,
        )  # fmt: skip
        surface, behind = slowly(some, camera, x, y)
        found = picking.blended(splats, camera, x, y)
        assert found is not None
        np.testing.assert_allclose(found[2], behind, rtol=1e-4)
        picked = picking.pick(splats, camera, x, y)
        assert (picked is None) == (surface is None)
        if picked is not None and surface is not None:
            assert picked[1] == near[surface]
            np.testing.assert_allclose(camera.project([picked[0]])[0][0], [x, y], atol=1e-6)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_random_gaussians_are_blended_as_by_the_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pose = np.eye(4)
    pose[:3, :3] = rotation_matrices(rng.normal(size=(1, 4)))[0]
    pose[:3, 3] = rng.normal(size=3)
    camera = Camera(64, 48, float(rng.uniform(20, 200)), float(rng.uniform(20, 200)), 30.0, 26.0, pose)
    pixels = rng.uniform((-40, -40), (104, 88), (40, 2))
    splats = arrays(
        camera.unproject(pixels, rng.uniform(0.05, 6, 40)),
        np.exp(rng.uniform(-5, 0.5, (40, 3))),
        rng.normal(size=(40, 4)),
        rng.uniform(0, 1, 40),
    )
    x, y = rng.uniform((0, 0), (64, 48))
    surface, behind = slowly(splats, camera, x, y)
    found = picking.blended(splats, camera, x, y)
    np.testing.assert_allclose(np.ones(0) if found is None else found[2], behind, rtol=1e-4, atol=1e-9)
    picked = picking.pick(splats, camera, x, y)
    assert (None if picked is None else picked[1]) == surface


def test_the_front_one_is_picked_and_one_that_lets_light_through_is_not() -> None:
    splats = arrays([[0, 0, 4], [0, 0, 2], [0, 0, 1]], 0.1, opacity=[0.95, 0.9, 0.3])
    picked = picking.pick(splats, ahead(), 100, 75)
    assert picked is not None
    assert picked[1] == 1
    np.testing.assert_allclose(picked[0], [0, 0, 2], atol=1e-6)


def test_veils_add_up() -> None:
    # 0.7 * 0.7 = 0.49: the second of two thin ones is the surface.
    splats = arrays([[0, 0, 3], [0, 0, 2]], 0.2, opacity=[0.3, 0.3])
    picked = picking.pick(splats, ahead(), 100, 75)
    assert picked is not None
    assert picked[1] == 0


def test_a_flat_floor_is_hit_where_the_ray_meets_it() -> None:
    """Not at the depth of the middle of the large Gaussian that makes it."""
    floor = arrays([[0, 1.0, 6.0]], [3.0, 0.001, 3.0])
    camera = ahead()
    y = camera.cy + camera.fy * 1.0 / 4.0  # the ray that meets the floor at z = 4
    picked = picking.pick(floor, camera, camera.cx, y)
    assert picked is not None
    np.testing.assert_allclose(picked[0], [0, 1, 4], atol=0.01)


def test_nothing_is_picked_in_the_air() -> None:
    splats = arrays([[0, 0, 3], [0, 0, -3], [0, 0, 0.1]], 0.02)
    assert picking.pick(splats, ahead(), 10, 10) is None
    assert picking.pick(arrays(np.zeros((0, 3)), 0.1), ahead(), 100, 75) is None
    hidden = arrays([[0, 0, 3]], 0.2, opacity=0.0)
    assert picking.pick(hidden, ahead(), 100, 75) is None
    assert picking.pick(arrays([[0, 0, 3]], 0.2, opacity=0.45), ahead(), 100, 75) is None


def test_what_is_nearer_than_the_engine_draws_is_not_in_the_way() -> None:
    splats = arrays([[0, 0, 0.19], [0, 0, 3]], 0.05)
    picked = picking.pick(splats, ahead(), 100, 75)
    assert picked is not None
    assert picked[1] == 1


def test_a_gaussian_without_thickness_is_picked() -> None:
    picked = picking.pick(arrays([[0, 0, 3]], [0.5, 0.5, 0.0]), ahead(), 100, 75)
    assert picked is not None
    np.testing.assert_allclose(picked[0], [0, 0, 3], atol=1e-3)


def test_the_numbers_hold_beyond_one_chunk() -> None:
    count = picking._CHUNK * 2 + 17
    positions = np.zeros((count, 3))
    positions[:, 0], positions[:, 2] = 100.0, 5.0
    positions[-1] = 0, 0, 5
    picked = picking.pick(arrays(positions, 0.05), ahead(), 100, 75)
    assert picked is not None
    assert picked[1] == count - 1
