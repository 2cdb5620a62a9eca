# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The float64 reference against closed forms, a plain loop and finite differences."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from mask_scenes import make_gaussians
from numpy.typing import NDArray
from raster_scenes import PARAMETERS, RandomScene, SceneOptions, random_scene, render_reference
from scipy.special import sph_harm_y

from splatcut.raster import reference
from splatcut.raster.rule import ALPHA_MAX, LOW_PASS
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, MIP, Gaussians, PixelFilter
from splatcut.scene.rotations import rotation_matrices


def _front(depths: list[float], opacity: float, scale: float = 20.0) -> Gaussians:
    """Gaussians on the axis of a camera at the origin, one primary colour each."""
    colours = np.eye(3)[np.arange(len(depths)) % 3]
    return make_gaussians([(0.0, 0.0, depth) for depth in depths], scale, opacity, colours)


CAMERA = Camera(7, 5, 10.0, 11.0, 3.5, 2.5, np.eye(4))


def test_sh_basis_is_the_textbook_one() -> None:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(20, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    polar, azimuth = np.arccos(directions[:, 2]), np.arctan2(directions[:, 1], directions[:, 0])
    columns = []
    for order in range(5):
        for m in range(-order, order + 1):
            value = sph_harm_y(order, abs(m), polar, azimuth)
            columns.append(value.real if m == 0 else math.sqrt(2) * (value.real if m > 0 else value.imag))
    got = reference.sh_basis(torch.from_numpy(directions), 4)
    np.testing.assert_allclose(got, np.stack(columns, axis=1), atol=1e-12)


def test_one_gaussian_in_closed_form() -> None:
    gaussians = _front([2.0], 0.6, 0.3)
    image, _, transmittance = reference.render(*_parameters(gaussians), CAMERA, background=(0.2, 0.4, 0.8))
    variance_x, variance_y = (np.array([10.0, 11.0]) * 0.3 / 2.0) ** 2 + LOW_PASS
    x, y = np.meshgrid(np.arange(7) + 0.5 - 3.5, np.arange(5) + 0.5 - 2.5)
    alpha = 0.6 * np.exp(-0.5 * (x * x / variance_x + y * y / variance_y))
    alpha[alpha < 1 / 255] = 0
    np.testing.assert_allclose(transmittance, 1 - alpha, atol=1e-7)
    colour, background = np.array([1.0, 0.0, 0.0]), np.array([0.2, 0.4, 0.8])
    expected = alpha[..., None] * colour + (1 - alpha[..., None]) * background
    np.testing.assert_allclose(image, expected, atol=1e-7)


def test_opaque_stack_stops_before_the_one_that_would_pass_the_minimum() -> None:
    gaussians = _front([2.0, 3.0, 4.0], opacity=0.9999)
    image, _, transmittance = reference.render(*_parameters(gaussians), CAMERA)
    # The first is clipped; the second, clipped too, would leave less than 1e-4 and is not drawn, nor is the third.
    np.testing.assert_allclose(image[2, 3], [ALPHA_MAX, 0, 0], atol=1e-7)
    np.testing.assert_allclose(transmittance, 1 - ALPHA_MAX, atol=1e-12)
    gaussians.opacity_logits[2] = 0.0  # nor where it is fainter
    image, _, _ = reference.render(*_parameters(gaussians), CAMERA)
    np.testing.assert_allclose(image[2, 3], [ALPHA_MAX, 0, 0], atol=1e-7)


def test_near_plane_and_opacity_threshold() -> None:
    gaussians = _front([CAMERA.near * 0.99, -1.0, CAMERA.near * 1.01, 2.0], opacity=0.5)
    gaussians.opacity_logits[3] = math.log(0.999 / 255) - math.log(1 - 0.999 / 255)
    splats = reference.project(*_parameters(gaussians)[:4], CAMERA)
    assert splats.index.tolist() == [2]


def test_colour_is_clamped_at_zero_and_not_at_one() -> None:
    gaussians = _front([2.0], opacity=0.5)
    gaussians.sh[0, 0] = [-5.0, 5.0, 0.0]
    colour = reference.colours(torch.from_numpy(gaussians.means), torch.from_numpy(gaussians.sh), CAMERA)
    np.testing.assert_allclose(colour[0], [0.0, 0.5 + 5 * 0.28209479177387814, 0.5])


def _parameters(gaussians: Gaussians) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    means, log_scales, quats, logits, sh = (torch.from_numpy(getattr(gaussians, name)) for name in PARAMETERS)
    return means, log_scales, quats, logits, sh


def _by_loop(scene: RandomScene) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Pixel by pixel, Gaussian by Gaussian: channels [H, W, 3 + C], transmittance [H, W], weights [N, H, W]."""
    g, camera = scene.gaussians, scene.camera
    rotation, translation = camera.camera_from_world[:3, :3], camera.camera_from_world[:3, 3]
    points = g.means.astype(np.float64) @ rotation.T + translation
    opacity = 1 / (1 + np.exp(-g.opacity_logits.astype(np.float64)))
    if scene.opacity_scale is not None:
        opacity *= scene.opacity_scale
    colour = reference.colours(torch.from_numpy(g.means), torch.from_numpy(g.sh), camera).numpy()
    values = colour if scene.features is None else np.concatenate([colour, scene.features], axis=1)
    ground = np.zeros(values.shape[1])
    ground[:3] = scene.background
    world = rotation_matrices(g.quats)
    splats = []
    for i in np.argsort(points[:, 2], kind="stable"):
        x, y, z = points[i]
        if z <= camera.near:
            continue
        tangents = 1.3 * 0.5 * np.array([camera.width / camera.fx, camera.height / camera.fy])
        u, v = np.clip([x / z, y / z], -tangents, tangents)
        jacobian = np.array([[camera.fx / z, 0, -camera.fx * u / z], [0, camera.fy / z, -camera.fy * v / z]])
        axes = jacobian @ rotation @ world[i] @ np.diag(np.exp(g.log_scales[i].astype(np.float64)))
        narrow, wide = axes @ axes.T, axes @ axes.T + g.pixel_filter.variance * np.eye(2)
        if g.antialiased:
            opacity[i] *= math.sqrt(np.linalg.det(narrow) / np.linalg.det(wide))
        conic = np.linalg.inv(wide)
        splats.append((i, np.array([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy]), conic))
    out = np.zeros((camera.height, camera.width, values.shape[1]))
    left = np.ones((camera.height, camera.width))
    weights = np.zeros((len(g), camera.height, camera.width))
    for row in range(camera.height):
        for column in range(camera.width):
            for i, mean, conic in splats:
                offset = np.array([column + 0.5, row + 0.5]) - mean
                alpha = min(ALPHA_MAX, opacity[i] * math.exp(-0.5 * offset @ conic @ offset))
                if alpha < 1 / 255:
                    continue
                if left[row, column] * (1 - alpha) < 1e-4:
                    break
                weights[i, row, column] = alpha * left[row, column]
                out[row, column] += weights[i, row, column] * values[i]
                left[row, column] *= 1 - alpha
            out[row, column] += left[row, column] * ground
    return out, left, weights


@pytest.mark.parametrize(
    "options",
    [
        SceneOptions(count=25, width=19, height=18, scaled=True),
        SceneOptions(count=40, width=18, height=17, opacity=(0.9, 0.9999), log_scale=(-2.0, 0.5), channels=0),
        SceneOptions(count=40, width=19, height=18, log_scale=(-5.0, -2.0), scaled=True, pixel_filter=ANTIALIASED),
        SceneOptions(count=40, width=19, height=18, log_scale=(-5.0, -2.0), pixel_filter=MIP),
    ],
    ids=["mixed", "opaque", "antialiased", "mip"],
)
def test_equals_a_plain_loop(options: SceneOptions) -> None:
    scene = random_scene(5, options)
    channels, transmittance, _ = _by_loop(scene)
    got, got_transmittance = render_reference(scene)
    np.testing.assert_allclose(got, channels, atol=1e-10)
    np.testing.assert_allclose(got_transmittance, transmittance, atol=1e-10)
    _, _, weights = _by_loop(replace(scene, opacity_scale=None))
    sums = reference.accumulate(scene.gaussians, scene.camera, scene.signals)
    np.testing.assert_allclose(sums.weight, weights.sum(axis=(1, 2)), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(sums.weighted, np.einsum("nhw,khw->nk", weights, scene.signals), rtol=1e-6, atol=1e-9)


def test_blocks_of_pixels_may_be_split_at_will(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = random_scene(6)
    whole, _ = render_reference(scene)
    monkeypatch.setattr(reference, "PAIRS_AT_ONCE", 100)
    parts, _ = render_reference(scene)
    np.testing.assert_allclose(parts, whole, atol=1e-13)


@pytest.mark.parametrize(("degree", "pixel_filter"), [(0, CLASSIC), (2, CLASSIC), (4, CLASSIC), (0, ANTIALIASED)])
def test_gradients_by_finite_differences(degree: int, pixel_filter: PixelFilter) -> None:
    options = SceneOptions(
        5, 5, 4, degree, 1, log_scale=(-1.5, -0.5), opacity=(0.3, 0.9), scaled=True, pixel_filter=pixel_filter
    )
    scene = random_scene(11, options)
    arrays = [*(getattr(scene.gaussians, name) for name in PARAMETERS), scene.features, scene.opacity_scale]
    leaves = [torch.from_numpy(array).double().requires_grad_() for array in arrays]

    def door(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        means, log_scales, quats, logits, sh, features, scale = tensors
        image, blended, transmittance = reference.render(
            means, log_scales, quats, logits, sh, scene.camera,
            features=features, background=scene.background, opacity_scale=scale, pixel_filter=pixel_filter,
        )  # fmt: skip
        return image, blended, transmittance

    assert torch.autograd.gradcheck(door, leaves, eps=1e-6, atol=1e-6, rtol=1e-5, fast_mode=degree > 0)
