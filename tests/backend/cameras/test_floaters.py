# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splatcut import raster
from splatcut.cameras.floaters import clear_near_plane, without_floaters
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import SH_C0, Gaussians, concatenate

#: At the origin, looking along z.
CAMERA = Camera(96, 64, 80.0, 80.0, 48.0, 32.0, np.eye(4))


def blobs(means: np.ndarray, colours: np.ndarray, scale: float) -> Gaussians:
    count = len(means)
    quats = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    sh = ((colours - 0.5) / SH_C0).astype(np.float32)[:, None, :]
    log_scales = np.full((count, 3), np.log(scale), np.float32)
    return Gaussians(means.astype(np.float32), log_scales, quats, np.full(count, 4.0, np.float32), sh)


def wall(depth: float = 5.0) -> Gaussians:
    """A coloured wall that fills the picture."""
    x, y = np.meshgrid(np.arange(-4.0, 4.1, 0.25), np.arange(-3.0, 3.1, 0.25))
    means = np.stack([x.ravel(), y.ravel(), np.full(x.size, depth)], axis=1)
    colours = np.random.default_rng(0).uniform(0.1, 0.9, (x.size, 3))
    return blobs(means, colours, 0.12)


def haze(depth: float = 0.7) -> Gaussians:
    """Grey blobs right in front of the camera."""
    means = np.array([[0.0, 0.0, depth], [0.15, 0.1, depth], [-0.15, -0.05, depth]])
    return blobs(means, np.full((3, 3), 0.7), 0.08)


def view_of(scene: Gaussians, folder: Path) -> View:
    """A view whose photo shows ``scene``."""
    image = raster.render(scene, CAMERA).image
    path = folder / "photo.png"
    Image.fromarray(np.rint(image.clip(0, 1) * 255).astype(np.uint8)).save(path)
    return View("photo", CAMERA, path)


def test_the_near_plane_moves_behind_what_the_photo_does_not_show(tmp_path: Path) -> None:
    view = view_of(wall(), tmp_path)
    scene = concatenate([wall(), haze()])
    near = clear_near_plane(scene, view)
    # The wall's depth is the median; the first of the planes 0.15, 0.3, 0.45 of it that lies behind the haze.
    assert near == pytest.approx(0.15 * 5.0)
    cleared = raster.render(scene, replace(CAMERA, near=near)).image
    clean = raster.render(wall(), CAMERA).image
    np.testing.assert_array_equal(cleared, clean)


def test_what_the_photo_shows_stays(tmp_path: Path) -> None:
    scene = concatenate([wall(), haze()])
    assert clear_near_plane(scene, view_of(scene, tmp_path)) == CAMERA.near


def test_without_a_photo_nothing_is_decided() -> None:
    assert clear_near_plane(concatenate([wall(), haze()]), View("virtual", CAMERA)) == CAMERA.near


def test_without_anything_near_the_plane_stays(tmp_path: Path) -> None:
    # The photo is of something else, so any plane would do as badly: nothing near, nothing moved.
    assert clear_near_plane(wall(), view_of(haze(), tmp_path)) == CAMERA.near


def test_only_the_views_with_floaters_change(tmp_path: Path) -> None:
    scene = concatenate([wall(), haze()])
    first = view_of(wall(), tmp_path)
    second = View("second", CAMERA)
    cleared = without_floaters(scene, [first, second], Quiet())
    assert cleared[0].camera.near > CAMERA.near
    assert cleared[0].photo == first.photo
    assert cleared[1] is second
