# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of earlier Blenders where Blender draws splats itself: nothing is lost on the way there and back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import odd_plys
import pytest
from bl_ext.user_default.splatcut.bridge import labelled, native, splats, upgrade
from bl_ext.user_default.splatcut.bridge.labelled import Labelled

from splatcut.formats import read_splats, write_splats

pytestmark = pytest.mark.skipif(not native.native(), reason="this Blender draws no splats itself")

REPOSITORY = Path(__file__).resolve().parents[2]
VARIANTS = odd_plys.variants()
ops: Any = bpy.ops

_IN_THE_OTHER = """
import os, sys
import bpy
target = sys.argv[1]
sys.path[:0] = sys.argv[2:]
import blender_addon
blender_addon.register()
{steps}
bpy.ops.wm.save_as_mainfile(filepath=target)
sys.stdout.flush()
os._exit(0)
"""
_MAKE = """
import numpy as np
from pathlib import Path
from blender_addon.bridge import labelled, splats
from blender_addon.bridge.labelled import Labelled
from splatcut.formats import read_splats
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
for path in sorted(Path(target).parent.glob("in*.ply")):
    obj = splats.create(bpy.context, read_splats(path), path.stem)
    obj.splatcut.objects.add().name = "an object"
    obj.splatcut.objects[0].prompts.add().position = (1, 2, 3)
    labelled.write(obj, Labelled(np.arange(40, dtype=np.int32) % 2, np.linspace(0, 1, 40, dtype=np.float32)))
    obj.hide_set(True)
    obj.data["mine"] = "kept"
    obj.location = (1, 2, 3)
    assert obj.type == "MESH"
"""
_PASS_ON = """
bpy.ops.wm.open_mainfile(filepath=target)
assert all(obj.type == "POINTCLOUD" and obj.splatcut.is_splat for obj in bpy.data.objects)
bpy.ops.splatcut.export_splats(filepath=os.path.join(os.path.dirname(target), "there.ply"), what="SCENE", replace=True)
"""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes splat objects as earlier Blenders have them."""

    def make(name: str = "degree 1", called: str = "splat") -> Any:
        path = tmp_path / f"{called}.ply"
        path.write_bytes(VARIANTS[name])
        with monkeypatch.context() as patch:
            patch.setattr(native, "native", lambda: False)
            obj: Any = splats.create(bpy.context, read_splats(path), called)
        assert obj.type == "MESH"
        return obj

    return make


def exported(obj: Any, folder: Path) -> bytes:
    write_splats(folder / "out.ply", splats.read(obj))
    return (folder / "out.ply").read_bytes()


def test_one_button_converts_all_splats_of_the_file(old: Any, tmp_path: Path) -> None:
    first, second = old("doubles", "first"), old("unknown properties, binary_big_endian", "second")
    uid = first.splatcut.uid
    labelled.write(first, Labelled(np.ones(40, np.int32), np.full(40, 0.5, np.float32)))
    second.hide_set(True)
    hidden = bpy.data.collections.new("hidden")
    bpy.context.scene.collection.children.link(hidden)
    third = old("degree 3", "third")
    for collection in third.users_collection:
        collection.objects.unlink(third)
    hidden.objects.link(third)
    bpy.context.view_layer.layer_collection.children["hidden"].exclude = True
    third.parent, third.data["mine"] = first, 7
    twin = first.copy()
    bpy.context.collection.objects.link(twin)
    assert len(upgrade.outdated()) == 4
    assert ops.splatcut.upgrade() == {"FINISHED"}
    assert not upgrade.outdated()
    assert not bpy.data.meshes
    assert len(bpy.data.scenes) == 1
    for obj, name in ((first, "doubles"), (second, "unknown properties, binary_big_endian"), (third, "degree 3")):
        assert native.is_native(obj)
        assert exported(obj, tmp_path) == VARIANTS[name]
    assert twin.data == first.data
    assert splats.find(uid) == first
    np.testing.assert_array_equal(labelled.read(first).probability, np.full(40, 0.5, np.float32))
    assert (second.hide_get(), third.parent, third.data["mine"], third.data.name) == (True, first, 7, "third")
    assert [c.name for c in third.users_collection] == ["hidden"]
    attribute = first.data.attributes["radiance:base"]
    assert attribute.data_type == "FLOAT4"
    with pytest.raises(RuntimeError, match="poll"):
        ops.splatcut.upgrade()


def test_modifiers_stay_and_are_not_applied(old: Any, tmp_path: Path) -> None:
    obj = old()
    tree: Any = bpy.data.node_groups.new("moves", "GeometryNodeTree")
    for direction in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    amount = tree.interface.new_socket("Amount", in_out="INPUT", socket_type="NodeSocketVector")
    start, end, move = (tree.nodes.new(k) for k in ("NodeGroupInput", "NodeGroupOutput", "GeometryNodeSetPosition"))
    tree.links.new(start.outputs[0], move.inputs["Geometry"])
    tree.links.new(start.outputs[1], move.inputs["Offset"])
    tree.links.new(move.outputs[0], end.inputs[0])
    modifier = obj.modifiers.new("nodes", "NODES")
    modifier.node_group = tree
    getattr(modifier.properties.inputs, amount.identifier).value = (5, 0, 0)
    obj.modifiers.new("SplatCut Render", "NODES")  # what an earlier Blender rendered with
    assert ops.splatcut.upgrade() == {"FINISHED"}
    assert [(m.name, m.node_group, m.show_viewport) for m in obj.modifiers] == [("nodes", tree, True)]
    assert list(getattr(obj.modifiers[0].properties.inputs, amount.identifier).value) == [5, 0, 0]
    assert exported(obj, tmp_path) == VARIANTS["degree 1"]


def test_what_would_be_lost_is_refused(old: Any) -> None:
    obj = old()
    obj.modifiers.new("wave", "WAVE")
    with pytest.raises(RuntimeError, match="modifier 'wave'"):
        ops.splatcut.upgrade()
    assert obj.type == "MESH"
    assert len(obj.modifiers) == 1


def test_set_up_for_rendering_converts_too(old: Any) -> None:
    obj = old()
    obj.select_set(True)
    bpy.context.view_layer.objects.active = obj
    assert ops.splatcut.render_setup() == {"FINISHED"}
    assert native.is_native(obj)


def test_clouds_that_have_become_points_are_splats_again(tmp_path: Path) -> None:
    """As Blender 5.2 saves them."""
    path = tmp_path / "in.ply"
    path.write_bytes(VARIANTS["degree 1"])
    obj: Any = splats.create(bpy.context, read_splats(path), "splat")
    obj.data.type = "POINTS"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    again: Any = bpy.data.objects["splat"]
    assert native.is_native(again)
    assert exported(again, tmp_path) == VARIANTS["degree 1"]
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.append(directory=str(tmp_path / "a.blend" / "Object"), filename="splat")
    assert native.is_native(bpy.data.objects["splat"])


def test_there_and_back_and_there_again_nothing_is_lost(tmp_path: Path) -> None:
    """5.2, 5.3, 5.2, 5.3."""
    python = Path(os.environ.get("SPLATCUT_BPY52") or REPOSITORY / ".venv-bpy52/bin/python")
    if not python.is_file():
        pytest.skip("there is no Blender 5.2 as a Python module beside this one (.venv-bpy52)")
    names = ["doubles", "unknown properties, binary_big_endian", "degree 3", "comments"]
    for number, name in enumerate(names):
        (tmp_path / f"in{number}.ply").write_bytes(VARIANTS[name])
    blend = tmp_path / "a.blend"

    def in_the_other(steps: str) -> None:
        code = _IN_THE_OTHER.format(steps=steps)
        folders = [str(REPOSITORY), str(REPOSITORY / "backend")]
        subprocess.run([str(python), "-c", code, str(blend), *folders], check=True, timeout=300)

    def check() -> None:
        for number, name in enumerate(names):
            obj: Any = bpy.data.objects[f"in{number}"]
            assert native.is_native(obj)
            assert exported(obj, tmp_path) == VARIANTS[name]
            assert list(obj.splatcut.objects[0].prompts[0].position) == [1, 2, 3]
            assert (obj.data["mine"], obj.hide_get(), tuple(obj.location)) == ("kept", True, (1, 2, 3))
            np.testing.assert_array_equal(labelled.read(obj).labels, np.arange(40) % 2)

    in_the_other(_MAKE)
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert ops.splatcut.upgrade() == {"FINISHED"}
    check()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    in_the_other(_PASS_ON)
    assert {p.read_bytes() for p in tmp_path.glob("in?.ply")} == {VARIANTS[name] for name in names}
    assert (tmp_path / "in0.ply").read_bytes() == VARIANTS["doubles"]
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert not upgrade.outdated()
    check()
