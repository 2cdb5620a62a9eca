# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Views at working size: points, masks and pictures go along, with and without a distorting lens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mask_scenes import camera_at, make_gaussians
from PIL import Image

from splatcut.cameras import Undistortion
from splatcut.cameras.lens import Lens
from splatcut.cameras.pictures import picture, working_view
from splatcut.scene.camera import View

BARREL = Lens("SIMPLE_RADIAL", 200, 120, (150.0, 100.0, 60.0, -0.3))


def _distorted() -> View:
    undistortion = Undistortion.of(BARREL, "the test's lens")
    return View("bent", undistortion.camera, None, undistortion)


def test_a_large_view_is_scaled_to_its_longer_side():
    view = View("a", camera_at((0, 0, -3), width=640, height=480))
    working = working_view(view, 160)
    camera = working.view.camera
    assert (camera.width, camera.height, camera.fx, camera.cx, camera.cy) == (160, 120, 160.0, 80.0, 60.0)
    points = working.points(np.array([[320.0, 240.0], [0.5, 479.5]]))
    np.testing.assert_array_equal(points, [[80, 60], [0.125, 119.875]])
    assert working.source.photo_size == (640, 480)
    assert working.name == "a"
    assert working_view(view, 640).view.camera is view.camera


def test_masks_are_averaged_down():
    working = working_view(View("a", camera_at((0, 0, -3), width=64, height=48)), 32)
    mask = np.zeros((48, 64), np.uint8)
    mask[:, :32] = 255
    small = working.mask(mask)
    assert small.shape == (24, 32)
    assert (small[:, :15] == 255).all()
    assert (small[:, 17:] == 0).all()
    same = working_view(working.source, 64)
    assert same.mask(mask) is mask


def test_points_and_masks_of_a_bent_photo_stay_together():
    """A small square in the photo's mask lies, after undistortion and scaling, about the same point's place."""
    view = _distorted()
    working = working_view(view, 100)
    assert max(working.view.camera.width, working.view.camera.height) == 100
    assert working.source.photo_size == (200, 120)
    place = np.array([[150.5, 85.5]])
    mask = np.zeros((120, 200), np.uint8)
    mask[82:89, 147:154] = 255
    small = working.mask(mask)
    camera = working.view.camera
    assert small.shape == (camera.height, camera.width)
    rows, columns = np.indices(small.shape) + 0.5
    weight = small / small.sum()
    centre = [(weight * columns).sum(), (weight * rows).sum()]
    np.testing.assert_allclose(working.points(place)[0], centre, atol=0.1)
    np.testing.assert_allclose(working.points(np.array([BARREL.centre]))[0], [camera.cx, camera.cy], atol=1e-6)
    # The bent lens moves it: without undistortion it would lie elsewhere.
    scale = camera.width / view.camera.width
    straight = (place[0] - BARREL.centre) * scale + [camera.cx, camera.cy]
    assert np.abs(np.array(centre) - straight).max() > 0.7


def test_the_picture_is_the_photo_where_there_is_one(tmp_path: Path):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, 32:] = (10, 200, 30)
    Image.fromarray(image).save(tmp_path / "a.png")
    view = View("a", camera_at((0, 0, -3)), tmp_path / "a.png")
    nothing = make_gaussians([[0, 0, 0]], 0.1)
    np.testing.assert_array_equal(picture(working_view(view, 64), nothing), image)
    small = picture(working_view(view, 32), nothing)
    assert small.shape == (24, 32, 3)
    assert (small[:, :13] == 0).all()
    assert (small[:, 20:] == (10, 200, 30)).all()


def test_the_picture_is_a_render_where_there_is_no_photo():
    gaussian = make_gaussians([[0, 0, 0]], 0.5, 0.999, (1.0, 0.5, 0.0))
    image = picture(working_view(View("a", camera_at((0, 0, -3))), 64), gaussian)
    assert image.dtype == np.uint8
    # Alpha is at most 0.99, and the background is black.
    assert image[24, 32].tolist() == pytest.approx([252, 126, 0], abs=1)
