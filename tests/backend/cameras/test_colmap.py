# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""COLMAP models: agreement with pycolmap, and damaged files."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatcut.cameras import load_photo, load_views
from splatcut.cameras.lens import MODELS, Lens
from splatcut.errors import UserError
from splatcut.messages.findings import Finding

PINHOLE = [100.0, 110.0, 33.0, 23.0]
NAMES = ["b.jpg", "a.jpg", "c d.jpg"]


def test_the_table_of_models_is_colmaps():
    for name, (code, focals, extra) in MODELS.items():
        camera = pycolmap.Camera.create_from_model_id(1, getattr(pycolmap.CameraModelId, name), 100.0, 64, 48)
        assert int(camera.model) == code
        assert len(camera.params) == focals + 2 + extra
        assert len(camera.focal_length_idxs()) == focals


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("place", ["", "sparse", "sparse/0", "sparse/0/cameras"])
def test_poses_and_intrinsics_are_pycolmaps(colmap, text, place):
    folder = colmap("PINHOLE", PINHOLE, (64, 48), NAMES, text=text)
    path = folder / place
    if place == "sparse":  # a model that lies in sparse itself
        for file in (folder / "sparse" / "0").iterdir():
            file.rename(folder / "sparse" / file.name)
        (folder / "sparse" / "0").rmdir()
        path = folder
    if place.endswith("cameras"):
        path = path.with_suffix(".txt" if text else ".bin")
    views = load_views(path)
    model = folder / "sparse" if place == "sparse" else folder / "sparse" / "0"
    # pycolmap ends the names in text files at the first space.
    images = pycolmap.Reconstruction(model).images.values()
    expected = {Path(image.name).stem[:1]: image.cam_from_world().matrix() for image in images}
    assert [view.name for view in views] == ["a", "b", "c d"]
    for view in views:
        assert view.photo is None
        assert view.undistortion is None
        np.testing.assert_allclose(view.camera.camera_from_world[:3], expected[view.name[:1]], atol=1e-12)
        assert (view.camera.fx, view.camera.fy, view.camera.cx, view.camera.cy) == tuple(PINHOLE)
        assert (view.camera.width, view.camera.height) == (64, 48)


def test_projection_is_pycolmaps(colmap):
    folder = colmap("SIMPLE_PINHOLE", [90.0, 30.0, 25.0], (64, 48), NAMES)
    points = np.random.default_rng(0).normal(size=(20, 3))
    images = {image.name: image for image in pycolmap.Reconstruction(folder / "sparse" / "0").images.values()}
    for view in load_views(folder):
        pixels, depth = view.camera.project(points)
        for pixel, z, point in zip(pixels, depth, points, strict=True):
            if z > 0:
                np.testing.assert_allclose(pixel, images[view.name + ".jpg"].project_point(point), atol=1e-9)


@pytest.mark.parametrize(("scene", "count"), [("statue", 29), ("goldcape", 119), ("horns", 62)])
def test_real_scenes(shared, scene, count):
    folder = shared / "scenes" / scene
    views = load_views(folder)
    assert [view.name for view in views] == sorted(path.stem for path in (folder / "images").iterdir())
    assert len(views) == count
    photo = load_photo(views[0])
    assert photo.shape == (views[0].camera.height, views[0].camera.width, 3)
    reconstruction = pycolmap.Reconstruction(folder / "sparse" / "0")
    images = {Path(image.name).stem: image for image in reconstruction.images.values()}
    points = np.array([point.xyz for point in list(reconstruction.points3D.values())[:50]])
    for view in views:
        np.testing.assert_allclose(view.camera.position, images[view.name].projection_center(), atol=1e-9)
        pixels, depth = view.camera.project(points)
        for pixel, z, point in zip(pixels, depth, points, strict=True):
            if z > 0:
                np.testing.assert_allclose(pixel, images[view.name].project_point(point), atol=1e-6)


NAN, ZERO, MANY = struct.pack("<d", float("nan")), struct.pack("<d", 0.0), struct.pack("<Q", 2**60)
#: What is done to a file's bytes: the first camera begins at byte 8, its focal length at 32, the image's pose at 12.
DAMAGE = {
    "cut": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "longer": lambda data: data + b"more",
    "count": lambda data: MANY + data[8:],
    "model": lambda data: data[:12] + struct.pack("<i", 77) + data[16:],
    "text": lambda data: b"these are no cameras" * 9,
    "nan focal length": lambda data: data[:32] + NAN + data[40:],
    "no focal length": lambda data: data[:32] + ZERO + data[40:],
    "nan translation": lambda data: data[:44] + NAN + data[52:],
    "norotation": lambda data: data[:12] + bytes(32) + data[44:],
    "other camera": lambda data: data[:68] + struct.pack("<I", 77) + data[72:],
}


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("cameras", "cut", "ends after"),
        ("cameras", "empty", "ends after 0 bytes"),
        ("cameras", "longer", "4 bytes follow"),
        ("cameras", "count", "declares"),
        ("cameras", "model", "camera model number 77"),
        ("cameras", "text", "damaged"),
        ("cameras", "nan focal length", "not a finite number"),
        ("cameras", "no focal length", "focal length of 0"),
        ("images", "cut", "damaged"),
        ("images", "empty", "ends after 0 bytes"),
        ("images", "count", "declares"),
        ("images", "text", "damaged"),
        ("images", "nan translation", "b.jpg"),
        ("images", "norotation", "quaternion of length 0"),
        ("images", "other camera", "camera 77"),
    ],
)
def test_damaged_binary_files_are_a_sentence(colmap, file, change, said):
    folder = colmap("PINHOLE", PINHOLE, (64, 48), NAMES)
    path = folder / "sparse" / "0" / f"{file}.bin"
    path.write_bytes(DAMAGE[change](path.read_bytes()))
    with pytest.raises(UserError, match=said) as caught:
        load_views(folder)
    assert str(folder) in str(caught.value)
    assert str(caught.value).endswith(".")


@settings(max_examples=150)
@given(data=st.data(), name=st.sampled_from(["cameras", "images"]))
def test_no_damage_is_a_traceback(colmap, tmp_path, data, name):
    folder = tmp_path / "scene"
    if not folder.exists():
        colmap("PINHOLE", PINHOLE, (64, 48), NAMES)
    path = folder / "sparse" / "0" / f"{name}.bin"
    whole = path.read_bytes()
    changed = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    views, said = [], "."
    try:
        path.write_bytes(changed)
        views = load_views(folder)
    except UserError as error:
        said = str(error)
    finally:
        path.write_bytes(whole)
    assert said.endswith(".")
    for view in views:
        assert np.isfinite(view.camera.camera_from_world).all()
        assert view.camera.fx > 0


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("cameras", "3 PINHOLE 64 fortyeight 1 2 3 4", "Line 1"),
        ("cameras", "3 PINHOLE 64 48 100 100 32", "3 parameters, but the model PINHOLE has 4"),
        ("cameras", "3 PANORAMA 64 48 100", "PANORAMA"),
        ("cameras", "3 PINHOLE 0 48 100 100 32 24", "0x48"),
        ("cameras", "3 PINHOLE 64 48 nan 100 32 24", "not a finite number"),
        ("images", "1 1 0 0 0 0 0", "Line 1"),
        ("images", "# nothing", "no registered image"),
        ("images", "1 2 0 0 0 0 0 4 3 a.jpg\n\n", "length 2"),
    ],
)
def test_damaged_text_files_are_a_sentence(colmap, file, text, said):
    folder = colmap("PINHOLE", PINHOLE, (64, 48), NAMES, text=True)
    (folder / "sparse" / "0" / f"{file}.txt").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        load_views(folder)


def test_points_are_not_needed_and_half_a_model_is_named(colmap):
    folder = colmap("PINHOLE", PINHOLE, (64, 48), NAMES)
    for name in ("points3D", "rigs", "frames"):
        (folder / "sparse" / "0" / f"{name}.bin").unlink(missing_ok=True)
    assert len(load_views(folder)) == 3
    (folder / "sparse" / "0" / "images.bin").unlink()
    with pytest.raises(UserError, match=r"images\.bin is missing"):
        load_views(folder)


def test_resizing_a_lens_scales_its_pixels():
    lens = Lens("RADIAL", 640, 480, (500.0, 322.0, 238.0, -0.1, 0.01))
    directions = np.random.default_rng(1).uniform(-0.5, 0.5, (30, 2))
    np.testing.assert_allclose(lens.resized(160, 120).to_photo(directions), lens.to_photo(directions) / 4, atol=1e-9)


@pytest.mark.parametrize("text", [False, True])
def test_of_several_models_the_largest_is_taken_and_the_others_are_named(colmap, text, tmp_path):
    folder = colmap("PINHOLE", PINHOLE, (64, 48), NAMES, text=text)
    large = (folder / "sparse" / "0").rename(folder / "sparse" / "2")
    for number in (0, 1):
        shutil.copytree(large, folder / "sparse" / str(number))
        reconstruction = pycolmap.Reconstruction(large)
        for image in list(reconstruction.images)[: 2 - number]:
            reconstruction.deregister_frame(image)
        (reconstruction.write_text if text else reconstruction.write_binary)(folder / "sparse" / str(number))
    for path in (folder, folder / "sparse"):
        findings: list[Finding] = []
        assert len(load_views(path, findings=findings)) == 3
        assert f"{large} (3 images) is used; beside it there are 0 (1 image), 1 (2 images)" in findings[0].what
    # Who names a model gets it.
    findings = []
    assert len(load_views(folder / "sparse" / "1", findings=findings)) == 2
    assert "0 (1 image), 2 (3 images)" in findings[0].what


@pytest.mark.parametrize("text", [False, True])
def test_panoramas_are_refused_by_name(colmap, text):
    folder = colmap("EQUIRECTANGULAR", [100.0, 50.0], (100, 50), NAMES, text=text)
    with pytest.raises(UserError, match="has the camera model EQUIRECTANGULAR: its photos are panoramas"):
        load_views(folder)
