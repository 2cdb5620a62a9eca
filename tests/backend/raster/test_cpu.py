# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The numba rasteriser against the float64 reference: image, features, transmittance, sums and every gradient."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from raster_scenes import (
    RandomScene,
    SceneOptions,
    assert_gradients_close,
    borderline,
    gradients,
    normal_upstream,
    random_scene,
    render_reference,
)

from splatcut import cameras, formats, raster
from splatcut.raster import autograd, reference
from splatcut.raster.rule import TILE
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, MIP

MIXED = SceneOptions()
SCENES = {
    "mixed": MIXED,
    "no features": SceneOptions(channels=0, sh_degree=0),
    "seven features": SceneOptions(channels=7, sh_degree=2),
    "degree 3": SceneOptions(sh_degree=3, channels=1),
    "degree 4, scaled opacity": SceneOptions(sh_degree=4, channels=4, scaled=True),
    "one tile": SceneOptions(width=16, height=16, count=20),
    "less than a tile": SceneOptions(width=5, height=3, count=20),
    "one row": SceneOptions(width=50, height=1, count=30),
    "big": SceneOptions(log_scale=(-1.0, 1.0), count=25, opacity=(0.02, 0.6)),
    "tiny": SceneOptions(log_scale=(-9.0, -5.0), count=300),
    "needles": SceneOptions(log_scale=(-8.0, 0.5), count=30, channels=3),
    "behind the camera too": SceneOptions(depth=(-2.0, 3.0), spread=2.0, count=60),
    "mostly off-screen": SceneOptions(spread=3.0, log_scale=(-2.0, 0.0), count=60),
    "opaque stack": SceneOptions(opacity=(0.9, 0.9999), log_scale=(-3.0, 0.5), count=100),
    "faint": SceneOptions(opacity=(0.001, 0.02), log_scale=(-3.0, 0.0), count=100),
    "antialiased": SceneOptions(log_scale=(-6.0, -1.0), count=80, sh_degree=3, scaled=True, pixel_filter=ANTIALIASED),
    "antialiased, tiny": SceneOptions(log_scale=(-7.0, -4.0), count=300, pixel_filter=ANTIALIASED),
    "antialiased needles": SceneOptions(log_scale=(-8.0, 0.0), count=30, channels=3, pixel_filter=ANTIALIASED),
    "mip, mostly off-screen": SceneOptions(spread=3.0, log_scale=(-5.0, 0.0), count=90, pixel_filter=MIP),
}


def _channels(rendered: raster.Rendered) -> np.ndarray:
    return np.concatenate([rendered.image, rendered.features], axis=2)


def _render(scene: RandomScene, **options: Any) -> raster.Rendered:
    shown = {"features": scene.features, "background": scene.background, "opacity_scale": scene.opacity_scale}
    return raster.render(scene.gaussians, scene.camera, **shown, **options)


def _assert_as_the_reference(scene: RandomScene, tolerance: float) -> raster.Rendered:
    expected, transmittance = render_reference(scene)
    fine, rendered = ~borderline(scene), _render(scene)
    np.testing.assert_allclose(_channels(rendered)[fine], expected[fine], atol=tolerance)
    np.testing.assert_allclose(rendered.transmittance[fine], transmittance[fine], atol=tolerance)
    return rendered


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", SCENES)
def test_image_features_and_transmittance(name: str, seed: int) -> None:
    scene = random_scene(seed, SCENES[name])
    assert borderline(scene).mean() < 0.01
    assert _assert_as_the_reference(scene, 1e-5).image.dtype == np.float32


@settings(max_examples=30)
@given(
    st.integers(0, 10_000),
    st.builds(
        SceneOptions,
        count=st.integers(1, 60),
        width=st.integers(1, 40),
        height=st.integers(1, 40),
        sh_degree=st.integers(0, 4),
        channels=st.integers(0, 7),
        log_scale=st.tuples(st.floats(-6.0, -1.0), st.just(0.0)),
        opacity=st.tuples(st.just(0.01), st.floats(0.1, 0.999)),
        depth=st.just((-0.5, 3.0)),
        spread=st.just(1.5),
        scaled=st.booleans(),
        pixel_filter=st.sampled_from([CLASSIC, ANTIALIASED, MIP]),
    ),
)
def test_any_scene_renders_as_the_reference(seed: int, options: SceneOptions) -> None:
    _assert_as_the_reference(random_scene(seed, options), 2e-5)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", SCENES)
def test_gradients(name: str, seed: int) -> None:
    scene = random_scene(seed, SCENES[name])
    upstream = normal_upstream(scene, seed)
    upstream[borderline(scene)] = 0
    expected = gradients(reference.render, scene, upstream, torch.float64)
    actual = gradients(autograd.render, scene, upstream, torch.float32)
    # Where all is opaque, what lies behind is a difference of nearly equal float32 sums.
    close = {"opaque stack": 1e-2, "antialiased": 1e-4, "antialiased needles": 1e-4}
    assert_gradients_close(actual, expected, close.get(name, 1e-3))


@pytest.mark.parametrize("name", SCENES)
def test_accumulated_weights(name: str) -> None:
    scene = random_scene(2, SCENES[name])
    signals = scene.signals * ~borderline(scene)
    expected = raster.accumulate(scene.gaussians, scene.camera, signals, device="reference")
    actual = raster.accumulate(scene.gaussians, scene.camera, signals)
    assert actual.weighted.shape == (len(scene.gaussians), len(signals))
    np.testing.assert_allclose(actual.weighted, expected.weighted, rtol=1e-4, atol=1e-4)
    if not borderline(scene).any():
        np.testing.assert_allclose(actual.weight, expected.weight, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kinds", [0, 1, 2, 5, 17])
def test_accumulating_any_number_of_signals(kinds: int) -> None:
    scene = random_scene(3)
    rng = np.random.default_rng(kinds)
    signals = rng.uniform(size=(kinds, scene.camera.height, scene.camera.width)).astype(np.float32)
    expected = raster.accumulate(scene.gaussians, scene.camera, signals, device="reference")
    actual = raster.accumulate(scene.gaussians, scene.camera, signals)
    np.testing.assert_allclose(actual.weight, expected.weight, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(actual.weighted, expected.weighted, rtol=1e-4, atol=1e-5)


def _some_tiles(scene: RandomScene) -> np.ndarray:
    shape = (-(-scene.camera.height // TILE), -(-scene.camera.width // TILE))
    tiles = np.random.default_rng(1).uniform(size=shape) < 0.5
    tiles.flat[:2] = [True, False]
    return tiles


def _tile_pixels(scene: RandomScene, tiles: np.ndarray) -> np.ndarray:
    full = np.kron(tiles, np.ones((TILE, TILE), bool))
    return full[: scene.camera.height, : scene.camera.width]


def test_what_was_prepared_draws_the_same() -> None:
    scene = random_scene(11, MIXED)
    gaussians, camera = scene.gaussians, scene.camera
    prepared = raster.prepare(gaussians, camera)
    assert raster.prepare(gaussians, camera, "reference") is None
    for features in (None, np.random.default_rng(0).uniform(size=(len(gaussians), 2)).astype(np.float32)):
        one = raster.render(gaussians, camera, features=features)
        other = raster.render(gaussians, camera, features=features, prepared=prepared)
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.transmittance, other.transmittance)
        assert features is None or np.array_equal(one.features, other.features)
    signals = np.random.default_rng(1).uniform(size=(2, camera.height, camera.width)).astype(np.float32)
    one, other = (raster.accumulate(gaussians, camera, signals, prepared=some) for some in (None, prepared))
    assert np.array_equal(one.weight, other.weight)
    assert np.array_equal(one.weighted, other.weighted)
    with pytest.raises(ValueError, match="its own opacities"):
        raster.render(gaussians, camera, opacity_scale=np.ones(len(gaussians), np.float32), prepared=prepared)


def test_tiles_left_out_stay_empty_and_the_others_do_not_change_by_a_bit() -> None:
    scene = random_scene(6, SceneOptions(width=70, height=45, count=80))
    tiles = _some_tiles(scene)
    inside = _tile_pixels(scene, tiles)
    whole = _render(scene)
    part = _render(scene, tiles=tiles)
    assert np.array_equal(_channels(part)[inside], _channels(whole)[inside])
    assert np.array_equal(part.transmittance[inside], whole.transmittance[inside])
    assert not _channels(part)[~inside].any()
    assert (part.transmittance[~inside] == 1).all()
    twin = _render(scene, tiles=tiles, device="reference")
    np.testing.assert_allclose(_channels(part), _channels(twin), atol=1e-5)


def test_tiles_left_out_of_sums_and_gradients() -> None:
    scene = random_scene(7, SceneOptions(width=70, height=45, count=80))
    tiles = _some_tiles(scene)
    actual = raster.accumulate(scene.gaussians, scene.camera, scene.signals, tiles=tiles)
    inside = _tile_pixels(scene, tiles)
    expected = raster.accumulate(scene.gaussians, scene.camera, scene.signals * inside, device="reference")
    np.testing.assert_allclose(actual.weighted, expected.weighted, rtol=1e-4, atol=1e-5)
    upstream = normal_upstream(scene)
    slopes = gradients(reference.render, scene, upstream * inside[..., None], torch.float64)
    found = gradients(partial(autograd.render, tiles=tiles), scene, upstream, torch.float32)
    assert_gradients_close(found, slopes, 1e-3)


def test_no_tiles_at_all_and_tiles_of_another_picture() -> None:
    scene = random_scene(6)
    tiles = np.zeros((2, 3), bool)
    rendered = raster.render(scene.gaussians, scene.camera, features=scene.features, tiles=tiles)
    assert not _channels(rendered).any()
    assert (rendered.transmittance == 1).all()
    assert not raster.accumulate(scene.gaussians, scene.camera, scene.signals, tiles=tiles).weight.any()
    with pytest.raises(ValueError, match="2 x 3"):
        raster.render(scene.gaussians, scene.camera, tiles=np.ones((3, 4), bool))


def _everything(scene: RandomScene) -> list[np.ndarray]:
    rendered = _render(scene)
    sums = raster.accumulate(scene.gaussians, scene.camera, scene.signals)
    upstream = np.ones((scene.camera.height, scene.camera.width, 6), np.float32)
    slopes = gradients(autograd.render, scene, upstream, torch.float32)
    arrays = [_channels(rendered), rendered.transmittance, sums.weight, sums.weighted]
    return arrays + [t.numpy() for t in slopes.values()]


def test_the_same_bits_every_time_and_on_any_number_of_threads() -> None:
    scene = random_scene(8, SceneOptions(width=150, height=110, count=3000, log_scale=(-5.0, -2.0)))
    threads = numba.get_num_threads()
    first = _everything(scene)
    try:
        for count in {1, threads}:
            numba.set_num_threads(count)
            for one, other in zip(first, _everything(scene), strict=True):
                assert np.array_equal(one, other)
    finally:
        numba.set_num_threads(threads)


def test_colour_may_be_left_out() -> None:
    scene = random_scene(9, SceneOptions(channels=3))
    both = raster.render(scene.gaussians, scene.camera, features=scene.features)
    alone = raster.render(scene.gaussians, scene.camera, features=scene.features, colour=False)
    assert alone.image.shape == (29, 37, 0)
    assert np.array_equal(alone.features, both.features)
    neither = raster.render(scene.gaussians, scene.camera, colour=False)
    assert neither.image.shape == neither.features.shape == (29, 37, 0)
    assert np.array_equal(neither.transmittance, both.transmittance)


@pytest.mark.parametrize("degree", [0, 1, 2, 5])
def test_lower_sh_degree(degree: int) -> None:
    scene = random_scene(10, SceneOptions(sh_degree=3))
    actual, expected = (_render(scene, sh_degree=degree, device=device).image for device in ("cpu", "reference"))
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("device", ["cpu", "reference"])
def test_scenes_that_show_nothing(device: raster.Device) -> None:
    scene = random_scene(12)
    nothing = scene.gaussians.take(np.zeros(len(scene.gaussians), bool))
    behind = random_scene(12, SceneOptions(depth=(-3.0, -1.0))).gaussians
    for gaussians in (nothing, behind):
        features = np.ones((len(gaussians), 2), np.float32)
        rendered = raster.render(gaussians, scene.camera, features=features, background=scene.background, device=device)
        np.testing.assert_allclose(rendered.image, np.broadcast_to(scene.background, (29, 37, 3)), atol=1e-7)
        assert not rendered.features.any()
        assert (rendered.transmittance == 1).all()
        sums = raster.accumulate(gaussians, scene.camera, scene.signals, device=device)
        assert sums.weight.shape == (len(gaussians),)
        assert sums.weighted.shape == (len(gaussians), 3)
        assert not sums.weight.any()


def test_gradients_of_a_scene_that_shows_nothing() -> None:
    scene = random_scene(12, SceneOptions(depth=(-3.0, -1.0)))
    upstream = np.ones((29, 37, 6), np.float32)
    for gradient in gradients(autograd.render, scene, upstream, torch.float32).values():
        assert not gradient.any()


@pytest.mark.parametrize("name", ["horns", "statue"])
def test_real_scene_at_low_resolution(shared: Path, name: str) -> None:
    folder = shared / "scenes" / name
    gaussians = formats.read_splats(folder / "scene.ply").gaussians.take(slice(None, None, 3))
    camera = cameras.load_views(folder)[3].camera.resized(32, 24)
    signals = np.random.default_rng(0).uniform(size=(2, 24, 32)).astype(np.float32)
    expected = raster.render(gaussians, camera, background=(1.0, 1.0, 1.0), device="reference")
    actual = raster.render(gaussians, camera, background=(1.0, 1.0, 1.0))
    error = np.abs(actual.image - expected.image).max(axis=2)
    # With hundreds of Gaussians a pixel, rounding tips one or the other over a threshold of the rule.
    assert np.quantile(error, 0.95) < 1e-4
    assert error.max() < 0.02
    sums = raster.accumulate(gaussians, camera, signals)
    twin = raster.accumulate(gaussians, camera, signals, device="reference")
    assert np.quantile(np.abs(sums.weight - twin.weight), 0.999) < 1e-3
    assert np.abs(sums.weighted.sum(axis=0) / twin.weighted.sum(axis=0) - 1).max() < 1e-4
