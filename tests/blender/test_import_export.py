# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import and export as people call them: files, objects, axes, transforms, bad files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import odd_plys
import pytest
from bl_ext.user_default.splatcut.bridge import attributes, splats
from bl_ext.user_default.splatcut.ops import convert, import_export
from blender_imports import VARIANTS, active, import_
from mathutils import Matrix

from splatcut.formats import read_splats, write_splats
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, MIP
from splatcut.scene.transform import apply_transform

FIELDS = ("means", "log_scales", "quats", "opacity_logits", "sh")


@pytest.mark.parametrize("name", ["unknown properties, ascii", "doubles", "elements", "flat", "degree 4", "infinite"])
def test_what_was_imported_is_exported_bit_by_bit(name: str, file: Any, tmp_path: Path) -> None:
    obj = import_(file(name))
    assert obj.name == "thing"
    assert obj.splatcut.source_path == str(tmp_path / "thing.ply")
    assert obj.select_get()
    assert bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "out.ply")) == {"FINISHED"}
    assert (tmp_path / "out.ply").read_bytes() == VARIANTS[name]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "name", ["real/inria_layout_sh3_small.ply", "formats/minimal.splat", "compose/dragon_10k.splat"]
)
def test_real_files(name: str, shared: Path, tmp_path: Path) -> None:
    source = shared / "splats" / name
    import_(source)
    target = tmp_path / f"out{source.suffix}"
    bpy.ops.splatcut.export_splats(filepath=str(target))
    write_splats(tmp_path / f"direct{source.suffix}", read_splats(source))
    assert target.read_bytes() == (tmp_path / f"direct{source.suffix}").read_bytes()


@pytest.mark.parametrize(("axes", "up"), [("Y_DOWN", (0, -1, 0)), ("Y_UP", (0, 1, 0)), ("Z_UP", (0, 0, 1))])
def test_axes_turn_the_object_and_not_its_data(axes: str, up: tuple[int, ...], file: Any) -> None:
    obj = import_(file(), axes=axes)
    bpy.context.view_layer.update()
    matrix = np.array(obj.matrix_world)
    np.testing.assert_allclose(matrix[:3, :3] @ up, [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-6)
    np.testing.assert_array_equal(splats.read(obj).gaussians.means, read_splats(file()).gaussians.means)
    assert not any(obj.parent for obj in bpy.data.objects)


def test_axes_are_colmaps_by_default(file: Any) -> None:
    np.testing.assert_allclose(np.array(import_(file()).matrix_world)[:3, 2], [0, 1, 0], atol=1e-6)


def test_several_files_at_once(file: Any, tmp_path: Path) -> None:
    file("degree 0", "a.ply")
    file("flat", "b.ply")
    (tmp_path / "bad.ply").write_bytes(b"nonsense")
    names = [{"name": name} for name in ("a.ply", "bad.ply", "b.ply")]
    with pytest.raises(RuntimeError, match="bad.ply is not a PLY file"):
        bpy.ops.splatcut.import_splats(directory=str(tmp_path), files=names)
    assert {obj.name for obj in bpy.data.objects} == {"a", "b"}
    with pytest.raises(RuntimeError, match="bad.ply is not a PLY file"):
        bpy.ops.splatcut.import_splats(directory=str(tmp_path), files=names[1:2])


BAD = {
    "missing.ply": (None, "There is no file"),
    "empty.ply": (b"", "not a PLY file"),
    "mesh.ply": (
        b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
        b"1 2 3\n",
        "looks like a mesh",
    ),
    "short.ply": (VARIANTS["degree 1"][:-7], "truncated"),
    "short.splat": (b"1234567", "truncated"),
    "scene.lcc": (b"", "does not read"),
    "scene.txt": (b"", "format is not known"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_a_sentence_and_leave_nothing(name: str, tmp_path: Path) -> None:
    content, sentence = BAD[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RuntimeError, match=sentence) as caught:
        bpy.ops.splatcut.import_splats(filepath=str(tmp_path / name))
    assert "Traceback" not in str(caught.value)
    assert not bpy.data.objects
    assert not bpy.data.meshes


def test_invalid_gaussians_are_left_out_when_asked(tmp_path: Path) -> None:
    g = odd_plys.gaussians()
    g.means[3, 1] = np.nan
    (tmp_path / "nan.ply").write_bytes(odd_plys.ply(odd_plys.columns(g)))
    with pytest.raises(RuntimeError, match="Leave out invalid"):
        bpy.ops.splatcut.import_splats(filepath=str(tmp_path / "nan.ply"))
    obj = import_(tmp_path / "nan.ply", drop_invalid=True)
    assert len(splats.arrays(obj)) == 39


def test_how_a_scene_was_trained_is_kept_and_can_be_said(file: Any, tmp_path: Path) -> None:
    expected = {"antialiased": ANTIALIASED, "3D filter, float": MIP, "degree 1": CLASSIC}
    for name, pixel_filter in expected.items():
        obj = import_(file(name, f"{name}.ply"))
        assert splats.arrays(obj).pixel_filter == splats.read(obj).gaussians.pixel_filter == pixel_filter
    said = import_(file("degree 1", "said.ply"), antialiased="on")
    assert splats.arrays(said).pixel_filter == ANTIALIASED
    bpy.ops.object.select_all(action="DESELECT")
    said.select_set(True)
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "out.ply"))
    assert read_splats(tmp_path / "out.ply").gaussians.pixel_filter == ANTIALIASED


def test_several_objects_are_named_after_themselves(file: Any, tmp_path: Path) -> None:
    objects = [import_(file(name, f"{name}.ply")) for name in ("degree 0", "degree 1", "degree 2")]
    objects[0].name, objects[1].name, objects[2].name = "a/b", "a:b", "CON"
    out = tmp_path / "out"
    assert bpy.ops.splatcut.export_splats(filepath=str(out / "x.ply"), what="SCENE") == {"FINISHED"}
    assert {path.name for path in out.iterdir()} == {"a_b.ply", "a_b-2.ply", "CON_.ply"}
    assert {path.read_bytes() for path in out.iterdir()} == {VARIANTS[f"degree {k}"] for k in range(3)}
    for path in out.iterdir():
        path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="already contains a_b.ply"):
        bpy.ops.splatcut.export_splats(filepath=str(out / "x.ply"), what="SCENE")
    assert {path.read_bytes() for path in out.iterdir()} == {b"old"}
    bpy.ops.splatcut.export_splats(filepath=str(out / "x.ply"), what="SCENE", replace=True)
    assert {path.read_bytes() for path in out.iterdir()} == {VARIANTS[f"degree {k}"] for k in range(3)}


def test_only_what_is_selected(file: Any, tmp_path: Path) -> None:
    first, second = import_(file("degree 0")), import_(file("degree 2"))
    assert [obj for obj in bpy.context.view_layer.objects if obj.select_get()] == [second]
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "one.ply"))
    assert (tmp_path / "one.ply").read_bytes() == VARIANTS["degree 2"]
    second.select_set(False)
    with pytest.raises(RuntimeError, match="Nothing that is selected is a splat object"):
        bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "none.ply"))
    first.splatcut.result_of = second.splatcut.uid
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "result.ply"), what="RESULTS")
    assert (tmp_path / "result.ply").read_bytes() == VARIANTS["degree 0"]


def test_instances_of_a_collection_are_told_and_exported_once_they_are_real(
    file: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    obj = import_(file("degree 1"), axes="Z_UP")
    collection: Any = bpy.data.collections.new("group")
    bpy.context.scene.collection.children.link(collection)
    collection.objects.link(obj)
    instance: Any = bpy.data.objects.new("shown again", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", collection
    instance.location.z = 5
    bpy.context.scene.collection.objects.link(instance)
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "all.ply"), what="SCENE")
    assert "'shown again' is a collection instance" in capfd.readouterr().out
    obj.select_set(False)
    instance.select_set(True)
    with pytest.raises(RuntimeError, match="Make Instances Real"):
        bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "no.ply"))
    bpy.context.view_layer.objects.active = instance
    bpy.ops.object.duplicates_make_real()
    assert not import_export._instances(bpy.context.view_layer.objects.selected)
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "real.ply"), apply_transform=True)
    moved = read_splats(tmp_path / "real.ply").gaussians
    assert moved.means[:, 2] == pytest.approx(read_splats(file("degree 1")).gaussians.means[:, 2] + 5, abs=1e-6)


def test_the_suffix_decides_and_is_added_where_there_is_none(file: Any, tmp_path: Path) -> None:
    import_(file())
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "a.splat"), file_format="PLY")
    assert (tmp_path / "a.splat").stat().st_size == 40 * 32
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "b.v2"), file_format="SPLAT")
    assert (tmp_path / "b.v2.splat").stat().st_size == 40 * 32
    with pytest.raises(RuntimeError, match="only be read"):
        bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "c.ksplat"))


def test_a_transform_is_applied_with_colours(file: Any, tmp_path: Path) -> None:
    obj = import_(file("degree 3"))
    obj.location, obj.scale = (1, 2, 3), (2, 2, 2)
    obj.rotation_euler = (0.1, 0.2, 0.3)
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "world.ply"), apply_transform=True)
    found = read_splats(tmp_path / "world.ply").gaussians
    wanted = apply_transform(read_splats(file("degree 3")).gaussians, np.array(obj.matrix_world))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "file.ply"))
    assert (tmp_path / "file.ply").read_bytes() == VARIANTS["degree 3"]


@pytest.mark.parametrize("scale", [(1, 2, 1), (1, 2, -1), (1, 0, 1)])
def test_uneven_transforms_are_refused_before_anything_is_written(scale: Any, file: Any, tmp_path: Path) -> None:
    import_(file("degree 0", "good.ply"))
    bad = import_(file("degree 1", "bad.ply"))
    bad.scale = scale
    out = tmp_path / "out"
    with pytest.raises(RuntimeError, match="transform of 'bad' cannot be applied"):
        bpy.ops.splatcut.export_splats(filepath=str(out / "x.ply"), what="SCENE", apply_transform=True)
    assert not out.exists()
    bpy.ops.splatcut.export_splats(filepath=str(out / "x.ply"), what="SCENE")
    assert len(list(out.iterdir())) == 2
    with pytest.raises(RuntimeError, match="transform"):
        bpy.ops.splatcut.apply_transform()


def test_shear_is_refused(file: Any, tmp_path: Path) -> None:
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    parent.scale = (1, 3, 1)
    obj = import_(file())
    obj.parent = parent
    obj.rotation_euler = (0, 0, 0.7)
    with pytest.raises(RuntimeError, match="shears"):
        bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "x.ply"), apply_transform=True)


def test_apply_transform_operator(file: Any, tmp_path: Path) -> None:
    obj = import_(file("degree 2"))
    matrix = np.array(obj.matrix_world)
    assert bpy.ops.splatcut.apply_transform() == {"FINISHED"}
    assert obj.matrix_world == Matrix.Identity(4)
    wanted = apply_transform(read_splats(file("degree 2")).gaussians, matrix)
    np.testing.assert_array_equal(splats.read(obj).gaussians.sh, wanted.sh)
    copy = obj.copy()
    bpy.context.collection.objects.link(copy)
    with pytest.raises(RuntimeError, match="share"):
        bpy.ops.splatcut.apply_transform()


def test_broken_values_are_not_written(file: Any, tmp_path: Path) -> None:
    obj = import_(file())
    obj.data.attributes["position"].data[3].vector = (np.nan, 0, 0)
    with pytest.raises(RuntimeError, match="1 of the 40 Gaussians of 'thing'"):
        bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "x.ply"))
    assert not (tmp_path / "x.ply").exists()


def test_a_place_that_cannot_be_written(file: Any, tmp_path: Path) -> None:
    import_(file())
    (tmp_path / "blocked").write_bytes(b"")
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "blocked" / "x.ply"))
    (tmp_path / "folder.ply").mkdir()
    with pytest.raises(RuntimeError, match="is a folder"):
        bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "folder.ply"))


@pytest.mark.filterwarnings("ignore:.*blend relative")
def test_relative_paths(file: Any, tmp_path: Path) -> None:
    import_(file())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.splatcut.export_splats(filepath="//sub/x.ply")
    assert (tmp_path / "sub/x.ply").read_bytes() == VARIANTS["degree 1"]
    import_(Path("//sub/x.ply"))
    assert active().name == "x"


def test_menus_and_drag_and_drop() -> None:
    handler = bpy.types.SPLATCUT_FH_splats
    assert handler.bl_file_extensions.split(";") == [".ply", ".splat", ".spz", ".sog", ".ksplat"]
    assert handler.bl_import_operator == "splatcut.import_splats"
    for module in (import_export, convert):
        for menu, entry in module._MENUS:
            assert entry in getattr(bpy.types, menu)._dyn_ui_initialize()


def test_a_collections_exporter(file: Any, tmp_path: Path) -> None:
    import_(file("degree 0", "outside.ply"))
    collection = bpy.data.collections.new("mine")
    bpy.context.scene.collection.children.link(collection)
    layer = bpy.context.view_layer
    layer.active_layer_collection = layer.layer_collection.children["mine"]
    import_(file("degree 2", "inside.ply"))
    bpy.ops.collection.exporter_add(name="SPLATCUT_FH_splats")
    collection.exporters[0].export_properties.filepath = str(tmp_path / "out.ply")
    for _ in range(2):
        assert bpy.ops.collection.export_all() == {"FINISHED"}
        assert (tmp_path / "out.ply").read_bytes() == VARIANTS["degree 2"]


def test_an_import_ends_edit_mode(file: Any) -> None:
    first = import_(file("degree 0"))
    bpy.ops.object.mode_set(mode="EDIT")
    second = import_(file("degree 1"))
    assert (first.mode, second.mode) == ("OBJECT", "OBJECT")
    assert active() == second


def test_what_blenders_own_importer_made_can_be_used(file: Any, shared: Path, tmp_path: Path) -> None:
    source = shared / "splats/real/inria_layout_sh3_small.ply"
    bpy.ops.wm.ply_import(filepath=str(source), import_attributes=True)
    obj = active()
    assert not splats.is_splat(obj)
    assert bpy.ops.splatcut.adopt() == {"FINISHED"}
    assert splats.is_splat(obj)
    wanted = read_splats(source).gaussians
    found = splats.read(obj).gaussians
    if bpy.app.version >= (5, 3):  # its importer makes splats: scales, opacities and unit quaternions in float32
        np.testing.assert_allclose(found.log_scales, wanted.log_scales, atol=1e-5)
        np.testing.assert_allclose(found.opacities(), wanted.opacities(), atol=1e-6)
        lengths = np.linalg.norm(wanted.quats, axis=1, keepdims=True)
        np.testing.assert_allclose(found.quats, wanted.quats / lengths, atol=1e-6)
        exact = ("means", "sh")
    else:
        exact = FIELDS
    for name in exact:
        assert getattr(found, name).tobytes() == getattr(wanted, name).tobytes(), name
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.splatcut.adopt()
    assert len(bpy.data.meshes) + len(bpy.data.pointclouds) == 1


def test_objects_with_native_attributes_can_be_used(file: Any, tmp_path: Path) -> None:
    obj = import_(file("degree 3"))
    wanted = splats.arrays(obj)
    uid = obj.splatcut.uid
    obj.splatcut.is_splat = False
    for name in list(obj.data.attributes.keys()):
        if name.startswith("splatcut:"):
            obj.data.attributes.remove(obj.data.attributes[name])
    del obj.data[attributes.FILE]
    assert bpy.ops.splatcut.adopt() == {"FINISHED"}
    assert obj.splatcut.uid != uid
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "out.ply"))
    again = read_splats(tmp_path / "out.ply").gaussians
    np.testing.assert_allclose(again.scales(), wanted.scales, rtol=1e-5)
    np.testing.assert_allclose(again.opacities(), wanted.opacity, rtol=1e-4)
    np.testing.assert_array_equal(again.sh[:, 1:], wanted.sh)
