# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Distorted lenses: photos, masks and points go to one and the same pinhole camera."""

from __future__ import annotations

import sys

import numpy as np
import pycolmap
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import center_of_mass, gaussian_filter

from splatcut.cameras import Undistortion, load_photo, load_views
from splatcut.cameras.lens import Lens
from splatcut.errors import UserError

LENSES = {
    "SIMPLE_RADIAL": (300.0, 161.0, 118.0, -0.12),
    "RADIAL": (300.0, 161.0, 118.0, 0.1, -0.05),
    "OPENCV": (300.0, 310.0, 165.0, 115.0, -0.2, 0.05, 0.002, -0.003),
    "FULL_OPENCV": (300.0, 310.0, 165.0, 115.0, -0.2, 0.05, 0.002, -0.003, 0.01, 0.0, 0.0, 0.0),
    "FOV": (250.0, 250.0, 160.0, 120.0, 0.7),
    "SIMPLE_RADIAL_FISHEYE": (200.0, 160.0, 120.0, -0.02),
    "RADIAL_FISHEYE": (200.0, 160.0, 120.0, -0.02, 0.003),
    "OPENCV_FISHEYE": (150.0, 152.0, 158.0, 122.0, 0.01, -0.005, 0.002, -0.001),
    "THIN_PRISM_FISHEYE": (200.0, 200.0, 160.0, 120.0, 0.01, -0.005, 0.001, 0.001, 0.0, 0.0, 0.001, 0.001),
    "SIMPLE_DIVISION": (300.0, 160.0, 120.0, -0.1),
    "SIMPLE_FISHEYE": (180.0, 160.0, 120.0),
    "EUCM": (200.0, 200.0, 160.0, 120.0, 0.6, 1.1),
}
each_lens = pytest.mark.parametrize(
    "lens", [Lens(name, 320, 240, params) for name, params in LENSES.items()], ids=list(LENSES)
)


def _photo_of(lens: Lens, scene, samples: int = 3) -> np.ndarray:
    """[H, W] float picture through a lens of a plane at z = 1: ``scene`` maps (x, y) [N, 2] to values [N]."""
    total = np.zeros((lens.height, lens.width))
    for dy in range(samples):
        for dx in range(samples):
            y, x = np.mgrid[: lens.height, : lens.width] + np.array([dy + 0.5, dx + 0.5])[:, None, None] / samples
            directions = lens.from_photo(np.column_stack([x.ravel(), y.ravel()]))
            values = np.where(np.isfinite(directions[:, 0]), scene(np.nan_to_num(directions)), 0.0)
            total += values.reshape(total.shape)
    return total / samples**2


@each_lens
def test_points_go_there_and_back(lens):
    undistortion = Undistortion.of(lens, "the camera")
    camera = undistortion.camera
    rng = np.random.default_rng(0)
    pinhole = rng.uniform([0, 0], [camera.width, camera.height], (200, 2))
    photo = undistortion.to_photo(pinhole)
    np.testing.assert_allclose(undistortion.points(photo), pinhole, atol=0.01)


@each_lens
def test_nothing_is_invented_at_the_edges(lens):
    """A white photo stays white to the corners, even where all outside of the photo were black."""
    undistortion = Undistortion.of(lens, "the camera")
    camera = undistortion.camera
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    photo = undistortion.to_photo(np.column_stack([x.ravel(), y.ravel()]))
    assert (photo > 0).all()
    assert (photo < [lens.width, lens.height]).all()
    assert undistortion.image(np.full((240, 320, 3), 255, np.uint8)).min() == 255


@each_lens
def test_the_frame_is_not_smaller_than_need_be(lens):
    """Each side of the picture touches the photo's side somewhere, or the limit of 60 degrees."""
    undistortion = Undistortion.of(lens, "the camera")
    camera = undistortion.camera
    x, y = np.linspace(0, camera.width, 300), np.linspace(0, camera.height, 300)
    left, right = (undistortion.to_photo(np.column_stack([0 * y + at, y])) for at in (0, camera.width))
    top, bottom = (undistortion.to_photo(np.column_stack([x, 0 * x + at])) for at in (0, camera.height))
    assert left[:, 0].min() < 6 or camera.cx / camera.fx > 1.6
    assert (lens.width - right[:, 0]).min() < 6 or (camera.width - camera.cx) / camera.fx > 1.6
    assert top[:, 1].min() < 6 or camera.cy / camera.fy > 1.6
    assert (lens.height - bottom[:, 1]).min() < 6 or (camera.height - camera.cy) / camera.fy > 1.6


@each_lens
def test_points_and_pictures_agree(lens):
    """Blobs painted into the photo are found in the picture where ``points`` says, and in the mask."""
    undistortion = Undistortion.of(lens, "the camera")
    camera = undistortion.camera
    rows, columns = np.mgrid[0:240, 0:320] + 0.5
    for share_x, share_y in [(0.5, 0.5), (0.2, 0.25), (0.85, 0.3), (0.3, 0.85)]:
        spot = undistortion.to_photo(np.array([[share_x * camera.width, share_y * camera.height]]))[0]
        blob = np.exp(-0.5 * ((columns - spot[0]) ** 2 + (rows - spot[1]) ** 2) / 1.5**2)
        painted = np.rint(blob * 255).astype(np.uint8)
        picture, mask = undistortion.image(painted[:, :, None])[:, :, 0], undistortion.mask(painted)
        expected = undistortion.points(spot[None])[0]
        for found in (picture.astype(float), mask.astype(float)):
            row, column = np.array(center_of_mass(found))
            np.testing.assert_allclose([column + 0.5, row + 0.5], expected, atol=0.35)


@pytest.mark.parametrize(("name", "blur"), [("SIMPLE_RADIAL", 12), ("OPENCV", 12), ("OPENCV_FISHEYE", 20), ("FOV", 12)])
def test_a_checkerboard_comes_out_straight(name, blur):
    lens = Lens(name, 320, 240, LENSES[name])
    undistortion = Undistortion.of(lens, "the camera")
    camera = undistortion.camera
    side = 0.1

    def board(directions):
        return (np.floor(directions / side).astype(int).sum(axis=1) % 2).astype(float)

    photo = np.rint(_photo_of(lens, board) * 255).astype(np.uint8)
    picture = undistortion.image(np.repeat(photo[:, :, None], 3, axis=2))[:, :, 0].astype(float)
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    directions = np.column_stack([(x.ravel() - camera.cx) / camera.fx, (y.ravel() - camera.cy) / camera.fy])
    expected = board(directions).reshape(picture.shape) * 255
    # Away from the edges of the squares every pixel has its square's colour, all over the picture.
    away = np.abs(directions / side - np.rint(directions / side)).min(axis=1)
    inner = (away > 3 / (side * camera.fx)).reshape(picture.shape)
    assert inner.mean() > 0.25
    np.testing.assert_allclose(picture[inner], expected[inner], atol=60)
    assert np.abs(picture - gaussian_filter(expected, 0.6)).mean() < blur


def test_the_pinhole_agrees_with_colmaps_own():
    for name in ("SIMPLE_RADIAL", "OPENCV"):
        camera = Undistortion.of(Lens(name, 320, 240, LENSES[name]), "the camera").camera
        bent = pycolmap.Camera(model=name, width=320, height=240, params=LENSES[name])
        theirs = pycolmap.undistort_camera(pycolmap.UndistortCameraOptions(), bent)
        # COLMAP keeps the focal length as well, and cuts to a rectangle symmetric about the principal point's share.
        assert camera.fx == theirs.focal_length_x
        assert camera.width >= theirs.width - 2
        assert camera.height >= theirs.height - 2


def test_masks_of_another_size_name_both():
    undistortion = Undistortion.of(Lens("OPENCV", 320, 240, LENSES["OPENCV"]), "the camera")
    with pytest.raises(UserError, match=r"160x120 pixels, but .* 320x240"):
        undistortion.mask(np.zeros((120, 160), np.uint8))


@settings(max_examples=40)
@given(k1=st.floats(-0.3, 0.3), k2=st.floats(-0.1, 0.1), cx=st.floats(140, 180), focal=st.floats(250, 600))
def test_any_reasonable_lens_has_a_covered_frame(k1, k2, cx, focal):
    lens = Lens("RADIAL", 320, 240, (focal, cx, 121.0, k1, k2))
    camera = Undistortion.of(lens, "the camera").camera
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * [camera.width, camera.height]
    photo = Undistortion(lens, camera).to_photo(corners)
    assert (photo > -0.51).all()
    assert (photo < [320.51, 240.51]).all()
    np.testing.assert_allclose(Undistortion(lens, camera).points(photo), corners, atol=0.5)


def test_a_lens_that_folds_the_photo_is_a_sentence():
    with pytest.raises(UserError, match="fold the photo"):
        Undistortion.of(Lens("SIMPLE_RADIAL", 320, 240, (100.0, 160.0, 120.0, -40.0)), "The camera of a.jpg")


def test_pixels_without_direction_are_nan():
    lens = Lens("OPENCV_FISHEYE", 640, 640, (180.0, 180.0, 320.0, 320.0, 0.0, 0.0, 0.0, 0.0))
    undistortion = Undistortion.of(lens, "the camera")
    points = undistortion.points(np.array([[320.0, 320.0], [2.0, 2.0]]))
    np.testing.assert_allclose(points[0], [undistortion.camera.cx, undistortion.camera.cy])
    assert np.isnan(points[1]).all()
    assert undistortion.camera.width == pytest.approx(2 * np.tan(np.radians(60)) * 180, abs=1)


def test_distorted_models_share_one_undistortion(colmap):
    lens = Lens("OPENCV", 320, 240, LENSES["OPENCV"])
    folder = colmap("OPENCV", list(lens.params), (320, 240), ["a.png", "b.png"])
    grey = np.rint(_photo_of(lens, lambda d: 0.5 + 0.4 * np.sin(20 * d[:, 0]), 1) * 255).astype(np.uint8)
    (folder / "images").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(grey).convert("RGB").save(folder / "images" / name)
    a, b = load_views(folder)
    assert a.undistortion is b.undistortion is not None
    photo = load_photo(a)
    assert photo.shape == (a.camera.height, a.camera.width, 3)
    x = (np.arange(a.camera.width) + 0.5 - a.camera.cx) / a.camera.fx
    expected = np.tile(255 * (0.5 + 0.4 * np.sin(20 * x)), (a.camera.height, 1))
    assert np.abs(photo[:, :, 1] - expected).max() < 6
    # Photos of half the size: half the lens, and a picture of half the size.
    (folder / "half").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(grey).resize((160, 120)).convert("RGB").save(folder / "half" / name)
    half = load_views(folder, folder / "half")[0]
    assert isinstance(half.undistortion.lens, Lens)
    assert half.undistortion.lens.params[:4] == (150, 155, 82.5, 57.5)
    assert abs(half.camera.width - a.camera.width / 2) <= 1


def test_without_pycolmap_pinholes_work_and_distortion_is_a_sentence(colmap, monkeypatch):
    folder = colmap("SIMPLE_RADIAL", [300.0, 160.0, 120.0, -0.1], (320, 240), ["a.jpg"], text=True)
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    with pytest.raises(UserError, match="pip install pycolmap"):
        load_views(folder)
    (folder / "sparse" / "0" / "cameras.txt").write_text("3 PINHOLE 320 240 300 300 160 120\n", encoding="utf-8")
    assert load_views(folder)[0].undistortion is None
