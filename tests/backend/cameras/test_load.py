# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Names, photos, sizes, holding out, and cameras that see nothing."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from mask_scenes import make_gaussians
from PIL import Image

from splatcut.cameras import check_views_see_scene, holdout, load_photo, load_views, look_at
from splatcut.errors import UserError
from splatcut.scene.camera import Camera, View

from .conftest import photos

PINHOLE = [100.0, 110.0, 33.0, 23.0]
SIZE = (64, 48)


def test_names_are_stems_and_paths_where_stems_collide(colmap):
    names = ["left/0001.jpg", "right/0001.jpg", "right/0002.jpg"]
    folder = colmap("PINHOLE", PINHOLE, SIZE, names)
    photos(folder / "images", names, SIZE)
    views = load_views(folder)
    assert [view.name for view in views] == ["0002", "left_0001", "right_0001"]
    assert [view.photo for view in views] == [folder / "images" / name for name in (names[2], names[0], names[1])]


def colmap_text(folder, name):
    folder.mkdir()
    (folder / "cameras.txt").write_text("3 PINHOLE 64 48 100 110 33 23\n", encoding="utf-8")
    (folder / "images.txt").write_bytes(f"1 1 0 0 0 0 0 4 3 {name}\n\n".encode())
    return folder


def colmap_binary(folder, name):
    folder.mkdir()
    camera = struct.pack("<IiQQ4d", 3, 1, 64, 48, *PINHOLE)
    (folder / "cameras.bin").write_bytes(struct.pack("<Q", 1) + camera)
    image = struct.pack("<I7dI", 1, 1, 0, 0, 0, 0, 0, 4, 3) + name.encode() + bytes(9)
    (folder / "images.bin").write_bytes(struct.pack("<Q", 1) + image)
    return folder


def transforms(folder, name):
    frame = {"file_path": f"images/{name}", "transform_matrix": np.eye(4).tolist()}
    folder.with_suffix(".json").write_text(json.dumps({"fl_x": 50, "w": 64, "h": 48, "frames": [frame]}))
    return folder.with_suffix(".json")


def cameras_json(folder, name):
    pose = {"position": [0, 0, 0], "rotation": np.eye(3).tolist()}
    camera = {"img_name": name, "width": 64, "height": 48, "fx": 50, "fy": 50, **pose}
    folder.with_suffix(".json").write_text(json.dumps([camera]))
    return folder.with_suffix(".json")


@pytest.mark.parametrize("make", [colmap_text, colmap_binary, transforms, cameras_json])
def test_names_that_no_file_can_have_are_refused_at_reading(make, tmp_path):
    assert [view.name for view in load_views(make(tmp_path / "good", "f/a view.jpg"))] == ["a view"]
    bad = {"a\1b.jpg": "control", "a\x7f": "control", "x" * 251: "250 bytes", "\u00e9" * 126 + ".jpg": "250 bytes"}
    if make is not colmap_binary:  # there a NUL ends the name
        bad["a\0b.png"] = "control"
    if make in (transforms, cameras_json):
        bad |= {"a\nb": "control", "\ud800.png": "invalid", " .png": "is empty"}
    for number, (name, said) in enumerate(bad.items()):
        path = make(tmp_path / f"bad{number}", name)
        with pytest.raises(UserError, match=rf"The view name '.*' in .*bad{number}.*, because it .*{said}"):
            load_views(path)


def test_folders_that_no_system_can_have_are_not_searched_for_photos(tmp_path):
    assert load_views(cameras_json(tmp_path / "odd", "f\0/a.jpg"))[0].photo is None


def test_one_name_or_photo_for_two_cameras_is_a_sentence(colmap, tmp_path):
    with pytest.raises(UserError, match="2 views that would all be named a "):
        load_views(colmap("PINHOLE", PINHOLE, SIZE, ["a.jpg", "a.png"]))
    (tmp_path / "scene").rename(tmp_path / "names")
    folder = colmap("PINHOLE", PINHOLE, SIZE, ["left/0001.jpg", "right/0001.jpg"])
    photos(folder / "images", ["0001.jpg"], SIZE)
    with pytest.raises(UserError, match="both use the photo"):
        load_views(folder)


def test_photos_at_another_resolution_scale_the_camera(colmap, tmp_path):
    names = ["a.JPG", "b.JPG", "c.JPG"]
    folder = colmap("PINHOLE", PINHOLE, (640, 481), names)
    photos(tmp_path / "images_4", ["a.png", "b.png", "c.png"], (160, 120))
    views = load_views(folder, tmp_path / "images_4")
    camera = views[1].camera
    assert (camera.width, camera.height, camera.fx, camera.cx) == (160, 120, 25, 8.25)
    np.testing.assert_allclose([camera.fy, camera.cy], [110 * 120 / 481, 23 * 120 / 481])
    assert load_photo(views[1]).shape == (120, 160, 3)
    assert (load_photo(views[1]) == 20).all()


def test_without_photos(colmap, tmp_path):
    names = ["a.jpg", "b.jpg", "c.jpg"]
    folder = colmap("PINHOLE", PINHOLE, SIZE, names)
    views = load_views(folder)
    assert [view.photo for view in views] == [None] * 3
    with pytest.raises(UserError, match="no photo"):
        load_photo(views[0])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"None of the 3 photos is in .*empty; the first should be a\.jpg"):
        load_views(folder, tmp_path / "empty")
    with pytest.raises(UserError, match="does not exist"):
        load_views(folder, tmp_path / "nowhere")


def test_views_whose_photos_were_deleted_have_none(colmap, tmp_path):
    folder = colmap("PINHOLE", PINHOLE, SIZE, ["a.jpg", "b.jpg", "c.jpg"])
    width, height = 2 * SIZE[0], 2 * SIZE[1]
    photos(folder / "images", ["b.jpg", "c.jpg"], (width, height))
    (tmp_path / "few").mkdir()
    photos(tmp_path / "few", ["b.jpg"], SIZE)
    views = load_views(folder)
    assert [view.photo and view.photo.name for view in views] == [None, "b.jpg", "c.jpg"]
    # Its size is that of the photos that are there.
    assert [(view.camera.width, view.camera.height) for view in views] == [(width, height)] * 3
    assert views[0].camera.fx == views[1].camera.fx == 2 * PINHOLE[0]
    assert [view.photo is None for view in load_views(folder, tmp_path / "few")] == [True, False, True]


def test_photos_of_another_shape_name_both_sizes(colmap, tmp_path):
    folder = colmap("PINHOLE", PINHOLE, SIZE, ["a.jpg"])
    photos(tmp_path / "photos", ["a.jpg"], (64, 46))
    with pytest.raises(UserError, match=r"64x46 pixels, but .* has 64x48"):
        load_views(folder, tmp_path / "photos")
    photos(folder / "images", ["a.jpg"], SIZE)
    (view,) = load_views(folder)
    photos(folder / "images", ["a.jpg"], (32, 24))  # it changed since
    with pytest.raises(UserError, match=r"32x24 pixels, but .* 64x48"):
        load_photo(view)


def test_damaged_photos_are_a_sentence(colmap, tmp_path):
    folder = colmap("PINHOLE", PINHOLE, SIZE, ["a.jpg"])
    path = folder / "images" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"no picture")
    with pytest.raises(UserError, match="not a photo"):
        load_views(folder)
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    (view,) = load_views(folder)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(UserError, match="damaged"):
        load_photo(view)


def _turned(path, size, orientation):
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[: size[1] // 2, : size[0] // 2] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, exif=exif)


def test_photos_are_turned_only_where_they_fit_only_so(colmap):
    folder = colmap("PINHOLE", PINHOLE, SIZE, ["a.png"])
    for orientation in (3, 6):
        _turned(folder / "images" / "a.png", SIZE, orientation)
        photo = load_photo(load_views(folder)[0])
        assert photo[:24, :32].min() == 255
        assert photo[24:].max() == photo[:, 32:].max() == 0
    _turned(folder / "images" / "a.png", (96, 128), 6)
    (view,) = load_views(folder)
    assert (view.camera.width, view.camera.height, view.camera.fx) == (128, 96, 200)
    photo = load_photo(view)
    assert photo.shape == (96, 128, 3)
    # Orientation 6: the stored top left corner is shown at the top right.
    assert photo[:48, 64:].min() == 255
    assert photo[:, :64].max() == 0


def test_transparent_grey_and_16_bit_photos(colmap):
    folder = colmap("PINHOLE", PINHOLE, SIZE, ["a.png", "b.png", "c.png"])
    (folder / "images").mkdir()
    Image.new("RGBA", SIZE, (200, 100, 50, 51)).save(folder / "images" / "a.png")
    Image.new("L", SIZE, 77).save(folder / "images" / "b.png")
    Image.fromarray(np.full((48, 64), 200 * 257, np.uint16)).save(folder / "images" / "c.png")
    a, b, c = (load_photo(view) for view in load_views(folder))
    assert a[0, 0].tolist() == [40, 20, 10]
    assert (b == 77).all()
    assert (c == 200).all()


def _views(count):
    camera = Camera(64, 48, 50.0, 50.0, 32.0, 24.0, np.eye(4))
    return [View(f"{index:02}", camera) for index in range(count)]


def test_holdout_counts_by_name_from_the_first():
    views = _views(17)
    kept, held = holdout(views[::-1], 8)
    assert [view.name for view in held] == ["00", "08", "16"]
    assert [view.name for view in kept] == [f"{i:02}" for i in range(17) if i % 8]
    with pytest.raises(UserError, match="2 or larger"):
        holdout(_views(3), 1)
    with pytest.raises(UserError, match="keeps none"):
        holdout(_views(1), 2)


def _cloud(count, centre=(0.0, 0.0, 0.0), scale=0.01, opacity=0.9):
    return make_gaussians(np.random.default_rng(0).uniform(-1, 1, (count, 3)) + centre, scale, opacity)


def _looking(position, target):
    return Camera(64, 48, 50.0, 50.0, 32.0, 24.0, look_at(position, target, (0, 0, 1)))


def test_blind_views_are_named_and_one_gaussian_in_a_million_is_seen():
    views = [View("sees", _looking((5, 0, 0), (0, 0, 0))), View("blind", _looking((5, 0, 0), (9, 0, 0)))]
    assert check_views_see_scene(_cloud(100), views) == ["blind"]
    cloud = _cloud(1_000_000, centre=(0, 0, 50))
    cloud.means[777_777] = 0
    assert check_views_see_scene(cloud, views[:1]) == []


def test_cameras_that_look_away_hint_at_axes():
    views = [View("v", _looking((5, 1, 0), (9, 1, 0))), View("w", _looking((0, 5, 0), (0, 9, 0)))]
    with pytest.raises(UserError, match="different axes") as caught:
        check_views_see_scene(_cloud(100_000), views)
    message = str(caught.value)
    assert "None of the 2 cameras" in message
    low, high = np.percentile(_cloud(100_000).means, [1, 99], axis=0)
    assert "from ({:.4g}, {:.4g}, {:.4g}) to ({:.4g}, {:.4g}, {:.4g})".format(*low, *high) in message
    assert "between (0, 1, 0) and (5, 5, 0)" in message.replace("e-17", "")


def test_cameras_of_another_scale_hint_at_scale():
    views = [View("v", _looking((500, 0, 0), (0, 500, 0)))]
    with pytest.raises(UserError, match="scale or origin"):
        check_views_see_scene(_cloud(100), views)


def test_a_large_gaussian_beside_the_picture_is_seen_and_a_transparent_one_is_not():
    view = View("v", _looking((5, 0, 0), (0, 10, 0)))
    assert check_views_see_scene(_cloud(1, scale=3.0), [view]) == []
    with pytest.raises(UserError):
        check_views_see_scene(_cloud(1, scale=3.0, opacity=1e-4), [view])


def test_nothing_to_look_with_or_at_is_a_sentence():
    with pytest.raises(UserError, match="no views"):
        check_views_see_scene(_cloud(1), [])
    cloud = _cloud(3)
    cloud.means[:] = np.nan
    with pytest.raises(UserError, match="finite"):
        check_views_see_scene(cloud, _views(1))
