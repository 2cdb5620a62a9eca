# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""gsplat on a GPU against the float64 reference, and against the CPU rasteriser on a real scene.

The differences that ``splatcut.raster.cuda`` lists are allowed for: random scenes stay below the clip of alpha except
where said, and the real scene is compared as a whole.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from cuda_there import ON_CUDA
from raster_scenes import (
    RandomScene,
    SceneOptions,
    assert_gradients_close,
    borderline,
    gradients,
    random_scene,
    render_reference,
)

from splatcut import cameras, formats, raster
from splatcut.raster import autograd, reference
from splatcut.scene.gaussians import ANTIALIASED, MIP

pytestmark = ON_CUDA

SCENES = {
    "mixed": SceneOptions(),
    "no features": SceneOptions(channels=0, sh_degree=0),
    "seven features": SceneOptions(channels=7, sh_degree=2),
    "forty features": SceneOptions(channels=40, sh_degree=3),
    "degree 4, scaled opacity": SceneOptions(sh_degree=4, channels=4, scaled=True),
    "less than a tile": SceneOptions(width=5, height=3, count=20),
    "big": SceneOptions(log_scale=(-1.0, 1.0), count=25, opacity=(0.02, 0.6)),
    "tiny": SceneOptions(log_scale=(-9.0, -5.0), count=300),
    "behind the camera too": SceneOptions(depth=(-2.0, 3.0), count=60),
    "faint": SceneOptions(opacity=(0.001, 0.02), log_scale=(-3.0, 0.0), count=100),
    "antialiased": SceneOptions(log_scale=(-6.0, -1.0), count=80, scaled=True, pixel_filter=ANTIALIASED),
    "mip": SceneOptions(log_scale=(-6.0, -1.0), count=80, depth=(-2.0, 3.0), pixel_filter=MIP),
}


def _render(scene: RandomScene, **options: object) -> tuple[np.ndarray, np.ndarray]:
    rendered = raster.render(
        scene.gaussians,
        scene.camera,
        features=scene.features,
        background=scene.background,
        opacity_scale=scene.opacity_scale,
        device="cuda",
        **options,  # type: ignore[arg-type]
    )
    parts = [part for part in (rendered.image, rendered.features) if part is not None]
    return np.concatenate(parts, axis=2), rendered.transmittance


@pytest.mark.parametrize("name", SCENES)
def test_image_features_and_transmittance(name: str) -> None:
    scene = random_scene(0, SCENES[name])
    expected, transmittance = render_reference(scene)
    channels, left = _render(scene)
    excused = borderline(scene, 1e-4)
    np.testing.assert_allclose(channels[~excused], expected[~excused], atol=2e-4)
    np.testing.assert_allclose(left[~excused], transmittance[~excused], atol=2e-4)


@pytest.mark.parametrize("name", SCENES)
def test_gradients(name: str) -> None:
    scene = random_scene(0, SCENES[name])
    channels = 4 + (0 if scene.features is None else scene.features.shape[1])
    upstream = np.random.default_rng(0).normal(size=(scene.camera.height, scene.camera.width, channels))
    upstream = upstream.astype(np.float32)
    upstream[borderline(scene, 1e-4)] = 0
    assert_gradients_close(
        gradients(partial(autograd.render, device="cuda"), scene, upstream, torch.float32, "cuda"),
        gradients(reference.render, scene, upstream, torch.float64),
        1e-2,
    )


@pytest.mark.parametrize("name", SCENES)
def test_accumulated_weights(name: str) -> None:
    scene = random_scene(1, SCENES[name])
    signals = scene.signals * ~borderline(scene, 1e-4)
    expected = raster.accumulate(scene.gaussians, scene.camera, signals, device="reference")
    actual = raster.accumulate(scene.gaussians, scene.camera, signals, device="cuda")
    np.testing.assert_allclose(actual.weighted, expected.weighted, rtol=1e-3, atol=1e-3)


def test_opaque_stack_within_the_difference_of_the_clips() -> None:
    scene = random_scene(2, SceneOptions(opacity=(0.9, 0.9999), log_scale=(-3.0, 0.5), count=100))
    expected, transmittance = render_reference(scene)
    channels, left = _render(scene)
    assert np.abs(left - transmittance).max() < 0.01
    assert np.abs(channels - expected).max() < 0.02 * np.abs(expected).max()


def test_tiles_left_out_stay_empty() -> None:
    scene = random_scene(3, SceneOptions(width=70, height=45, count=80))
    tiles = np.random.default_rng(1).uniform(size=(3, 5)) < 0.5
    inside = np.kron(tiles, np.ones((16, 16), bool))[:45, :70]
    whole, whole_left = _render(scene)
    part, left = _render(scene, tiles=tiles)
    np.testing.assert_allclose(part[inside], whole[inside], atol=1e-6)
    np.testing.assert_allclose(left[inside], whole_left[inside], atol=1e-6)
    assert not part[~inside].any()
    assert (left[~inside] == 1).all()
    upstream = np.random.default_rng(0).normal(size=(45, 70, 6)).astype(np.float32)
    assert_gradients_close(
        gradients(partial(autograd.render, tiles=tiles, device="cuda"), scene, upstream, torch.float32, "cuda"),
        gradients(partial(autograd.render, tiles=tiles, device="reference"), scene, upstream, torch.float64),
        1e-2,
    )


def test_scenes_that_show_nothing() -> None:
    scene = random_scene(4)
    nothing = scene.gaussians.take(np.zeros(len(scene.gaussians), bool))
    behind = random_scene(4, SceneOptions(depth=(-3.0, -1.0))).gaussians
    for gaussians in (nothing, behind):
        rendered = raster.render(gaussians, scene.camera, background=scene.background, device="cuda")
        np.testing.assert_allclose(rendered.image, np.broadcast_to(scene.background, (29, 37, 3)), atol=1e-6)
        assert (rendered.transmittance == 1).all()
        assert not raster.accumulate(gaussians, scene.camera, scene.signals, device="cuda").weight.any()


def test_real_scene_as_on_the_cpu(shared: Path) -> None:
    folder = shared / "scenes" / "statue"
    gaussians = formats.read_splats(folder / "scene.ply").gaussians
    camera = cameras.load_views(folder)[0].camera
    own = raster.render(gaussians, camera)
    other = raster.render(gaussians, camera, device="cuda")
    error = np.abs(own.image - other.image).max(axis=2)
    assert np.median(error) < 2e-3
    assert np.quantile(error, 0.99) < 0.02
    signals = np.random.default_rng(0).uniform(size=(4, camera.height, camera.width)).astype(np.float32)
    mine = raster.accumulate(gaussians, camera, signals)
    theirs = raster.accumulate(gaussians, camera, signals, device="cuda")
    assert np.abs(mine.weight - theirs.weight).sum() < 0.02 * mine.weight.sum()
    seen = mine.weight > 0.5
    labels = mine.weighted[seen] / mine.weight[seen, None], theirs.weighted[seen] / theirs.weight[seen, None]
    assert np.quantile(np.abs(labels[0] - labels[1]), 0.99) < 0.02
