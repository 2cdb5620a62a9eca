# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the differentiable door can leave out, and that nothing else changes by it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from raster_scenes import RandomScene, SceneOptions, assert_gradients_close, gradients, normal_upstream, random_scene

from splatcut import raster
from splatcut.raster import autograd
from splatcut.raster.rule import TILE

SCENES = {
    "features": SceneOptions(channels=3, sh_degree=2),
    "no features": SceneOptions(channels=0, sh_degree=3),
    "scaled, big": SceneOptions(channels=1, scaled=True, log_scale=(-2.0, 0.5), width=50, height=33),
}


def _tensors(scene: RandomScene, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    names = ("means", "log_scales", "quats", "opacity_logits", "sh")
    return [torch.from_numpy(getattr(scene.gaussians, name)).to(dtype) for name in names]


def _without_colour(*inputs: Any, **options: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The door without colour; a black image is put back and given a gradient of 0, as ``gradients`` wants one."""
    image, features, transmittance = autograd.render(*inputs, colour=False, **options)
    assert image.shape == (*transmittance.shape, 0)
    black = torch.zeros(*transmittance.shape, 3, dtype=transmittance.dtype) + 0 * inputs[4].sum()
    return black, features, transmittance


@pytest.mark.parametrize("device", ["cpu", "reference"])
@pytest.mark.parametrize("name", SCENES)
def test_without_colour_features_and_transmittance_are_the_same(name: str, device: raster.Device) -> None:
    scene = random_scene(0, SCENES[name])
    extra = {} if scene.features is None else {"features": torch.from_numpy(scene.features)}
    if scene.opacity_scale is not None:
        extra["opacity_scale"] = torch.from_numpy(scene.opacity_scale)
    image, features, transmittance = autograd.render(
        *_tensors(scene), scene.camera, colour=False, background=scene.background, device=device, **extra
    )
    assert image.shape == (scene.camera.height, scene.camera.width, 0)
    whole = autograd.render(*_tensors(scene), scene.camera, background=scene.background, device=device, **extra)
    torch.testing.assert_close(transmittance, whole[2], rtol=0, atol=0)
    torch.testing.assert_close(features, whole[1], rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", SCENES)
def test_without_colour_the_gradients_are_those_with_colour_that_nobody_looks_at(name: str) -> None:
    scene = random_scene(1, SCENES[name])
    upstream = normal_upstream(scene)
    upstream[..., :3] = 0
    lean = gradients(_without_colour, scene, upstream, torch.float32)
    whole = gradients(autograd.render, scene, upstream, torch.float32)
    exact = gradients(partial(_without_colour, device="reference"), scene, upstream, torch.float64)
    full_reference = gradients(partial(autograd.render, device="reference"), scene, upstream, torch.float64)
    assert not lean["sh"].any()
    assert lean["means"].abs().max() > 0
    for key, tensor in whole.items():
        torch.testing.assert_close(lean[key], tensor, rtol=1e-4, atol=1e-5 * float(tensor.abs().max() + 1))
        torch.testing.assert_close(exact[key], full_reference[key], rtol=1e-9, atol=1e-12)
    assert_gradients_close(lean, exact, 1e-3)


def test_neither_colour_nor_features() -> None:
    """The transmittance alone, as for the coverage of an object."""
    scene = random_scene(2, SCENES["no features"])
    tiles = np.zeros((-(-29 // TILE), -(-37 // TILE)), bool)
    tiles[0, 1:] = True
    parameters = [tensor.requires_grad_() for tensor in _tensors(scene)]
    image, features, transmittance = autograd.render(*parameters, scene.camera, colour=False, tiles=tiles)
    assert image.shape == (29, 37, 0)
    assert features.shape == (29, 37, 0)
    expected = raster.render(scene.gaussians, scene.camera, tiles=tiles, device="reference").transmittance
    np.testing.assert_allclose(transmittance.detach(), expected, atol=1e-5)
    transmittance.sum().backward()
    assert parameters[0].grad.abs().max() > 0


def _some(scene: RandomScene, share: float) -> np.ndarray:
    return np.random.default_rng(3).uniform(size=len(scene.gaussians)) < share


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("name", ["mixed", "opaque", "many", *SCENES])
def test_wanted_gradients_are_those_of_a_full_backward_pass_and_the_others_zero(name: str, share: float) -> None:
    options = {
        "mixed": SceneOptions(),
        "opaque": SceneOptions(opacity=(0.9, 0.9999), log_scale=(-3.0, 0.5), count=100),
        "many": SceneOptions(count=1500, width=90, height=70, log_scale=(-5.0, -2.0), channels=2, scaled=True),
    }
    _assert_wanted_alone(random_scene(5, (options | SCENES)[name]), share)


def _assert_wanted_alone(scene: RandomScene, share: float, dtype: torch.dtype = torch.float32, **options: Any) -> None:
    """With ``wanted`` those rows' gradients are as without it, and the others' are zero."""
    upstream, wanted = normal_upstream(scene), _some(scene, share)
    full = gradients(partial(autograd.render, **options), scene, upstream, dtype)
    part = gradients(partial(autograd.render, wanted=wanted, **options), scene, upstream, dtype)
    for key, tensor in full.items():
        torch.testing.assert_close(part[key][wanted], tensor[wanted], rtol=0, atol=0)
        assert not part[key][~wanted].any()


def test_wanted_gradients_in_some_tiles_and_of_the_reference() -> None:
    tiles = np.array([[1, 0, 1, 0, 1], [0, 1, 1, 0, 0], [0, 1, 1, 1, 1]], bool)
    _assert_wanted_alone(random_scene(6, SceneOptions(count=300, width=70, height=45)), 0.3, tiles=tiles)
    scene = random_scene(8, SceneOptions(channels=2, scaled=True))
    _assert_wanted_alone(scene, 0.4, torch.float64, device="reference")


def test_wanted_does_not_change_the_render() -> None:
    scene = random_scene(7)
    whole = autograd.render(*_tensors(scene), scene.camera)
    some = autograd.render(*_tensors(scene), scene.camera, wanted=_some(scene, 0.3))
    assert torch.equal(whole[0], some[0])
    assert torch.equal(whole[2], some[2])
