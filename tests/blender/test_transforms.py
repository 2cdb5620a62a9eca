# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's own Apply, Join, Separate, mirroring and geometry nodes do to splats: found, told, and repaired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import odd_plys
import pytest
from bl_ext.user_default.splatcut.bridge import native, splats, transforms
from blender_imports import VARIANTS, import_
from mathutils import Matrix

from splatcut.formats import read_splats
from splatcut.formats.parts import with_coefficients
from splatcut.scene.transform import apply_transform

FIELDS = ("means", "log_scales", "quats", "opacity_logits", "sh")
TURN = Matrix.Rotation(0.7, 4, "X") @ Matrix.Rotation(-1.1, 4, "Z") @ Matrix.Scale(2.5, 4)
ops: Any = bpy.ops


def select(*objects: Any) -> None:
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in objects)
    bpy.context.view_layer.objects.active = objects[0]


def apply_as_blender_does(obj: Any, matrix: Matrix) -> None:
    obj.matrix_world = matrix
    bpy.context.view_layer.update()
    select(obj)
    ops.object.transform_apply(location=True, rotation=True, scale=True)
    bpy.context.view_layer.update()


def exported(path: Path, **options: Any) -> Any:
    assert ops.splatcut.export_splats(filepath=str(path), **options) == {"FINISHED"}
    return read_splats(path).gaussians


def assert_same(found: Any, wanted: Any, tolerance: float = 2e-5) -> None:
    for name in FIELDS:
        a, b = getattr(found, name), getattr(wanted, name)
        if name == "quats":  # both signs are the same rotation
            a, b = (q / np.linalg.norm(q, axis=1, keepdims=True) for q in (a, b))
            a = a * np.sign((a * b).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(a, b, atol=tolerance, rtol=tolerance, err_msg=name)


def test_apply_transform_is_found_and_followed(file: Any, tmp_path: Path) -> None:
    obj = import_(file("degree 3"), axes="Z_UP")
    wanted = apply_transform(read_splats(file("degree 3")).gaussians, np.array(TURN))
    apply_as_blender_does(obj, TURN)
    with pytest.raises(RuntimeError, match=r"40 Gaussians of 'thing' were rotated.*Repair Splats"):
        ops.splatcut.export_splats(filepath=str(tmp_path / "no.ply"))
    assert not (tmp_path / "no.ply").exists()
    with pytest.raises(RuntimeError, match="were rotated"):
        ops.splatcut.run()
    kept = exported(tmp_path / "kept.ply", moved="KEEP")
    np.testing.assert_allclose(kept.means, wanted.means, atol=1e-5)
    np.testing.assert_array_equal(kept.sh, read_splats(file("degree 3")).gaussians.sh)
    assert_same(exported(tmp_path / "followed.ply", moved="FOLLOW"), wanted)
    assert transforms.moves_of(obj)  # the object is as it was
    assert ops.splatcut.repair() == {"FINISHED"}
    assert not transforms.moves_of(obj)
    assert_same(exported(tmp_path / "repaired.ply"), wanted)
    assert obj.matrix_world == Matrix.Identity(4)


@pytest.mark.parametrize("matrix", [TURN, Matrix.Diagonal((1, 2, 3, 1)), Matrix.Diagonal((-1, 1, 1, 1))])
def test_apply_transform_is_taken_back(matrix: Matrix, file: Any, tmp_path: Path) -> None:
    obj = import_(file("doubles"), axes="Z_UP")
    apply_as_blender_does(obj, Matrix.Translation((1, 2, 3)) @ matrix)
    where = splats.arrays(obj).positions
    assert ops.splatcut.repair(how="BACK") == {"FINISHED"}
    bpy.context.view_layer.update()
    np.testing.assert_allclose(np.array(obj.matrix_world), Matrix.Translation((1, 2, 3)) @ matrix, atol=1e-5)
    assert ops.splatcut.export_splats(filepath=str(tmp_path / "out.ply")) == {"FINISHED"}
    assert (tmp_path / "out.ply").read_bytes() == VARIANTS["doubles"]
    seen = np.column_stack([splats.arrays(obj).positions, np.ones(40)]) @ np.array(obj.matrix_world).T
    np.testing.assert_allclose(seen[:, :3], where, atol=2e-5)


def test_an_applied_world_offset_is_taken_back(tmp_path: Path) -> None:
    columns = odd_plys.columns(odd_plys.gaussians(), kind="double")
    for name, far in (("x", 448262.37), ("y", 5411932.68), ("z", 116.0)):
        columns[name] = ("double", columns[name][1].astype(np.float64) + far)
    (tmp_path / "utm.ply").write_bytes(odd_plys.ply(columns))
    obj = import_(tmp_path / "utm.ply")
    apply_as_blender_does(obj, obj.matrix_world.copy())
    with pytest.raises(RuntimeError, match="would add the file's world offset a second time"):
        ops.splatcut.export_splats(filepath=str(tmp_path / "no.ply"))
    with pytest.raises(RuntimeError, match="Put Back"):
        ops.splatcut.repair()
    assert ops.splatcut.repair(how="BACK") == {"FINISHED"}
    assert ops.splatcut.export_splats(filepath=str(tmp_path / "out.ply")) == {"FINISHED"}
    assert (tmp_path / "out.ply").read_bytes() == (tmp_path / "utm.ply").read_bytes()


def test_a_stretch_can_only_be_taken_back(file: Any, tmp_path: Path) -> None:
    obj = import_(file("degree 1"), axes="Z_UP")
    apply_as_blender_does(obj, Matrix.Diagonal((1, 2, 1, 1)))
    for options in ({}, {"moved": "FOLLOW"}):
        with pytest.raises(RuntimeError, match="stretched or sheared"):
            ops.splatcut.export_splats(filepath=str(tmp_path / "no.ply"), **options)
    with pytest.raises(RuntimeError, match="put them back"):
        ops.splatcut.repair()


def test_mirroring_is_exact(file: Any, tmp_path: Path) -> None:
    """Applied by Blender and followed, by our Apply, and on export: the same bits, and nothing but signs."""
    plain = read_splats(file("degree 3")).gaussians
    flip = Matrix.Diagonal((-1, 1, 1, 1))
    wanted = apply_transform(plain, np.array(flip))
    obj = import_(file("degree 3"), axes="Z_UP")
    apply_as_blender_does(obj, flip)
    ops.splatcut.repair()
    found = [exported(tmp_path / "a.ply")]
    np.testing.assert_allclose(found[0].means, wanted.means, atol=5e-7)  # Blender's own arithmetic
    found[0].means[:] = wanted.means
    for number, operator in enumerate((ops.splatcut.apply_transform, None)):
        obj = import_(file("degree 3"), axes="Z_UP")
        obj.scale.x = -1
        bpy.context.view_layer.update()
        if operator is not None:
            operator()
        found.append(exported(tmp_path / f"b{number}.ply", apply_transform=operator is None))
    for gaussians in found:
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(gaussians, name), getattr(wanted, name), err_msg=name)
        np.testing.assert_array_equal(np.abs(gaussians.sh), np.abs(plain.sh))


def test_a_mirrored_splat_keeps_its_clicks(file: Any) -> None:
    obj = import_(file("degree 1"), axes="Z_UP")
    obj.splatcut.prompt_views.add()
    obj.scale.x = -1
    with pytest.raises(RuntimeError, match="views that cannot be mirrored"):
        ops.splatcut.apply_transform()


def test_what_is_joined_follows_into_the_other_frame(file: Any, tmp_path: Path) -> None:
    a = read_splats(file("degree 3")).gaussians
    first = import_(file("degree 3", "a.ply"), axes="Z_UP")
    second = import_(file("degree 3", "b.ply"), axes="Z_UP")
    second.matrix_world = TURN
    bpy.context.view_layer.update()
    select(first, second)
    ops.object.join()
    with pytest.raises(RuntimeError, match="40 Gaussians of 'a'"):
        ops.splatcut.export_splats(filepath=str(tmp_path / "no.ply"))
    ops.splatcut.repair()
    found = exported(tmp_path / "joined.ply")
    assert_same(found.take(slice(0, 40)), a, 0)
    assert_same(found.take(slice(40, 80)), apply_transform(a, np.array(TURN)))
    assert native.native() == native.is_native(first)


@pytest.mark.parametrize("degrees", [(0, 1), (1, 0)])
def test_joined_scenes_of_different_degrees_have_the_higher_one(
    degrees: tuple[int, int], file: Any, tmp_path: Path
) -> None:
    parts = [read_splats(file(f"degree {degree}")).gaussians for degree in degrees]
    objects = [import_(file(f"degree {degree}", f"{degree}.ply"), axes="Z_UP") for degree in degrees]
    select(*objects)
    ops.object.join()
    found = exported(tmp_path / "joined.ply")
    for place, part in zip((slice(0, 40), slice(40, 80)), parts, strict=True):
        assert_same(found.take(place), with_coefficients(part, 4), 0)


def test_moves_in_edit_mode_and_deletions_are_right_as_they_are(file: Any) -> None:
    obj = import_(file("degree 1"), axes="Z_UP")
    apply_as_blender_does(obj, Matrix.Translation((5, 6, 7)))
    obj.data.attributes["position"].data[3].vector = (9, 9, 9)
    assert not transforms.moves_of(obj)


def test_our_own_apply_leaves_nothing_to_repair(file: Any) -> None:
    obj = import_(file("degree 2"))
    ops.splatcut.apply_transform()
    assert not transforms.moves_of(obj)
    assert ops.splatcut.repair() == {"FINISHED"}


@pytest.fixture
def nodes() -> Any:
    """Geometry nodes that turn everything."""
    tree: Any = bpy.data.node_groups.new("turns", "GeometryNodeTree")
    for direction in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    start, turn, end = (tree.nodes.new(k) for k in ("NodeGroupInput", "GeometryNodeTransform", "NodeGroupOutput"))
    turn.inputs["Rotation"].default_value = (0, 0, 1.0)
    tree.links.new(start.outputs[0], turn.inputs["Geometry"])
    tree.links.new(turn.outputs[0], end.inputs[0])
    return tree


def test_geometry_nodes_are_told_and_when_applied_followed(
    nodes: Any, file: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    obj = import_(file("degree 1"), axes="Z_UP")
    obj.modifiers.new("turns", "NODES").node_group = nodes
    plain = exported(tmp_path / "plain.ply")
    assert "'thing' is exported without its modifier 'turns'" in capfd.readouterr().out
    ops.object.modifier_apply(modifier="turns")
    with pytest.raises(RuntimeError, match="were rotated"):
        ops.splatcut.export_splats(filepath=str(tmp_path / "no.ply"))
    ops.splatcut.repair()
    wanted = apply_transform(plain, np.array(Matrix.Rotation(1.0, 4, "Z")))
    assert_same(exported(tmp_path / "out.ply"), wanted)


@pytest.mark.skipif(not native.native(), reason="this Blender's splats are meshes, which keep what Separate drops")
def test_a_separated_part_keeps_what_its_file_said(file: Any, tmp_path: Path) -> None:
    obj = import_(file("doubles"))
    select(obj)
    ops.object.mode_set(mode="EDIT")
    chosen = np.arange(40) < 10
    found = obj.data.attributes.get(".selection") or obj.data.attributes.new(".selection", "BOOLEAN", "POINT")
    found.data.foreach_set("value", chosen)
    bpy.ops.pointcloud.separate()
    ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    part: Any = next(o for o in bpy.data.objects if o != obj)
    assert part.splatcut.uid != obj.splatcut.uid
    rows = read_splats(file("doubles")).table.rows
    assert splats.read(part).table.rows.dtype == rows.dtype
    assert splats.read(part).table.rows.tobytes() == rows[chosen].tobytes()
    assert splats.read(obj).table.rows.tobytes() == rows[~chosen].tobytes()
    assert not transforms.moves_of(part)


def test_files_without_the_marks_are_as_they_were(file: Any) -> None:
    """Those that an earlier SplatCut has saved."""
    obj = import_(file("degree 1"))
    for name in ("splatcut:raw_position", "splatcut:origin"):
        obj.data.attributes.remove(obj.data.attributes[name])
    apply_as_blender_does(obj, TURN)
    assert not transforms.moves_of(obj)
    assert odd_plys.gaussians(degree=1).sh_degree == splats.read(obj).gaussians.sh_degree
