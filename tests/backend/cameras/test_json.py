# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""transforms.json and the 3DGS cameras.json."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatcut.cameras import load_views, look_at, save_cameras
from splatcut.cameras.lens import Lens
from splatcut.errors import UserError
from splatcut.scene.camera import Camera, View
from splatcut.scene.rotations import rotation_matrices

from .conftest import photos

#: A camera at (0, -4, 0) that looks along +y with z up: OpenGL axes in the columns.
LOOKS_ALONG_Y = [[1, 0, 0, 0], [0, 0, -1, -4], [0, 1, 0, 0], [0, 0, 0, 1]]
SIZE = {"w": 64, "h": 48}


def frames(*names, **more):
    return {"frames": [{"file_path": name, "transform_matrix": LOOKS_ALONG_Y, **more} for name in names]}


def test_opengl_axes_become_opencv(write_json):
    lens = {"fl_x": 50.0, "fl_y": 60.0, "cx": 30.0, "cy": 20.0}
    (view,) = load_views(write_json("transforms.json", {**lens, **SIZE, **frames("a.png")}))
    np.testing.assert_allclose(view.camera.position, [0, -4, 0], atol=1e-12)
    # In front, one to the right, one up (+z): two units away, a point to the right of and above the principal point.
    pixels, depth = view.camera.project(np.array([[1.0, -2.0, 1.0]]))
    np.testing.assert_allclose(depth, [2.0])
    np.testing.assert_allclose(pixels, [[30 + 50 / 2, 20 - 60 / 2]])
    assert view.camera.near == 0.2


def test_field_of_view_and_size_from_the_photo(write_json, tmp_path):
    """A synthetic Blender scene: no size, no suffix, an angle."""
    write_json("transforms_train.json", {"camera_angle_x": math.pi / 2, **frames("./train/r_0", "./train/r_1")})
    with pytest.raises(UserError, match="does not give the size"):
        load_views(tmp_path)
    photos(tmp_path / "train", ["r_0.png", "r_1.png", "r_0_depth_0001.png"], (80, 60))
    views = load_views(tmp_path)
    assert [view.name for view in views] == ["r_0", "r_1"]
    assert views[0].photo == tmp_path / "train" / "r_0.png"
    camera = views[0].camera
    assert (camera.width, camera.height, camera.cx, camera.cy) == (80, 60, 40, 30)
    np.testing.assert_allclose([camera.fx, camera.fy], [40, 40])


def test_photos_that_are_given_win_over_names_in_the_file(write_json, tmp_path):
    names = {"up": "../photos/a.png", "absolute": str(tmp_path / "photos" / "a.png")}
    for folder, size in (("photos", (64, 48)), ("photos_2", (32, 24))):
        photos(tmp_path / folder, ["a.png"], size)
    for name in names.values():
        path = write_json("set/transforms.json", {"fl_x": 50.0, **SIZE, **frames(name)})
        named = load_views(path)[0].photo
        assert named.resolve() == tmp_path / "photos" / "a.png"
        (view,) = load_views(path, tmp_path / "photos_2")
        assert (view.name, view.photo) == ("a", tmp_path / "photos_2" / "a.png")
        assert (view.camera.width, view.camera.fx) == (32, 25)


def test_intrinsics_of_a_frame_win(write_json):
    content = {"fl_x": 50.0, **SIZE, **frames("a.png", "b.png")}
    content["frames"][1].update(fl_x=70.0, fl_y=71.0, w=32, h=24, cx=15.0)
    a, b = load_views(write_json("transforms.json", content))
    assert (a.camera.fx, a.camera.fy, a.camera.width, a.camera.cx) == (50, 50, 64, 32)
    assert (b.camera.fx, b.camera.fy, b.camera.width, b.camera.cx, b.camera.cy) == (70, 71, 32, 15, 12)


@pytest.mark.parametrize(
    ("values", "model", "params"),
    [
        ({"k1": 0.1, "k2": 0.01, "p1": 0.001, "p2": 0.002}, "OPENCV", (0.1, 0.01, 0.001, 0.002)),
        ({"k1": 0.1, "k3": 0.02}, "FULL_OPENCV", (0.1, 0, 0, 0, 0.02, 0, 0, 0)),
        ({"k1": 0.1, "k4": 0.03, "camera_model": "OPENCV_FISHEYE"}, "OPENCV_FISHEYE", (0.1, 0, 0, 0.03)),
        ({"k1": 0.1, "is_fisheye": True}, "OPENCV_FISHEYE", (0.1, 0, 0, 0)),
        ({"distortion_params": [0.1, 0.01, 0, 0, 0.001, 0.002]}, "OPENCV", (0.1, 0.01, 0.001, 0.002)),
        ({"k1": 9.0, "distortion_params": [0.1, 0, 0.02, 0, 0, 0]}, "FULL_OPENCV", (0.1, 0, 0, 0, 0.02, 0, 0, 0)),
        ({"k1": 0, "k2": 0.0, "p1": 0.0, "p2": 0.0, "camera_model": "OPENCV"}, None, ()),
    ],
)
def test_distortion(write_json, values, model, params):
    (view,) = load_views(write_json("transforms.json", {"fl_x": 50.0, **SIZE, **values, **frames("a.png")}))
    if model is None:
        assert view.undistortion is None
    else:
        lens = view.undistortion.lens
        assert isinstance(lens, Lens)
        assert (lens.model, lens.params) == (model, (50, 50, 32, 24, *params))
    assert (view.camera.fx, view.camera.fy) == (50, 50)
    np.testing.assert_allclose(view.camera.position, [0, -4, 0], atol=1e-12)


def test_training_world_of_nerfstudio(write_json, tmp_path):
    write_json("transforms.json", {"fl_x": 50.0, **SIZE, **frames("a.png")})
    turn = [[0, -1, 0, 1.0], [1, 0, 0, 2.0], [0, 0, 1, 3.0]]
    write_json("dataparser_transforms.json", {"transform": turn, "scale": 0.5})
    (view,) = load_views(tmp_path)
    # (0, -4, 0) turned by 90 degrees about z is (4, 0, 0); moved and scaled it is (2.5, 1, 1.5).
    np.testing.assert_allclose(view.camera.position, [2.5, 1.0, 1.5], atol=1e-12)
    np.testing.assert_allclose(view.camera.camera_from_world[2, :3], [-1, 0, 0], atol=1e-12)
    assert view.camera.near == 0.01


def rigids(seed, count):
    """Random rigid transforms [4, 4]."""
    rng = np.random.default_rng(seed)
    found = np.tile(np.eye(4), (count, 1, 1))
    quats = rng.normal(size=(count, 4))
    found[:, :3, :3] = rotation_matrices(quats / np.linalg.norm(quats, axis=1, keepdims=True))
    found[:, :3, 3] = rng.normal(size=(count, 3))
    return found


@given(seed=st.integers(0, 99), scale=st.floats(0.01, 10), applied_scale=st.floats(0.1, 10))
@settings(max_examples=20)
def test_what_was_applied_to_the_file_is_not_applied_again(tmp_path, seed, scale, applied_scale):
    """nerfstudio trains in scale (oriented @ file), and notes oriented @ applied and scale * applied_scale."""
    oriented, applied, in_file = rigids(seed, 3)
    content = {"fl_x": 50.0, **SIZE, "applied_transform": applied[:3].tolist(), "applied_scale": applied_scale}
    content["frames"] = [{"file_path": "a.png", "transform_matrix": in_file.tolist()}]
    noted = {"transform": (oriented @ applied)[:3].tolist(), "scale": scale * applied_scale}
    (tmp_path / "transforms.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "dataparser_transforms.json").write_text(json.dumps(noted), encoding="utf-8")
    (view,) = load_views(tmp_path)
    expected = oriented @ in_file @ np.diag([1.0, -1.0, -1.0, 1.0])
    expected[:3, 3] *= scale
    np.testing.assert_allclose(np.linalg.inv(view.camera.camera_from_world), expected, atol=1e-9)


def test_nerfstudio_takes_intrinsics_from_the_top_and_others_from_the_frame(write_json, tmp_path):
    content = {"fl_x": 50.0, "k1": 0.1, **SIZE, **frames("a.png", fl_x=70.0, distortion_params=[0.2, 0, 0, 0, 0, 0])}
    path = write_json("transforms.json", content)
    findings = []
    (view,) = load_views(path, findings=findings)
    assert isinstance(view.undistortion.lens, Lens)
    assert view.undistortion.lens.params == (70, 70, 32, 24, 0.2, 0, 0, 0)
    assert "fl_x at the top of transforms.json differ from those in its frames. Those in the frames" in findings[0].what
    write_json("dataparser_transforms.json", {"transform": np.eye(4)[:3].tolist(), "scale": 1.0})
    findings.clear()
    (view,) = load_views(path, findings=findings)
    assert isinstance(view.undistortion.lens, Lens)
    assert view.undistortion.lens.params == (50, 50, 32, 24, 0.1, 0, 0, 0)
    assert "Those at the top are used, as in nerfstudio" in findings[0].what
    findings.clear()
    load_views(
        write_json("equal/transforms.json", {"fl_x": 50.0, **SIZE, **frames("a.png", fl_x=50.0)}), None, findings
    )
    assert findings == []


def test_distortion_that_stands_twice_is_told_where_it_differs(write_json):
    def told(values):
        findings = []
        load_views(write_json("transforms.json", {"fl_x": 50.0, **SIZE, **values, **frames("a.png")}), None, findings)
        return [finding.what for finding in findings]

    (sentence,) = told({"k1": 0.3, "distortion_params": [0.1, 0, 0, 0, 0, 0]})
    assert "has distortion twice" in sentence
    assert "The list is used" in sentence
    assert told({"k1": 0.1, "p2": 0.0, "distortion_params": [0.1, 0, 0, 0, 0, 0]}) == []
    assert told({"k1": 0.3}) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fl_x": 0}, "focal length of 0"),
        ({"fl_x": "long"}, "'long' as 'fl_x'"),
        ({"fl_x": float("nan")}, "not a finite number"),
        ({"fl_x": None}, "no focal length"),
        ({"w": 64.5}, "whole number of pixels"),
        ({"camera_model": "EQUIRECTANGULAR"}, "EQUIRECTANGULAR"),
        ({"k4": 0.1}, "fourth radial"),
        ({"distortion_params": [0.1, 0.2]}, "list of 6 numbers"),
        ({"distortion_params": [0, 0, 0, 0, 0, "x"]}, "in 'distortion_params', has 'x' as 'p2'"),
        ({"camera_model": "equirectangular"}, "panoramas"),
        ({"transform_matrix": [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]}, "2, 2, 2 instead of 1"),
        ({"transform_matrix": [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "mirrored"),
        ({"transform_matrix": [[1, 0, 0, float("inf")], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "finite"),
        ({"transform_matrix": [[1, 0], [0, 1]]}, r"shape \(2, 2\)"),
        ({"transform_matrix": [[1, 0, 0, 0], [0, 1]]}, "numbers"),
        ({"transform_matrix": "none"}, "numbers"),
        ({"file_path": ""}, "no photo"),
        ({"file_path": ".."}, "not a valid file name"),
    ],
)
def test_broken_transforms_are_a_sentence(write_json, change, said):
    content = {"fl_x": 50.0, **SIZE, **frames("a.png")}
    content["frames"][0].update(change)
    with pytest.raises(UserError, match=said):
        load_views(write_json("transforms.json", content))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"frames": [', "line 1, column 13"),
        ("", "not valid JSON"),
        ("{}", "neither"),
        ("[]", "neither"),
        ("3", "neither"),
        ('{"frames": []}', "holds no cameras"),
        ("[" * 100_000, "JSON|nested"),
    ],
)
def test_other_json_is_a_sentence(tmp_path, text, said):
    path = tmp_path / "cameras.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        load_views(path)


def test_binary_rubbish_is_a_sentence(tmp_path):
    path = tmp_path / "scene.ply"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match="not a text file"):
        load_views(path)
    with pytest.raises(UserError, match="do not exist"):
        load_views(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no cameras in the folder"):
        load_views(tmp_path)


POSE = {"position": [1.0, 2.0, 3.0], "rotation": [[0, -1, 0], [1, 0, 0], [0, 0, 1]]}
ENTRY = {"id": 0, "img_name": "DSC_1", "width": 60, "height": 40, **POSE, "fx": 50.0, "fy": 51.0}


def test_cameras_json(write_json, tmp_path):
    photos(tmp_path / "images", ["DSC_1.JPG"], (60, 40))
    (view,) = load_views(write_json("cameras.json", [ENTRY]))
    assert view.photo == tmp_path / "images" / "DSC_1.JPG"
    camera = view.camera
    assert (camera.cx, camera.cy, camera.fx, camera.fy) == (30, 20, 50, 51)
    np.testing.assert_allclose(camera.position, [1, 2, 3], atol=1e-12)
    # The rotation's columns are the camera's axes in the world: x of the camera is y of the world.
    pixels, depth = camera.project(np.array([[1.0, 2.5, 5.0]]))
    np.testing.assert_allclose(depth, [2.0])
    np.testing.assert_allclose(pixels, [[30 + 50 * 0.5 / 2, 20]])


def test_photos_where_the_trainer_found_them(write_json, tmp_path):
    photos(tmp_path / "data" / "images_4", ["DSC_1.jpg"], (60, 40))
    path = write_json("output/cameras.json", [ENTRY])
    source = tmp_path / "data"
    text = f"Namespace(sh_degree=3, source_path='{source}', model_path='out', images='images_4', eval=True)"
    (path.parent / "cfg_args").write_text(text, encoding="utf-8")
    assert load_views(path.parent)[0].photo == source / "images_4" / "DSC_1.jpg"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fx": 0.0}, "focal length of 0"),
        ({"position": [1, 2]}, "shape"),
        ({"rotation": [[1, 0, 0], [0, 1, 0], [0.5, 0, 1]]}, "not a rotation"),
        ({"img_name": None}, "no image name"),
        ({"width": -3}, "image size"),
        ({"height": True}, "True"),
        *(({key: ...}, f"has no value for '{key}'|neither") for key in ("position", "rotation", "width", "fy")),
    ],
)
def test_broken_cameras_json_is_a_sentence(write_json, change, said):
    entry = {key: value for key, value in {**ENTRY, **change}.items() if value is not ...}
    with pytest.raises(UserError, match=said):
        load_views(write_json("cameras.json", [entry]))


finite = st.floats(-1e3, 1e3, allow_nan=False)


@settings(max_examples=60)
@given(
    place=st.tuples(finite, finite, finite),
    up=st.tuples(finite, finite, finite).filter(lambda v: np.linalg.norm(v) > 1),
    lens=st.tuples(st.floats(1, 1e4), st.floats(1, 1e4), finite, finite),
)
def test_saved_cameras_come_back(tmp_path, place, up, lens):
    path = tmp_path / "made" / "cameras.json"
    camera = Camera(100, 80, lens[0], lens[1], lens[2], lens[3], look_at(place, np.add(place, (1.0, 2.0, -3.0)), up))
    save_cameras(path, [View("two", camera), View("one.5", camera)])
    back = load_views(path)
    assert [view.name for view in back] == ["one.5", "two"]
    for view in back:
        np.testing.assert_allclose(view.camera.camera_from_world, camera.camera_from_world, rtol=0, atol=1e-9)
        assert (view.camera.fx, view.camera.fy, view.camera.cx, view.camera.cy) == lens
    assert {"cx", "cy", "img_name", "position"} <= set(json.loads(path.read_text(encoding="utf-8"))[0])


def test_saved_cameras_find_their_photos(tmp_path):
    save_cameras(tmp_path / "cameras.json", [View("ein Bild", Camera(20, 10, 15.0, 15.0, 10.0, 5.0, np.eye(4)))])
    photos(tmp_path / "images", ["ein Bild.webp"], (20, 10))
    assert load_views(tmp_path)[0].photo == tmp_path / "images" / "ein Bild.webp"


def test_names_cut_at_their_first_dot(write_json, tmp_path):
    """IMG.0001.jpg and IMG.0002.jpg are both IMG in 3DGS' file; a name that only one photo begins with finds it."""
    path = write_json(
        "cameras.json", [ENTRY | {"img_name": name, "id": k} for k, name in enumerate(("IMG", "IMG", "P0"))]
    )
    size = (ENTRY["width"], ENTRY["height"])
    photos(tmp_path / "images", ["IMG.0001.jpg", "IMG.0002.jpg", "P0.0007.jpg"], size)
    findings = []
    views = load_views(path, findings=findings)
    assert [view.name for view in views] == ["IMG_0001", "IMG_0002", "P0"]
    assert [view.photo and view.photo.name for view in views] == [None, None, "P0.0007.jpg"]
    (finding,) = findings
    assert "has 2 cameras named 'IMG'" in finding.what
    assert "COLMAP" in finding.remedy
    two = write_json("two/cameras.json", [ENTRY | {"img_name": "IMG"}] * 2)
    with pytest.raises(UserError, match="2 cameras named 'IMG'"):
        load_views(two, tmp_path / "images")
    assert len(load_views(two)) == 2
