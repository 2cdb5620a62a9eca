# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import labelled, splats, state
from bl_ext.user_default.splatcut.bridge.labelled import Labelled
from bl_ext.user_default.splatcut.core import objects as core
from blender_scene import balls, count_of, error_of, front, pixel, show_preview
from two_balls import RADIUS

from splatcut.messages import check_object_names

ops: Any = bpy.ops.splatcut


@pytest.fixture
def obj() -> Any:
    return balls()


def names(obj: Any) -> list[str]:
    return [item.name for item in obj.splatcut.objects]


def test_new_objects_have_names_colours_and_uids_of_their_own(obj: Any) -> None:
    for name in ("", "", "vase", "Vase", "a/b"):
        assert ops.object_add(name=name) == {"FINISHED"}
    items = obj.splatcut.objects
    assert names(obj) == ["object", "object_2", "vase", "Vase_2", "a_b"]
    check_object_names(names(obj))
    assert len({item.uid for item in items}) == 5
    assert len({tuple(item.colour) for item in items}) == 5
    np.testing.assert_allclose(items[0].colour[:], core.palette()[0], rtol=1e-6)
    assert obj.splatcut.active_object == 4


def test_a_typed_name_is_made_legal_and_the_user_is_told(obj: Any) -> None:
    ops.object_add(name="vase")
    ops.object_add(name="table")
    obj.splatcut.objects[1].name = "chair"
    assert names(obj) == ["vase", "chair"]
    assert state.message == ""
    for typed, becomes, word in (("vase", "vase_2", "Two objects"), ("  ", "object", "empty"), ("x:y", "x_y", "':'")):
        obj.splatcut.objects[1].name = typed
        assert names(obj) == ["vase", becomes]
        assert f"renamed to {becomes!r}" in state.message
        assert word in state.message or ":" in state.message
    obj.splatcut.objects[0].name = "vase"
    assert names(obj)[0] == "vase"


def test_renaming_from_a_script_refuses_bad_names(obj: Any) -> None:
    ops.object_add(name="vase")
    ops.object_add(name="table")
    assert ops.object_rename(name="lamp") == {"FINISHED"}
    assert ops.object_rename(name="pot", index=0) == {"FINISHED"}
    assert names(obj) == ["pot", "lamp"]
    assert "same file name" in error_of(ops.object_rename, name="LAMP", index=0)
    assert "Windows" in error_of(ops.object_rename, name="con", index=0)
    assert "no such object" in error_of(ops.object_rename, name="x", index=7)
    assert names(obj) == ["pot", "lamp"]


def test_removing_and_moving_keeps_the_same_object_chosen(obj: Any) -> None:
    for name in "abcd":
        ops.object_add(name=name)
    settings = obj.splatcut
    settings.active_object = 2
    ops.object_remove(index=0)
    assert (names(obj), settings.active_object) == (["b", "c", "d"], 1)
    ops.object_move(direction="UP")
    assert (names(obj), settings.active_object) == (["c", "b", "d"], 0)
    assert ops.object_move(direction="UP") == {"CANCELLED"}
    ops.object_move(direction="DOWN", index=1)
    assert (names(obj), settings.active_object) == (["c", "d", "b"], 0)
    ops.object_move(direction="UP", index=1)
    assert (names(obj), settings.active_object) == (["d", "c", "b"], 1)
    for _ in range(3):
        ops.object_remove()
    assert (names(obj), settings.active_object) == ([], 0)
    assert "no such object" in error_of(ops.object_remove)


def test_labels_of_a_run_follow_the_list(obj: Any) -> None:
    for name in "abc":
        ops.object_add(name=name)
    rng = np.random.default_rng(3)
    count = count_of(obj)
    labels, probability = rng.integers(0, 4, count).astype(np.int32), rng.random(count, np.float32)
    labelled.write(obj, Labelled(labels, probability, island=labels))
    owners = np.array(["", "a", "b", "c"])[labels]
    ops.object_move(direction="UP", index=2)
    assert names(obj) == ["a", "c", "b"]
    now, certain, _, island = labelled.read(obj) or pytest.fail("no labels")
    assert (np.array(["", "a", "c", "b"])[now] == owners).all()
    np.testing.assert_array_equal(island, now)
    np.testing.assert_array_equal(certain, probability)
    ops.object_remove(index=0)
    now, certain, _, island = labelled.read(obj) or pytest.fail("no labels")
    assert (np.array(["", "c", "b"])[now] == np.where(owners == "a", "", owners)).all()
    np.testing.assert_array_equal(island, now)
    np.testing.assert_array_equal(certain[owners != "a"], probability[owners != "a"])


def test_growing_stops_at_the_ends(obj: Any) -> None:
    ops.object_add(name="vase")
    item = obj.splatcut.objects[0]
    ops.object_grow()
    ops.object_grow()
    assert item.grow == pytest.approx(0.2)
    ops.object_grow(amount=-2.0)
    ops.object_grow(amount=-0.1)
    assert item.grow == -1.0
    ops.object_grow(amount=2.0)
    assert item.grow == 1.0


def test_a_click_chooses_the_object_that_a_run_has_found_there(obj: Any) -> None:
    ops.object_add(name="red")
    ops.object_add(name="blue")
    count = count_of(obj)
    labels = np.repeat(np.array([2, 1], np.int32), count // 2)  # the list's second object is the red ball
    labelled.write(obj, Labelled(labels, np.ones(count, np.float32)))
    settings = obj.splatcut
    settings.active_object = 0
    assert ops.object_select(**pixel(-1, 0, RADIUS), **front()) == {"FINISHED"}
    assert settings.active_object == 1
    ops.object_select(**pixel(1, 0, RADIUS), **front())
    assert settings.active_object == 0
    assert ops.object_select(x=2, y=2, **front()) == {"CANCELLED"}


def test_a_click_chooses_what_the_preview_shows_and_prompts_first(obj: Any) -> None:
    ops.object_add(name="red")
    ops.object_add(name="blue")
    settings = obj.splatcut
    red, blue = (item.uid for item in settings.objects)
    count = count_of(obj)
    labels = np.repeat(np.array([1, 0], np.int32), count // 2)
    show_preview(obj, labels, (red,))
    assert ops.object_select(**pixel(-1, 0, RADIUS), **front()) == {"FINISHED"}
    assert settings.active_object == 0
    assert ops.object_select(**pixel(1, 0, RADIUS), **front()) == {"CANCELLED"}
    ops.prompt_add_point(object=1, **pixel(-1, 0, RADIUS), **front())
    settings.active_object = 0
    ops.object_select(**pixel(-1, 0, RADIUS), **front())
    assert settings.objects[settings.active_object].uid == blue
    state.clear()


def test_operators_ask_for_a_splat() -> None:
    mesh = bpy.data.objects.new("mesh", bpy.data.meshes.new("mesh"))
    bpy.context.scene.collection.objects.link(mesh)
    bpy.context.view_layer.objects.active = mesh
    for operator in (ops.object_add, ops.object_remove, ops.prompt_clear, ops.show_source):
        assert not operator.poll()
        assert "Select a splat" in error_of(operator)


def test_a_result_stands_for_the_splat_that_it_was_cut_from(obj: Any) -> None:
    result = balls("vase")
    result.splatcut.result_of = obj.splatcut.uid
    ops.object_add(name="vase")
    assert names(obj) == ["vase"]
    assert names(result) == []


def test_the_splat_and_its_results_are_shown_in_turn(obj: Any) -> None:
    cut = []
    for run in ("first cut", "second cut"):
        collection = bpy.data.collections.new(run)
        bpy.context.scene.collection.children.link(collection)
        for part in ("vase", "rest"):
            made = balls(f"{part} of {run}", collection=collection)
            made.splatcut.result_of = obj.splatcut.uid
            cut.append(made)
    for hidden in (obj, *cut[:2]):
        hidden.hide_set(True)
        hidden.hide_render = True
    assert ops.show_source() == {"FINISHED"}
    assert [o.hide_get() for o in (obj, *cut)] == [False, True, True, True, True]
    assert [o.hide_render for o in (obj, *cut)] == [False, True, True, True, True]
    assert bpy.context.view_layer.objects.active == obj
    assert ops.show_source() == {"FINISHED"}
    assert [o.hide_get() for o in (obj, *cut)] == [True, True, True, False, False]


def test_stray_parts_are_shown_on_the_splat(obj: Any) -> None:
    cut = balls("vase")
    cut.splatcut.result_of = obj.splatcut.uid
    obj.hide_set(True)
    settings = obj.splatcut
    assert ops.show_islands() == {"FINISHED"}
    assert (settings.show_islands, obj.hide_get(), cut.hide_get()) == (True, False, True)
    assert bpy.context.view_layer.objects.active == obj
    settings.show_boundary = True
    ops.show_islands()
    assert (settings.show_islands, settings.show_boundary) == (True, False)
    ops.show_islands()
    assert not settings.show_islands
    ops.show_source()
    settings.show_islands = True
    ops.show_islands()  # what nobody sees is shown, not taken away
    assert (settings.show_islands, obj.hide_get()) == (True, False)


def test_saving_keeps_objects_and_a_copy_has_its_own(obj: Any, tmp_path: Path) -> None:
    ops.object_add(name="vase")
    ops.object_grow(amount=0.3)
    copy = obj.copy()
    bpy.context.scene.collection.objects.link(copy)
    splats.find(obj.splatcut.uid)
    copy.splatcut.objects[0].name = "pot"
    assert names(obj) == ["vase"]
    colour, uid = tuple(obj.splatcut.objects[0].colour), obj.splatcut.uid
    path = str(tmp_path / "objects.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    found = splats.find(uid)
    item = found.splatcut.objects[0]
    assert (item.name, tuple(item.colour), item.grow) == ("vase", colour, pytest.approx(0.3))
