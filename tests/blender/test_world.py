# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Georeferenced scenes: near the object's origin in Blender, exact in files, and in the file's frame for the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import odd_plys
import pytest
from bl_ext.user_default.splatcut.bridge import attributes, results, splats, views
from bl_ext.user_default.splatcut.core import cameras
from two_balls import two_balls

from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.messages.worker import RunResult
from splatcut.scene.camera import Camera

#: Easting, northing and height in metres.
UTM = np.array([448262.0, 5411932.0, 116.0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two balls at UTM, in doubles that single precision has no room for."""
    scene = two_balls(200)
    rows = {name: ("float", np.asarray(scene.table.rows[name])) for name in scene.table.property_names}
    for axis, name in enumerate("xyz"):
        rows[name] = ("double", rows[name][1].astype(np.float64) + UTM[axis] + 0.37)
    file = tmp_path / "utm.ply"
    file.write_bytes(odd_plys.ply(rows))
    return file


def load(path: Path, **options: Any) -> Any:
    assert bpy.ops.splatcut.import_splats(filepath=str(path), **options) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def export(path: Path, obj: Any, **options: Any) -> SplatFile:
    bpy.ops.object.select_all(action="DESELECT")
    obj.select_set(True)
    assert bpy.ops.splatcut.export_splats(filepath=str(path), **options) == {"FINISHED"}
    return read_splats(path)


def positions(splat_file: SplatFile) -> np.ndarray:
    return np.stack([np.asarray(splat_file.table.rows[name], np.float64) for name in "xyz"], axis=1)


@pytest.mark.parametrize(("axes", "turn"), [("Z_UP", (0, 1, 2)), ("Y_DOWN", (0, 2, -1))])
def test_the_offset_stands_on_the_object_and_doubles_come_back(
    path: Path, tmp_path: Path, axes: str, turn: tuple[int, ...]
) -> None:
    obj = load(path, axes=axes)
    local = splats.arrays(obj).positions
    assert np.abs(local).max() < 3
    offset = splats.world_offset(obj)
    assert np.abs(offset - UTM).max() <= 1
    expected = offset if axes == "Z_UP" else offset[[0, 2, 1]] * (1, 1, -1)
    np.testing.assert_array_equal(np.array(obj.location), expected)
    np.testing.assert_allclose(local.astype(np.float64) + offset, positions(read_splats(path)), atol=1e-6)
    export(tmp_path / "out.ply", obj)
    assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()
    # Where the object stands in Blender does not matter.
    obj.location = (0, 0, 0)
    export(tmp_path / "moved.ply", obj)
    assert (tmp_path / "moved.ply").read_bytes() == path.read_bytes()


def test_saved_and_opened_again(path: Path, tmp_path: Path) -> None:
    name = load(path).name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    write_splats(tmp_path / "out.ply", splats.read(bpy.data.objects[name]))
    assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()


def test_its_transform_is_applied_in_double_precision(path: Path, tmp_path: Path) -> None:
    before = positions(read_splats(path))
    turned = before[:, [0, 2, 1]] * (1, 1, -1)
    obj = load(path, axes="Y_DOWN")
    bpy.context.view_layer.update()
    np.testing.assert_allclose(positions(export(tmp_path / "a.ply", obj, apply_transform=True)), turned, atol=1e-6)
    assert bpy.ops.splatcut.apply_transform() == {"FINISHED"}
    bpy.context.view_layer.update()
    np.testing.assert_array_equal(np.array(obj.matrix_world)[:3, :3], np.eye(3))
    assert np.abs(splats.arrays(obj).positions).max() < 3
    np.testing.assert_allclose(positions(export(tmp_path / "b.ply", obj)), turned, atol=1e-6)


def test_the_engine_gets_and_gives_views_in_the_files_frame(path: Path, tmp_path: Path) -> None:
    obj = load(path)
    offset = splats.world_offset(obj)
    pose = np.eye(4)
    pose[:3, 3] = (0.2, 0.3, 4.0)
    camera = Camera(64, 48, 60.0, 60.0, 32.0, 24.0, pose)
    view = cameras.to_inline("a", camera, offset=offset)
    made = views.create_cameras(bpy.context, obj, [view]).objects[0]
    np.testing.assert_allclose(np.array(made.matrix_basis)[:3, 3], camera.position, atol=1e-6)
    # Doubles go to the engine and its data set's views come back, as many as it has.
    place = (camera.position + offset).tolist()
    entry = {"img_name": "a", "width": 64, "height": 48, "position": place, "rotation": np.eye(3).tolist()}
    entries = [{**entry, "id": k, "img_name": f"v{k}", "fx": 60.0, "fy": 60.0} for k in range(3)]
    (tmp_path / "cameras.json").write_text(json.dumps(entries))
    obj.splatcut.view_source, obj.splatcut.cameras_path = "DATASET", str(tmp_path / "cameras.json")
    assert bpy.ops.splatcut.load_views(create_cameras=True) == {"FINISHED"}
    found = bpy.data.objects["v1"]
    np.testing.assert_allclose(np.array(found.matrix_basis)[:3, 3], camera.position, atol=1e-6)


def test_what_was_cut_lies_where_the_scene_does(path: Path, tmp_path: Path) -> None:
    obj = load(path)
    scene = read_splats(path)
    labels = np.repeat([1, 0], 200)
    np.savez(tmp_path / "labels.npz", labels=labels, probability=labels[:, None].astype("f2"), parent=np.arange(400))
    write_splats(tmp_path / "red.ply", scene.take(labels == 1))
    files = {"red": tmp_path / "red.ply"}
    result = RunResult(tmp_path, files, None, {"red": 200}, (), tmp_path / "report.json")
    made = results.deliver(bpy.context, obj.splatcut.uid, result, ("red",), ("u",)).objects["red"]
    np.testing.assert_array_equal(np.array(made.matrix_world), np.array(obj.matrix_world))
    np.testing.assert_array_equal(splats.arrays(made).positions, splats.arrays(obj).positions[:200])
    written = export(tmp_path / "red again.ply", made)
    assert np.asarray(written.table.rows).tobytes() == np.asarray(scene.table.rows)[:200].tobytes()


def test_small_scenes_are_not_cut_by_new_cameras(tmp_path: Path) -> None:
    scene = two_balls(200)
    rows = {name: ("float", np.asarray(scene.table.rows[name])) for name in scene.table.property_names}
    for name in "xyz":
        rows[name] = ("float", rows[name][1] * np.float32(0.01))
    (tmp_path / "small.ply").write_bytes(odd_plys.ply(rows))
    obj = load(tmp_path / "small.ply")
    pose = np.eye(4)
    pose[:3, 3] = (0, 0, 0.04)
    camera = Camera(64, 48, 60.0, 60.0, 32.0, 24.0, pose)
    made = views.create_cameras(bpy.context, obj, [cameras.to_inline("a", camera)]).objects[0]
    assert 0 < made.data.clip_start < 0.01
    assert attributes.count(obj.data) == 400
