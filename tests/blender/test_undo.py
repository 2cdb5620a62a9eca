# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo and redo after any sequence of changes leave list, prompts, views, labels and previews consistent.

``ed.undo`` runs without a window in all Blenders these tests know; where it does not, they are skipped with that
reason (and run in a window, where it does).
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import labelled, prompts, splats, state
from bl_ext.user_default.splatcut.bridge.labelled import Labelled
from bl_ext.user_default.splatcut.core import prompts as core
from bl_ext.user_default.splatcut.ops import preview
from blender_scene import balls, count_of, front, pixel, show_preview
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from two_balls import RADIUS

from splatcut.messages import check_object_names

ops: Any = bpy.ops.splatcut

#: What the previews shown answer to, by uid.
shown_keys: dict[str, object] = {}


@pytest.fixture(autouse=True)
def undo_runs(clean_scene: None) -> None:
    scene = bpy.context.scene
    bpy.ops.ed.undo_push(message="before")
    scene.frame_end = 123
    bpy.ops.ed.undo_push(message="after")
    try:
        bpy.ops.ed.undo()
    except RuntimeError as error:
        pytest.skip(f"this Blender does not undo without a window ({error})")
    assert bpy.context.scene.frame_end != 123


def snapshot(uid: str) -> Any:
    """All that must come back: list, prompts, views, labels."""
    obj = splats.find(uid)
    if obj is None:
        return None
    items, views = prompts.read(obj.splatcut)
    chosen = tuple((item.colour[:], item.visible, item.active_prompt) for item in obj.splatcut.objects)
    cameras = tuple(
        (v.uid, v.camera.width, v.camera.fx, v.camera.cx, v.camera.camera_from_world.tobytes()) for v in views
    )
    kept = labelled.read(obj)
    labels = None if kept is None else (kept[0].tobytes(), kept[1].tobytes())
    return items, cameras, chosen, obj.splatcut.active_object, labels


def check(uid: str, owners: dict[str, np.ndarray]) -> None:
    """What holds at any time."""
    obj = splats.find(uid)
    values = obj.splatcut
    items, views = prompts.read(values)
    check_object_names(item.name for item in items)
    everything = [item.uid for item in items] + [p.uid for item in items for p in item.prompts]
    assert len(set(everything)) == len(everything)
    assert all(everything)
    assert {view.uid for view in views} == {p.view for item in items for p in item.prompts if p.view}
    assert values.active_object == 0 or 0 <= values.active_object < len(items)
    for item in values.objects:
        assert item.active_prompt == 0 or 0 <= item.active_prompt < len(item.prompts)
    built, _ = core.build_objects(items, views)
    assert [item.name for item in built] == [item.name for item in items if item.is_ready]
    # Labels say of the objects that are left what they said in the beginning.
    labels = labelled.read(obj).labels
    for number, item in enumerate(items, start=1):
        there = np.flatnonzero(labels == number)
        np.testing.assert_array_equal(there, owners.get(item.uid, np.zeros(0, int)))
    assert labels.max(initial=0) <= len(items)
    # A preview is there while an object says where it is, and knows whether it is of these prompts.
    shown = state.preview(uid)
    if shown is not None:
        assert shown.stale == (preview.key_of(obj) != shown_keys[uid])
        assert any(item.is_ready for item in items)


class Changes:
    """What a user may do, each one step of undo."""

    def __init__(self, uid: str) -> None:
        self.uid = uid

    @property
    def values(self) -> Any:
        return splats.find(self.uid).splatcut

    def add(self, number: int) -> Any:
        return ops.object_add("EXEC_DEFAULT", True, name=("vase", "Vase", "", "a/b", "background")[number % 5])

    def rename(self, number: int) -> Any:
        if not len(self.values.objects):
            return {"CANCELLED"}
        # As typed into the list, where Blender itself pushes the step.
        item = self.values.objects[number % len(self.values.objects)]
        item.name = ("vase", "table", " ", "con", "x?y")[number % 5]
        bpy.ops.ed.undo_push(message="Rename")
        return {"FINISHED"}

    def remove(self, number: int) -> Any:
        if not len(self.values.objects):
            return {"CANCELLED"}
        return ops.object_remove("EXEC_DEFAULT", True, index=number % len(self.values.objects))

    def move(self, number: int) -> Any:
        if not len(self.values.objects):
            return {"CANCELLED"}
        return ops.object_move("EXEC_DEFAULT", True, direction=("UP", "DOWN")[number % 2])

    def click(self, number: int) -> Any:
        at = pixel((-1, 1)[number % 2] + 0.01 * number, 0.02 * number, RADIUS)
        return ops.prompt_add_point(
            "EXEC_DEFAULT", True, positive=number % 3 > 0, **at, **front(0.1 * (number % 3) + 6)
        )

    def box(self, number: int) -> Any:
        at = pixel((-1, 1)[number % 2], 0, RADIUS)
        x, y, margin = at["x"], at["y"], 40 + number
        sides = {"x0": x - margin, "y0": y - margin, "x1": x + margin, "y1": y + margin}
        return ops.prompt_add_box("EXEC_DEFAULT", True, **sides, **front(turn=0.05 * (number % 2)))

    def space(self, number: int) -> Any:
        return ops.prompt_add_point("EXEC_DEFAULT", True, position=(0.1 * number, 0, 0.5), positive=number % 2 == 0)

    def delete(self, number: int) -> Any:
        found = [p.uid for item in self.values.objects for p in item.prompts]
        return ops.prompt_delete("EXEC_DEFAULT", True, uid=found[number % len(found)]) if found else {"CANCELLED"}

    def drag(self, number: int) -> Any:
        found = [p.uid for item in self.values.objects for p in item.prompts if p.view]
        if not found:
            return {"CANCELLED"}
        return ops.prompt_move(
            "EXEC_DEFAULT", True, uid=found[number % len(found)], dx=number, dy=3 - number, **front()
        )

    def grow(self, number: int) -> Any:
        if not len(self.values.objects):
            return {"CANCELLED"}
        return ops.object_grow("EXEC_DEFAULT", True, amount=0.1 * (number % 5 - 2))

    def clear(self, number: int) -> Any:
        if not len(self.values.objects):
            return {"CANCELLED"}
        return ops.prompt_clear("EXEC_DEFAULT", True, every=number % 4 == 0)


KINDS = ("add", "rename", "remove", "move", "click", "box", "space", "delete", "drag", "grow", "clear", "undo", "redo")
steps = st.lists(
    st.tuples(st.sampled_from((*KINDS, "click", "add", "undo", "undo", "redo")), st.integers(0, 11)),
    min_size=6,
    max_size=14,
)


# A sequence that fails is short enough to read; shrinking it would take minutes.
@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(steps)
def test_any_sequence_of_changes_can_be_undone_and_redone(sequence: list[tuple[str, int]]) -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    obj = balls()
    uid = obj.splatcut.uid
    owners = start(obj)
    bpy.ops.ed.undo_push(message="Start")
    history, at = [snapshot(uid)], 0
    changes = Changes(uid)
    for kind, number in sequence:
        if kind == "undo":
            if at == 0:
                continue
            bpy.ops.ed.undo()
            at -= 1
        elif kind == "redo":
            if at == len(history) - 1:
                continue
            bpy.ops.ed.redo()
            at += 1
        else:
            before = snapshot(uid)
            try:
                result = getattr(changes, kind)(number)
            except RuntimeError:  # refused, with a sentence
                result = {"CANCELLED"}
            if result != {"FINISHED"}:
                assert snapshot(uid) == before
                continue
            del history[at + 1 :]
            history.append(snapshot(uid))
            at += 1
        assert snapshot(uid) == history[at]
        check(uid, owners)
    while at > 0:
        bpy.ops.ed.undo()
        at -= 1
        assert snapshot(uid) == history[at]
        check(uid, owners)
    for expected in history[1:]:
        bpy.ops.ed.redo()
        assert snapshot(uid) == expected
        check(uid, owners)


def start(obj: Any) -> dict[str, np.ndarray]:
    """Two objects with labels as a run leaves them, a click on the first. Returns which Gaussians are whose."""
    for name in ("red", "blue"):
        ops.object_add(name=name)
    ops.prompt_add_point(object=0, **pixel(-1, 0, RADIUS), **front())
    count = count_of(obj)
    labels = np.repeat(np.array([1, 2], np.int32), count // 2)
    labels[::7] = 0
    labelled.write(obj, Labelled(labels, np.ones(count, np.float32)))
    red, blue = (item.uid for item in obj.splatcut.objects)
    shown_keys[obj.splatcut.uid] = show_preview(obj, 1, (red,))
    return {red: np.flatnonzero(labels == 1), blue: np.flatnonzero(labels == 2)}


def test_each_click_is_one_step(undo_runs: None) -> None:
    obj = balls()
    uid = obj.splatcut.uid
    bpy.ops.ed.undo_push(message="Start")
    for x in (-1.0, -0.9, -0.8):
        ops.prompt_add_point("EXEC_DEFAULT", True, **pixel(x, 0, RADIUS), **front())
    for left in (2, 1, 0):
        bpy.ops.ed.undo()
        items = splats.find(uid).splatcut.objects
        # The first click made the object, too.
        assert sum(len(item.prompts) for item in items) == left
        assert len(items) == (1 if left else 0)
    bpy.ops.ed.redo()
    assert len(splats.find(uid).splatcut.objects[0].prompts) == 1


def test_a_refused_click_is_no_step(undo_runs: None) -> None:
    obj = balls()
    uid = obj.splatcut.uid
    bpy.ops.ed.undo_push(message="Start")
    ops.prompt_add_point("EXEC_DEFAULT", True, **pixel(-1, 0, RADIUS), **front())
    with pytest.raises(RuntimeError):
        ops.prompt_add_point("EXEC_DEFAULT", True, x=2, y=2, **front())
    bpy.ops.ed.undo()
    assert len(splats.find(uid).splatcut.objects) == 0


def test_undo_brings_a_preview_up_to_date_again(undo_runs: None) -> None:
    obj = balls()
    ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front())
    uid = obj.splatcut.uid
    bpy.ops.ed.undo_push(message="Start")
    show_preview(obj)
    ops.prompt_add_point("EXEC_DEFAULT", True, **pixel(-0.8, 0, RADIUS), **front())
    assert state.preview(uid).stale
    bpy.ops.ed.undo()
    assert not state.preview(uid).stale
    bpy.ops.ed.redo()
    assert state.preview(uid).stale


def test_undoing_the_import_takes_the_preview_along(undo_runs: None) -> None:
    bpy.ops.ed.undo_push(message="Empty")
    obj = balls()
    uid = obj.splatcut.uid
    bpy.ops.ed.undo_push(message="Import")
    show_preview(obj, 0)
    bpy.ops.ed.undo()
    assert splats.find(uid) is None
    assert state.preview(uid) is None
    assert state.message_level != "ERROR"
