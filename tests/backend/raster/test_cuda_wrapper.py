# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What lies around gsplat, without a GPU: refusals, and the same results through a stand-in for gsplat's kernels."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from functools import partial
from typing import Any

import gsplat_stand_in
import numpy as np
import pytest
import torch
from raster_scenes import RandomScene, SceneOptions, assert_gradients_close, gradients, normal_upstream, random_scene

from splatcut import raster
from splatcut.errors import UserError
from splatcut.raster import autograd, cuda
from splatcut.scene.gaussians import ANTIALIASED, MIP

DOORS: tuple[raster.Device, raster.Device] = ("cuda", "reference")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """gsplat on the CPU."""
    monkeypatch.setattr(cuda, "_DEVICE", "cpu")
    monkeypatch.setattr(cuda, "require_cuda", lambda: None)
    monkeypatch.setattr(cuda, "_gsplat", lambda: gsplat_stand_in)


@pytest.fixture
def fresh_import() -> Iterator[None]:
    cuda._gsplat.cache_clear()
    yield
    cuda._gsplat.cache_clear()


def test_without_a_gpu_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    scene = random_scene(0)
    with pytest.raises(UserError, match=r"CUDA was requested, but .*--device cpu"):
        raster.render(scene.gaussians, scene.camera, device="cuda")
    with pytest.raises(UserError, match="CUDA was requested"):
        raster.accumulate(scene.gaussians, scene.camera, scene.signals, device="cuda")


@pytest.mark.usefixtures("fresh_import")
def test_without_gsplat_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "gsplat", None)
    with pytest.raises(UserError, match=r"splatcut\[cuda\]"):
        cuda.require_cuda()


@pytest.mark.usefixtures("fresh_import")
def test_without_a_cuda_toolkit_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    package, kernels, backend = (types.ModuleType(name) for name in ("gsplat", "gsplat.cuda", "gsplat.cuda._backend"))
    backend._C = None  # type: ignore[attr-defined]
    kernels._backend = backend  # type: ignore[attr-defined]
    package.cuda = kernels  # type: ignore[attr-defined]
    for module in (package, kernels, backend):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(UserError, match="CUDA toolkit"):
        cuda.require_cuda()


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    "options",
    [
        SceneOptions(),
        SceneOptions(channels=0, sh_degree=4),
        SceneOptions(channels=40, sh_degree=0, scaled=True),
        SceneOptions(depth=(-2.0, 4.0), count=60),
        SceneOptions(log_scale=(-6.0, -1.5), count=60, scaled=True, pixel_filter=ANTIALIASED),
        SceneOptions(log_scale=(-6.0, -1.5), depth=(-2.0, 4.0), count=60, pixel_filter=MIP),
    ],
    ids=["mixed", "no features", "forty features", "behind the camera too", "antialiased", "mip"],
)
def test_render_and_gradients(options: SceneOptions) -> None:
    scene = random_scene(0, options)
    shown = {"features": scene.features, "background": scene.background, "opacity_scale": scene.opacity_scale}
    actual = raster.render(scene.gaussians, scene.camera, **shown, device="cuda")
    expected = raster.render(scene.gaussians, scene.camera, **shown, device="reference")
    for name in ("image", "features", "transmittance"):
        np.testing.assert_allclose(getattr(actual, name), getattr(expected, name), atol=1e-5)
    assert_gradients_as_the_reference(scene)
    one, other = (raster.accumulate(scene.gaussians, scene.camera, scene.signals, device=d) for d in DOORS)
    np.testing.assert_allclose(one.weighted, other.weighted, rtol=1e-4, atol=1e-5)


def assert_gradients_as_the_reference(scene: RandomScene, **options: Any) -> None:
    upstream = normal_upstream(scene)
    assert_gradients_close(
        gradients(partial(autograd.render, device="cuda", **options), scene, upstream, torch.float32),
        gradients(partial(autograd.render, device="reference", **options), scene, upstream, torch.float64),
        2e-3,
    )


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("kinds", [0, 3, 40])
def test_accumulated_weights(kinds: int) -> None:
    scene = random_scene(1, SceneOptions(width=40, height=20))
    signals = np.random.default_rng(0).uniform(size=(kinds, 20, 40)).astype(np.float32)
    tiles = np.array([[True, False, True], [False, True, True]])
    for wanted in (None, tiles):
        actual = raster.accumulate(scene.gaussians, scene.camera, signals, tiles=wanted, device="cuda")
        expected = raster.accumulate(scene.gaussians, scene.camera, signals, tiles=wanted, device="reference")
        np.testing.assert_allclose(actual.weight, expected.weight, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(actual.weighted, expected.weighted, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("stand_in")
def test_tiles_left_out_stay_empty() -> None:
    scene = random_scene(2, SceneOptions(width=40, height=20))
    tiles = np.array([[True, False, True], [False, True, True]])
    options = {"features": scene.features, "background": scene.background, "tiles": tiles}
    actual = raster.render(scene.gaussians, scene.camera, **options, device="cuda")
    expected = raster.render(scene.gaussians, scene.camera, **options, device="reference")
    for name in ("image", "features", "transmittance"):
        np.testing.assert_allclose(getattr(actual, name), getattr(expected, name), atol=1e-5)
    assert_gradients_as_the_reference(scene, tiles=tiles)
    with pytest.raises(ValueError, match="2 x 3"):
        raster.render(scene.gaussians, scene.camera, tiles=tiles.T, device="cuda")


@pytest.mark.usefixtures("stand_in")
def test_scene_without_gaussians_and_render_without_colour() -> None:
    scene = random_scene(3)
    nothing = scene.gaussians.take(np.zeros(len(scene.gaussians), bool))
    rendered = raster.render(
        nothing, scene.camera, features=np.zeros((0, 2), np.float32), background=(0.1, 0.2, 0.3), device="cuda"
    )
    np.testing.assert_allclose(rendered.image, np.broadcast_to([0.1, 0.2, 0.3], rendered.image.shape), rtol=1e-6)
    assert raster.accumulate(nothing, scene.camera, scene.signals, device="cuda").weighted.shape == (0, 3)
    alone = raster.render(scene.gaussians, scene.camera, features=scene.features, colour=False, device="cuda")
    twin = raster.render(scene.gaussians, scene.camera, features=scene.features, colour=False)
    assert alone.image.shape == (29, 37, 0)
    np.testing.assert_allclose(alone.features, twin.features, atol=1e-5)
