# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The fit of colours to blending in linear light."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splatcut import raster
from splatcut.cameras import look_at
from splatcut.errors import Cancelled
from splatcut.match import fit
from splatcut.match.colour import decode, decode_slope, encode, encode_slope
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import ANTIALIASED, SH_C0, Gaussians, concatenate
from splatcut.scene.sh import basis


def camera(place: tuple[float, float, float]) -> Camera:
    return Camera(48, 40, 60.0, 60.0, 24.0, 20.0, look_at(place, (0, 0, 0), (0, -1, 0)))


def one(colour: float, opacity: float) -> Gaussians:
    return Gaussians(
        np.zeros((1, 3), np.float32),
        np.full((1, 3), np.log(0.6), np.float32),
        np.array([[1, 0, 0, 0]], np.float32),
        np.array([np.log(opacity / (1 - opacity))], np.float32),
        np.full((1, 1, 3), (colour - 0.5) / SH_C0, np.float32),
    )


def cloud(count: int = 300, degree: int = 2) -> Gaussians:
    rng = np.random.default_rng(3)
    sh = rng.normal(0, 0.15, (count, (degree + 1) ** 2, 3)).astype(np.float32)
    sh[:, 0] = rng.uniform(-1.5, 1.5, (count, 3))
    return Gaussians(
        rng.normal(0, 0.6, (count, 3)).astype(np.float32),
        rng.uniform(-3, -1.5, (count, 3)).astype(np.float32),
        rng.normal(0, 1, (count, 4)).astype(np.float32),
        rng.uniform(-1.5, 2, count).astype(np.float32),
        sh,
    )


RING = [camera((4 * np.sin(a), 0.8 * np.cos(3 * a), -4 * np.cos(a))) for a in np.linspace(0, 2 * np.pi, 9)[:-1]]


def in_linear_light(gaussians: Gaussians, view: Camera) -> np.ndarray:
    """The picture as Blender makes it, written without the fit's own code."""
    away = gaussians.means - view.position
    display = 0.5 + np.einsum("nk,nkc->nc", basis(away, gaussians.sh_degree), gaussians.sh)
    colours = decode(display).astype(np.float32)
    gaussians = replace(gaussians, pixel_filter=ANTIALIASED)
    return encode(raster.render(gaussians, view, features=colours, colour=False).features)


@given(st.floats(0, 2, width=32))
def test_the_curve_and_its_slopes(value: float) -> None:
    at = np.array([value], np.float32)
    assert encode(decode(at)) == pytest.approx(value, abs=2e-6)
    assert decode_slope(at) * encode_slope(decode(at)) == pytest.approx(1, abs=0.02)


def test_a_soft_white_splat_over_black_comes_close() -> None:
    scene, views = one(1.0, 0.5), RING[:3]
    found = fit(scene, views, Quiet())
    trained = raster.render(scene, views[0]).image
    middle = (20, 24)
    assert trained[middle] == pytest.approx(0.5, abs=0.01)
    assert in_linear_light(scene, views[0])[middle] == pytest.approx(0.73, abs=0.02)
    # One colour cannot do for all opacities between the middle and the soft rim: what is left is spread over them.
    made = in_linear_light(replace(scene, sh=found.sh), views[0])
    assert 0.3 < made[middle][0] < 0.5
    assert (made - trained).min() < 0 < (made - trained).max()
    assert found.after < 0.5 * found.before


def test_a_flat_half_white_sheet_over_black_is_exact() -> None:
    scene = one(1.0, 0.5)
    scene = replace(scene, log_scales=np.array([[3.0, 3.0, -6.0]], np.float32))
    views = [camera((x, 0, -4)) for x in (-0.3, 0, 0.3)]
    made = replace(scene, sh=fit(scene, views, Quiet()).sh)
    assert in_linear_light(made, views[1])[20, 24] == pytest.approx(0.5, abs=0.01)


def test_views_that_were_not_fitted_look_as_trained_too() -> None:
    scene, unseen = cloud(), camera((1.6, 1.0, -3.6))
    found = fit(scene, RING, Quiet())
    trained = np.clip(raster.render(scene, unseen).image, 0, 1)
    before, after = (
        np.sqrt(np.mean((in_linear_light(g, unseen) - trained) ** 2)) for g in (scene, replace(scene, sh=found.sh))
    )
    assert after < 0.5 * before
    errors = [in_linear_light(scene, v) - np.clip(raster.render(scene, v).image, 0, 1) for v in RING]
    assert found.before == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-3)


def test_what_no_view_shows_keeps_its_colours() -> None:
    scene = cloud(50)
    far = replace(scene, means=scene.means + np.array([0, 500, 0], np.float32))
    both = concatenate([scene, far])
    found = fit(both, RING[:4], Quiet())
    assert np.array_equal(found.sh[50:], far.sh)
    assert not found.seen[50:].any()
    assert found.seen[:50].all()


@pytest.mark.parametrize("degree", [0, 1, 3, 4])
def test_every_degree(degree: int) -> None:
    scene = cloud(80, degree)
    found = fit(scene, RING[:4], Quiet())
    assert found.sh.shape == scene.sh.shape
    assert found.after < 0.7 * found.before
    assert np.isfinite(found.sh).all()


def test_it_is_the_same_each_time_and_can_be_cancelled() -> None:
    assert np.array_equal(fit(cloud(60), RING[:3], Quiet()).sh, fit(cloud(60), RING[:3], Quiet()).sh)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        fit(cloud(60), RING[:3], Quiet(stop))
