# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat objects: exact through everything that Blender does with objects, found again, their copies kept in step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import odd_plys
import pytest
from bl_ext.user_default.splatcut.bridge import attributes, labelled, native, splats, transforms
from bl_ext.user_default.splatcut.bridge.labelled import Labelled
from bl_ext.user_default.splatcut.core import layout

from splatcut.errors import UserError
from splatcut.formats import SplatFile, read_splats, write_splats

VARIANTS = odd_plys.variants()


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def read(name: str) -> SplatFile:
        # Each in a file of its own, since rows are mapped from it.
        path = tmp_path / f"in{len(list(tmp_path.iterdir()))}.ply"
        path.write_bytes(VARIANTS[name])
        return read_splats(path)

    return read


@pytest.fixture
def make(load: Any) -> Any:
    def create(name: str = "degree 1", called: str = "splat") -> Any:
        obj = splats.create(bpy.context, load(name), called)
        bpy.context.view_layer.update()
        return obj

    return create


def content(obj: Any, tmp_path: Path) -> bytes:
    path = tmp_path / "out.ply"
    write_splats(path, splats.read(obj))
    return path.read_bytes()


def select(*objects: Any) -> None:
    bpy.context.view_layer.update()
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in objects)
    bpy.context.view_layer.objects.active = objects[0]


def edit(obj: Any, chosen: np.ndarray) -> None:
    """Enters edit mode with some Gaussians selected."""
    if obj.type == "MESH":
        obj.data.vertices.foreach_set("select", chosen)
        bpy.ops.object.mode_set(mode="EDIT")
        return
    bpy.ops.object.mode_set(mode="EDIT")
    found = obj.data.attributes.get(".selection") or obj.data.attributes.new(".selection", "BOOLEAN", "POINT")
    found.data.foreach_set("value", chosen)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_comes_back_bit_by_bit(name: str, make: Any, tmp_path: Path) -> None:
    assert content(make(name), tmp_path) == VARIANTS[name]


@pytest.mark.parametrize(
    "name", ["unknown properties, binary_big_endian", "elements", "doubles", "comments", "degree 4"]
)
def test_saved_and_opened_again(name: str, make: Any, tmp_path: Path) -> None:
    obj = make(name)
    labels = np.arange(len(splats.arrays(obj)), dtype=np.int32) % 3
    labelled.write(obj, Labelled(labels, np.linspace(0, 1, len(labels), dtype=np.float32)))
    uid = obj.splatcut.uid
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert splats.find(uid) is None
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    again = splats.find(uid)
    assert content(again, tmp_path) == VARIANTS[name]
    np.testing.assert_array_equal(labelled.read(again).labels, labels)


def test_compressed_blends_are_exact_too(make: Any, tmp_path: Path) -> None:
    make("degree 3")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), compress=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert content(bpy.data.objects["splat"], tmp_path) == VARIANTS["degree 3"]


def test_the_attributes_are_those_of_native_splats(make: Any) -> None:
    obj = make("degree 1")
    types = {a.name: (a.data_type, a.domain) for a in obj.data.attributes}
    assert types["scale"] == ("FLOAT_VECTOR", "POINT")
    assert types["rotation"] == ("QUATERNION", "POINT")
    assert types["radiance:base"][0] in ("FLOAT_COLOR", "FLOAT4")
    assert [name for name in types if name.startswith("radiance:sh_")] == [f"radiance:sh_{k}" for k in range(3)]
    g = odd_plys.gaussians(degree=1, seed=1)
    values = np.empty(4 * len(g), np.float32)
    obj.data.attributes["rotation"].data.foreach_get("value", values)
    unit = g.quats / np.linalg.norm(g.quats, axis=1, keepdims=True)
    np.testing.assert_allclose(values.reshape(-1, 4), unit, atol=1e-6)
    assert not native.native() or obj.type == "POINTCLOUD"


def test_deleted_and_duplicated_in_edit_mode(make: Any, load: Any, tmp_path: Path) -> None:
    obj = make("unknown properties, binary_little_endian")
    rows = np.array(load("unknown properties, binary_little_endian").table.rows)
    select(obj)
    chosen = np.zeros(len(rows), bool)
    chosen[[0, 7, 8, 39]] = True
    edit(obj, chosen)
    if obj.type == "MESH":
        bpy.ops.mesh.delete(type="VERT")
    else:
        bpy.ops.pointcloud.delete()
    # Blender 5.2 keeps one value of an attribute whose values all compare as equal, as 0 and -0 do.
    rows["nz"] = 0

    def found() -> np.ndarray:
        read = np.array(splats.read(obj).table.rows)
        read["nz"] += 0.0
        return read

    assert found().tobytes() == rows[~chosen].tobytes()  # while editing
    kind: Any = bpy.ops.mesh if obj.type == "MESH" else bpy.ops.pointcloud
    kind.select_all(action="SELECT")
    kind.duplicate()
    bpy.ops.object.mode_set(mode="OBJECT")
    twice = np.concatenate([rows[~chosen], rows[~chosen]])
    # Blender puts new vertices where others were.
    assert sorted(row.tobytes() for row in found()) == sorted(row.tobytes() for row in twice)
    assert len(splats.arrays(obj)) == len(twice)


def test_moved_in_edit_mode_only_positions_change(make: Any, load: Any) -> None:
    obj = make("degree 2")
    before = load("degree 2")
    key = splats.arrays(obj).key
    select(obj)
    edit(obj, np.ones(len(before), bool))
    bpy.ops.transform.translate(value=(0, 0, 2))
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    after = splats.read(obj)
    np.testing.assert_allclose(after.gaussians.means, before.gaussians.means + np.array([0, 0, 2]), atol=1e-6)
    for name in ("log_scales", "quats", "opacity_logits", "sh"):
        assert getattr(after.gaussians, name).tobytes() == getattr(before.gaussians, name).tobytes()
    assert splats.arrays(obj).key != key
    np.testing.assert_array_equal(splats.arrays(obj).positions, after.gaussians.means)


@pytest.mark.parametrize("order", [1, -1])
def test_joined(order: int, make: Any, load: Any, tmp_path: Path) -> None:
    names = ["unknown properties, binary_little_endian", "degree 3"][::order]
    objects = [make(name, name) for name in names]
    files = [load(name) for name in names]
    splats.arrays(objects[0])
    select(*objects)
    bpy.ops.object.join()
    joined = splats.read(objects[0])
    assert joined.gaussians.sh_degree == 3
    start = 0
    for one in files:
        part = joined.gaussians.take(slice(start, start + len(one)))
        for name in ("means", "log_scales", "quats", "opacity_logits"):
            assert getattr(part, name).tobytes() == getattr(one.gaussians, name).tobytes(), name
        start += len(one)
    short = joined.table.rows["my_short"]
    own = slice(0, len(files[0])) if order == 1 else slice(len(files[0]), None)
    other = slice(len(files[0]), None) if order == 1 else slice(0, len(files[0]))
    np.testing.assert_array_equal(short[own], files[0 if order == 1 else 1].table.rows["my_short"])
    assert not short[other].any()
    assert len(splats.arrays(objects[0])) == start
    write_splats(tmp_path / "joined.ply", joined)
    assert len(read_splats(tmp_path / "joined.ply")) == start


def test_copies_get_a_uid_of_their_own(make: Any, tmp_path: Path) -> None:
    obj = make("degree 0")
    uid = obj.splatcut.uid
    select(obj)
    bpy.ops.object.duplicate()
    copy = bpy.context.view_layer.objects.active
    bpy.context.view_layer.update()
    assert copy != obj
    assert obj.splatcut.uid == uid != copy.splatcut.uid
    assert splats.find(uid) == obj
    assert splats.find(copy.splatcut.uid) == copy
    linked = obj.copy()
    bpy.context.collection.objects.link(linked)
    assert splats.find(uid) == obj  # also before Blender has told of the change
    assert linked.splatcut.uid not in (uid, copy.splatcut.uid)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    uids = {o.name: o.splatcut.uid for o in bpy.data.objects}
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.context.view_layer.update()
    assert {o.name: o.splatcut.uid for o in bpy.data.objects} == uids
    assert len(set(uids.values())) == 3


def test_appended_twice(make: Any, tmp_path: Path) -> None:
    make("degree 1")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    for _ in range(2):
        bpy.ops.wm.append(
            directory=str(tmp_path / "a.blend" / "Object"), filename="splat", filepath=str(tmp_path / "a.blend")
        )
    bpy.context.view_layer.update()
    first, second = [obj for obj in bpy.data.objects if splats.is_splat(obj)]
    assert first.splatcut.uid != second.splatcut.uid
    assert content(second, tmp_path) == VARIANTS["degree 1"]


def test_copies_in_numpy_are_kept_as_long_as_they_are_right(make: Any) -> None:
    obj = make("degree 1")
    first = splats.arrays(obj)
    assert splats.arrays(obj) is first
    obj.data.update_tag()
    obj.update_tag()
    bpy.context.view_layer.update()
    assert splats.arrays(obj) is first  # looked at again, and found equal
    g = odd_plys.gaussians(degree=1, seed=1)
    np.testing.assert_allclose(first.base, g.base_colours(), rtol=1e-6)
    np.testing.assert_allclose(first.opacity, g.opacities(), rtol=1e-5)
    np.testing.assert_allclose(first.scales, g.scales(), rtol=1e-6)
    np.testing.assert_array_equal(first.sh, g.sh[:, 1:])
    with pytest.raises(ValueError, match="read-only"):
        first.positions[0] = 0
    obj.data.attributes["radiance:sh_2"].data[5].vector = (1, 2, 3)
    obj.data.update_tag()
    bpy.context.view_layer.update()
    second = splats.arrays(obj)
    assert second.key != first.key
    np.testing.assert_array_equal(second.sh[5, 2], [1, 2, 3])
    np.testing.assert_array_equal(first.sh, g.sh[:, 1:])


def test_colours_are_read_only_when_asked_for(make: Any) -> None:
    obj = make("degree 1")
    assert splats.arrays(obj, with_sh=False).sh is None
    assert splats.arrays(obj).sh.shape == (40, 3, 3)
    assert splats.arrays(obj, with_sh=False).sh is not None
    assert splats.arrays(make("degree 0")).sh is None


def test_labels(make: Any, tmp_path: Path) -> None:
    obj = make("degree 1")
    assert labelled.read(obj) is None
    key = splats.arrays(obj).key
    for number in (1, 2):
        wanted = np.full(40, number, np.int32), np.linspace(0, 1, 40, dtype=np.float32)
        labelled.write(obj, Labelled(*wanted))
        bpy.context.view_layer.update()
        for found, value in zip(labelled.read(obj), wanted, strict=False):
            np.testing.assert_array_equal(found, value)
    assert splats.arrays(obj).key == key
    assert content(obj, tmp_path) == VARIANTS["degree 1"]
    with pytest.raises(ValueError, match="40"):
        labelled.write(obj, Labelled(np.zeros(3, np.int32), np.zeros(3, np.float32)))


def test_what_else_a_cut_left_is_kept_beside_the_labels(make: Any, tmp_path: Path) -> None:
    obj = make("degree 1")
    plain = Labelled(np.zeros(40, np.int32), np.ones(40, np.float32))
    labelled.write(obj, plain)
    found = labelled.read(obj)
    assert found.variance is found.island is None
    assert labelled.island_count(obj) == 0
    variance, island = np.linspace(0, 1, 40, dtype=np.float32), np.repeat(np.array([0, 2], np.int32), 20)
    labelled.write(obj, plain._replace(variance=variance, island=island))
    found = labelled.read(obj)
    np.testing.assert_array_equal(found.variance, variance)
    np.testing.assert_array_equal(found.island, island)
    assert labelled.island_count(obj) == 20
    for name, kind, values in (("variance", "FLOAT", variance), ("island", "INT", island)):
        stored = obj.data.attributes[f"splatcut:{name}"]
        assert (stored.data_type, stored.domain) == (kind, "POINT")
        assert [item.value for item in stored.data] == values.tolist()
        with pytest.raises(ValueError, match="40"):
            labelled.write(obj, plain._replace(**{name: values[:3]}))
    assert content(obj, tmp_path) == VARIANTS["degree 1"]
    labelled.write(obj, plain)
    assert not {"splatcut:variance", "splatcut:island"} & set(obj.data.attributes.keys())
    assert labelled.read(obj) is not None


def test_the_active_splat(make: Any) -> None:
    assert splats.active(bpy.context) is None
    source, result = make(called="source"), make(called="result")
    other = bpy.data.objects.new("other", bpy.data.meshes.new("other"))
    bpy.context.collection.objects.link(other)
    select(other)
    assert splats.active(bpy.context) is None
    select(source)
    assert splats.active(bpy.context) == source
    result.splatcut.result_of = source.splatcut.uid
    select(result)
    assert splats.active(bpy.context) == source
    bpy.data.objects.remove(source)
    assert splats.active(bpy.context) == result


def test_removed_or_damaged_attributes_are_no_disaster(make: Any) -> None:
    obj = make("degree 2")
    for name in ("rotation", "radiance:base", "scale", "radiance:sh_4", "splatcut:raw_scale"):
        obj.data.attributes.remove(obj.data.attributes[name])
    obj.data.attributes.new("rotation", "FLOAT", "POINT")
    obj.data[attributes.FILE] = "{"
    read = splats.read(obj)
    assert read.gaussians.sh_degree == 1
    assert not read.gaussians.invalid().any()
    assert len(splats.arrays(obj)) == 40


def test_a_transform_is_applied_in_place(make: Any, load: Any) -> None:
    obj = make("degree 3")
    labelled.write(obj, Labelled(np.arange(40, dtype=np.int32), np.ones(40, np.float32)))
    obj.location, obj.rotation_euler, obj.scale = (1, 2, 3), (0.5, -1, 2), (2, 2, 2)
    bpy.context.view_layer.update()
    matrix = np.array(obj.matrix_world)
    view = obj.splatcut.prompt_views.add()
    view.camera_from_file = np.eye(4).ravel().tolist()
    item = obj.splatcut.objects.add()
    item.prompts.add().position = (1, 0, 0)
    wanted = splats.read(obj, matrix).gaussians
    transforms.apply_transform(obj)
    bpy.context.view_layer.update()
    found = splats.read(obj).gaussians
    for name in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    np.testing.assert_array_equal(np.array(obj.matrix_world), np.eye(4))
    np.testing.assert_array_equal(splats.arrays(obj).positions, wanted.means)
    np.testing.assert_array_equal(labelled.read(obj).labels, np.arange(40))
    np.testing.assert_allclose(item.prompts[0].position, matrix[:3, 0] + matrix[:3, 3], rtol=1e-6)
    # The same pixel sees the same thing: camera coordinates grow with the scale.
    camera = np.reshape(view.camera_from_file, (4, 4))
    np.testing.assert_allclose(camera[:3, :3] @ camera[:3, :3].T, np.eye(3), atol=1e-6)
    point = load("degree 3").gaussians.means[0]
    moved = matrix[:3, :3] @ point + matrix[:3, 3]
    np.testing.assert_allclose(camera[:3, :3] @ moved + camera[:3, 3], 2 * point, atol=1e-5)


def test_shared_data_are_not_changed_behind_someones_back(make: Any) -> None:
    obj = make("degree 0")
    bpy.context.collection.objects.link(obj.copy())
    with pytest.raises(UserError, match="share"):
        transforms.check_own_data(obj)


@pytest.mark.skipif(
    "resize" not in bpy.types.PointCloud.bl_rna.functions, reason="this Blender cannot make point clouds"
)
@pytest.mark.parametrize("name", ["degree 3", "unknown properties, binary_little_endian"])
def test_point_clouds_hold_the_same(name: str, load: Any, tmp_path: Path) -> None:
    """As native splats will be: all that is missing here is their type."""
    data = bpy.data.pointclouds.new("splat")
    read = load(name)
    data.resize(len(read))
    splats._fill(data, read, None)
    attribute = data.attributes["radiance:base"]
    if attribute.data_type == "FLOAT_COLOR":
        values = np.empty((len(read), 4), np.float32)
        attribute.data.foreach_get("color", values.ravel())
        data.attributes.remove(attribute)
        attributes.write(data, layout.BASE, "FLOAT4", values)
    obj = bpy.data.objects.new("splat", data)
    bpy.context.collection.objects.link(obj)
    obj.splatcut.is_splat = True
    assert splats.is_splat(obj)
    assert content(obj, tmp_path) == VARIANTS[name]
    assert len(splats.arrays(obj)) == len(read)
