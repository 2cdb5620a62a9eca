# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Ray samples: where they lie, what they stand for, and what a volume rendering of them shows."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_scenes import make_gaussians
from raster_scenes import SceneOptions, borderline, random_scene

from splatcut import raster
from splatcut.field import rays
from splatcut.field.volume import volume_render
from splatcut.raster import cpu
from splatcut.raster.cpu_rays import ray_directions
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.rotations import rotation_matrices


def _camera(width: int = 40, height: int = 30) -> Camera:
    """At the origin, looking along +z; a pixel is 1/50 of the depth."""
    return Camera(width, height, 50.0, 50.0, 0.5 * width, 0.5 * height, np.eye(4))


def _gaussian(
    mean: Any, scales: Any, quat: Any = (1.0, 0.0, 0.0, 0.0), logit: float = 9.0, colour: Any = 0.5
) -> Gaussians:
    return make_gaussians(mean, scales, 1 / (1 + np.exp(-logit)), colour, quat)


def _precision(g: Gaussians, row: int) -> np.ndarray:
    axes = rotation_matrices(g.quats[row : row + 1])[0]
    return axes @ np.diag(np.exp(-2.0 * g.log_scales[row].astype(np.float64))) @ axes.T


def _all_pixels(camera: Camera) -> np.ndarray:
    y, x = np.indices((camera.height, camera.width))
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.int32)


def _sampled(g: Gaussians, camera: Camera, *args: Any, **options: Any) -> rays.RaySamples:
    return rays.sample_rays(cpu.prepare(g, camera), g, *args, **options)


def test_directions_are_those_of_the_camera() -> None:
    scene = random_scene(0)
    pixels = _all_pixels(scene.camera)
    directions = ray_directions(scene.camera, *pixels.T)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-12)
    back, depth = scene.camera.project(scene.camera.position + 3.0 * directions)
    np.testing.assert_allclose(back, pixels + 0.5, atol=1e-9)
    assert (depth > 0).all()


@pytest.mark.parametrize("options", [{}, {"opacity": (0.9, 0.999)}, {"scaled": True}])
def test_weights_are_what_the_render_shows(options: dict[str, Any]) -> None:
    scene = random_scene(5, SceneOptions(**options))
    rendered = raster.render(scene.gaussians, scene.camera, opacity_scale=scene.opacity_scale)
    pixels = _all_pixels(scene.camera)[~borderline(scene).ravel()]
    prepared = cpu.prepare(scene.gaussians, scene.camera, opacity_scale=scene.opacity_scale)
    sampled = rays.sample_rays(prepared, scene.gaussians, pixels, 6, 0)
    expected = 1 - rendered.transmittance[pixels[:, 1], pixels[:, 0]]
    np.testing.assert_allclose(sampled.weight, expected, atol=1e-5)


def test_samples_sit_where_their_gaussian_is_largest_along_the_ray() -> None:
    scene = random_scene(1, SceneOptions(log_scale=(-3.0, -1.0), count=60))
    g, camera = scene.gaussians, scene.camera
    sampled = _sampled(g, camera, _all_pixels(camera), 8, 0, jitter=False)
    points, checked = sampled.points(), 0
    for p in range(0, len(points), 7):
        for s in range(8):
            row = int(sampled.index[p, s])
            if row < 0:
                continue
            precision = _precision(g, row)
            offset, direction = points[p, s] - g.means[row], sampled.directions[p].astype(np.float64)
            # The exponent's slope along the ray vanishes there, measured in deviations along the ray.
            deviation = 1 / np.sqrt(direction @ precision @ direction)
            miss = deviation * (direction @ precision @ offset)
            reach = rays.FARTHEST * np.sqrt(direction @ np.linalg.inv(precision) @ direction)
            inside = abs(direction @ (points[p, s] - g.means[row])) < 0.999 * reach
            if inside and sampled.t[p, s] > 1.01 * camera.near / direction.dot(camera.camera_from_world[2, :3]):
                assert abs(miss) < 2e-3
                checked += 1
    assert checked > 200


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_the_largest_value_is_found_by_search(seed: int) -> None:
    """Against brute force: no other place on the ray has a smaller Mahalanobis distance."""
    rng = np.random.default_rng(seed)
    g = _gaussian(rng.uniform((-0.3, -0.3, 2.0), (0.3, 0.3, 4.0)), rng.uniform(0.1, 0.4, 3), rng.normal(size=4))
    camera = _camera()
    pixel = np.floor(camera.project(g.means)[0] + rng.uniform(-3, 3, (1, 2))).astype(np.int32)
    sampled = _sampled(g, camera, pixel, 1, 0, jitter=False)
    assert sampled.index[0, 0] == 0
    t = np.linspace(0.2, 8.0, 40_001)
    offset = sampled.directions[0].astype(np.float64) * t[:, None] - g.means[0]
    distance = np.einsum("ti,ij,tj->t", offset, _precision(g, 0), offset)
    assert sampled.t[0, 0] == pytest.approx(t[distance.argmin()], abs=5e-4)


def test_a_flat_gaussian_seen_edge_on_keeps_its_samples_at_home() -> None:
    """The low-pass filter draws it beyond its rim, where the ray meets its plane far away."""
    tilt = np.deg2rad(0.5)
    g = _gaussian((0.0, 0.0, 3.0), (0.2, 1e-6, 0.2), (np.cos(tilt / 2), np.sin(tilt / 2), 0.0, 0.0))
    camera = _camera()
    sampled = _sampled(g, camera, _all_pixels(camera), 4, 0)
    hit = sampled.index >= 0
    assert hit.any()
    assert np.isfinite(sampled.t).all()
    reach = rays.FARTHEST * 0.2 + 2 * rays.SLAB * 0.2
    assert (np.abs(sampled.points()[..., 2][hit] - 3.0) < reach + 0.05).all()


def test_jitter_keeps_to_the_gaussians_slab() -> None:
    g, camera = _gaussian((0.0, 0.0, 3.0), (0.4, 0.3, 0.1)), _camera()
    pixels = np.array([[20, 15]], np.int32)
    deviation = np.sqrt(0.1**2 + 0.3 * (3.0 / 50.0) ** 2)
    found = [_sampled(g, camera, pixels, 8, seed) for seed in range(300)]
    t = np.stack([f.t[f.index == 0] for f in found])
    assert t.shape == (300, 6)
    assert np.abs(t - 3.0).max() <= rays.SLAB * deviation * 1.002
    assert t.mean() == pytest.approx(3.0, abs=0.02)
    assert t.std() == pytest.approx(deviation, rel=0.03)
    # Stratified inside the one Gaussian: every sixth of the slab holds one sample of every ray.
    place = np.clip((t - 3.0) / (2 * rays.SLAB * deviation) + 0.5, 0, 0.999)
    assert (np.sort((6 * place).astype(int), axis=1) == np.arange(6)).mean() > 0.99


def test_gaussians_are_drawn_as_often_as_they_weigh() -> None:
    scene = random_scene(7, SceneOptions(count=60, log_scale=(-2.0, -1.0)))
    camera, pixels = scene.camera, np.array([[18, 14]], np.int32)
    one = np.zeros((1, camera.height, camera.width), np.float32)
    one[:, 14, 18] = 1
    weight = raster.accumulate(scene.gaussians, camera, one).weighted[:, 0]
    shown = np.flatnonzero(weight)
    assert len(shown) >= 4
    drawn = _sampled(scene.gaussians, camera, np.repeat(pixels, 5000, axis=0), 8, 3).index
    drawn = drawn[drawn >= 0]
    share = np.array([(drawn == row).mean() for row in shown])
    np.testing.assert_allclose(share, weight[shown] / weight.sum(), atol=0.01)
    assert share.sum() == pytest.approx(1.0)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 17), st.booleans())
def test_rays_are_in_order_and_intervals_do_not_overlap(seed: int, samples: int, jitter: bool) -> None:
    scene = random_scene(seed, SceneOptions(count=30, depth=(-1.0, 3.0)))
    sampled = _sampled(scene.gaussians, scene.camera, _all_pixels(scene.camera), samples, seed, jitter=jitter)
    assert np.isfinite(sampled.t).all()
    assert (sampled.delta >= 0).all()
    assert (np.diff(sampled.t, axis=1) >= 0).all()
    depth = (sampled.points() - scene.camera.position) @ scene.camera.camera_from_world[2, :3]
    assert (depth >= scene.camera.near * (1 - 1e-4)).all()
    # Samples between the first and the last have their intervals between their neighbours.
    if samples > 2:
        middle = sampled.delta[:, 1:-1]
        assert (middle <= (sampled.t[:, 2:] - sampled.t[:, :-2]) * (1 + 1e-5) + 1e-6).all()
    seen = sampled.weight > 0
    assert (sampled.delta[seen].sum(axis=1) > 0).all()
    assert ((sampled.index[seen] < 0).sum(axis=1) == samples // rays.EVEN).all()


def test_intervals_of_a_lone_gaussian_fill_its_slab_and_the_even_samples_the_space_before_it() -> None:
    g, camera = _gaussian((0.0, 0.0, 3.0), (0.4, 0.3, 0.1)), _camera()
    half = rays.SLAB * np.sqrt(0.1**2 + 0.3 * (3.0 / 50.0) ** 2)
    alone = _sampled(g, camera, np.array([[20, 15]]), 3, 0)
    assert (alone.index == 0).all()
    assert float(alone.delta.sum()) == pytest.approx(2 * half, rel=1e-3)
    mixed = _sampled(g, camera, np.array([[20, 15]]), 8, 0, jitter=False)
    np.testing.assert_allclose(mixed.t[mixed.index < 0], [3 - 2 * half, 3.0], rtol=2e-3)


def test_a_gap_between_two_surfaces_belongs_to_no_gaussian() -> None:
    edge = _gaussian((0.0, 0.0, 2.0), (0.3, 0.3, 0.05), logit=0.0)
    scene = concatenate([edge, _gaussian((0.0, 0.0, 8.0), (3.0, 3.0, 0.05))])
    camera = _camera()
    sampled = _sampled(scene, camera, np.repeat(np.array([[20, 15]], np.int32), 50, axis=0), 3, 1)
    for row in range(2):
        deviation = np.sqrt(0.05**2 + 0.3 * ((2.0, 8.0)[row] / 50.0) ** 2)
        lengths = np.where(sampled.index == row, sampled.delta, 0).sum(axis=1)
        hit = (sampled.index == row).any(axis=1)
        assert hit.all()
        np.testing.assert_allclose(lengths, 2 * rays.SLAB * deviation, rtol=2e-3)


def test_even_samples_keep_to_the_box_of_rays_that_cross_it() -> None:
    edge = _gaussian((0.0, 0.0, 2.0), (0.05, 0.05, 0.05), logit=0.0)
    scene = concatenate([edge, _gaussian((0.0, 0.0, 30.0), (30.0, 30.0, 0.5))])
    camera, box = _camera(), np.array([[-0.2, -0.2, 1.5], [0.2, 0.2, 2.5]])
    sampled = _sampled(scene, camera, np.array([[20, 15], [1, 1]]), 16, 2, box=box)
    even = sampled.points()[0][sampled.index[0] < 0]
    assert len(even) == 4
    assert (even >= box[0] - 1e-5).all()
    assert (even <= box[1] + 1e-5).all()
    assert (sampled.points()[1][sampled.index[1] < 0][:, 2] > 20.0).all()  # misses the box


def test_the_box_is_entered_and_left_where_slabs_say() -> None:
    camera = _camera()
    directions = np.array([[0.0, 0.0, 1.0], [0.0, 0.6, 0.8], [1.0, 0.0, 0.0]])
    found = rays.inside_box(camera, directions, np.array([[-1.0, -1.0, 2.0], [1.0, 3.0, 4.0]]))
    np.testing.assert_allclose(found[0], [2.0, 4.0])
    np.testing.assert_allclose(found[1], [2.5, 5.0])
    assert found[2, 0] > found[2, 1]


def test_empty_rays_weigh_nothing() -> None:
    g, camera = _gaussian((0.0, 0.0, 3.0), (0.02, 0.02, 0.02)), _camera()
    sampled = _sampled(g, camera, np.array([[0, 0], [20, 15], [39, 29]]), 5, 0)
    assert sampled.weight[[0, 2]].tolist() == [0.0, 0.0]
    assert sampled.weight[1] > 0.5
    assert (sampled.delta[[0, 2]] == 0).all()
    assert (sampled.index[[0, 2]] == -1).all()
    rendered = volume_render(torch.ones(3, 5), torch.from_numpy(sampled.delta))
    assert rendered.alpha[[0, 2]].tolist() == [0.0, 0.0]


def test_no_pixels_and_no_gaussians_give_no_samples() -> None:
    g, camera = _gaussian((0.0, 0.0, 3.0), (0.2, 0.2, 0.2)), _camera()
    assert _sampled(g, camera, np.zeros((0, 2), np.int32), 4, 0).points().shape == (0, 4, 3)
    assert (_sampled(g.take(slice(0)), camera, np.array([[3, 4]]), 4, 0).weight == 0).all()


def test_the_seed_decides_and_the_number_of_threads_does_not() -> None:
    scene = random_scene(3)
    pixels = _all_pixels(scene.camera)

    def sampled(seed: int | tuple[int, ...]) -> rays.RaySamples:
        return _sampled(scene.gaussians, scene.camera, pixels, 6, seed)

    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)  # pyright: ignore[reportAttributeAccessIssue]
    first = sampled(4)
    numba.set_num_threads(1)  # as the fixture has it
    again = sampled(4)
    for name in ("t", "delta", "index", "weight"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.t, sampled(5).t)
    assert not np.array_equal(sampled((4, 0)).t, sampled((4, 1)).t)


@pytest.mark.parametrize(
    ("pixels", "samples", "said"),
    [
        *(([pixel], 4, r"outside the image of 40 x 30 pixels\.") for pixel in ((-1, 3), (3, -1), (40, 3), (3, 30))),
        ([[1, 1]], 0, "at least 1 sample, not 0"),
        ([1, 1], 4, "shape"),
    ],
)
def test_pixels_outside_the_image_and_no_samples_are_refused(pixels: Any, samples: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        _sampled(_gaussian((0.0, 0.0, 3.0), 0.2), _camera(), np.array(pixels), samples, 0)


def _density(g: Gaussians, row: int, points: np.ndarray, peak: float) -> torch.Tensor:
    offset = points.astype(np.float64) - g.means[row]
    return torch.from_numpy(peak * np.exp(-0.5 * np.einsum("psi,ij,psj->ps", offset, _precision(g, row), offset)))


def test_rays_through_one_opaque_gaussian_give_its_colour() -> None:
    colour = (0.9, 0.25, 0.1)
    g, camera = _gaussian((0.1, -0.1, 3.0), (0.5, 0.4, 0.3), (0.9, 0.2, -0.3, 0.1), colour=colour), _camera()
    rendered = raster.render(g, camera)
    pixels = _all_pixels(camera)
    pixels = pixels[rendered.transmittance[pixels[:, 1], pixels[:, 0]] < 0.05]
    assert len(pixels) > 10
    sampled = _sampled(g, camera, pixels, 12, 0)
    density = _density(g, 0, sampled.points(), 200.0)
    values = torch.tensor(colour, dtype=torch.float64).expand(len(pixels), 12, 3)
    volume = volume_render(density, torch.from_numpy(sampled.delta).double(), values)
    assert (volume.alpha > 0.999).all()
    np.testing.assert_allclose(volume.values[0].numpy(), np.tile(colour, (len(pixels), 1)), atol=1e-3)
    shown = rendered.image[pixels[:, 1], pixels[:, 0]] / (1 - rendered.transmittance[pixels[:, 1], pixels[:, 0], None])
    np.testing.assert_allclose(volume.values[0].numpy(), shown, atol=2e-3)


def test_the_volume_of_a_gaussian_has_the_alpha_of_its_closed_form() -> None:
    """Mean over many jittered rays of a half-transparent Gaussian: the intervals stand for the right lengths."""
    g, camera = _gaussian((0.0, 0.0, 3.0), (0.5, 0.5, 0.25)), _camera()
    sampled = _sampled(g, camera, np.repeat(np.array([[20, 15]], np.int32), 200, axis=0), 16, 0)
    alpha = volume_render(_density(g, 0, sampled.points(), 1.5), torch.from_numpy(sampled.delta).double()).alpha
    # sqrt(2 pi) sigma * peak along the axis; the slab leaves out 8% of the mass, the space before it brings some back.
    assert float(alpha.mean()) == pytest.approx(1 - np.exp(-np.sqrt(2 * np.pi) * 0.25 * 1.5), abs=0.04)


def test_the_front_one_of_two_opaque_gaussians_hides_the_other() -> None:
    red = _gaussian((0.0, 0.0, 2.0), (0.1, 0.1, 0.1), colour=(1.0, 0.0, 0.0))
    scene = concatenate([_gaussian((0.0, 0.0, 4.0), (1.0, 1.0, 0.1), colour=(0.0, 0.0, 1.0)), red])
    camera = _camera()
    sampled = _sampled(scene, camera, np.array([[20, 15], [38, 15]]), 12, 0)
    density = _density(scene, 0, sampled.points(), 500.0) + _density(scene, 1, sampled.points(), 500.0)
    nearer_red = torch.from_numpy(sampled.points()[..., 2] < 3.0).double()
    values = torch.stack([nearer_red, 1 - nearer_red], dim=2)
    shown = volume_render(density, torch.from_numpy(sampled.delta).double(), values).values[0]
    assert shown[0, 0] > 0.99
    assert shown[1, 1] > 0.99
