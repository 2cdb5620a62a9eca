# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours that are matched to Blender's light by the engine, kept beside the trained ones, and restored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import odd_plys
import pytest
from bl_ext.user_default.splatcut.bridge import attributes, matched, native, splats, state
from bl_ext.user_default.splatcut.core import layout
from bl_ext.user_default.splatcut.ui import panels
from blender_driver import refused
from blender_imports import active, import_
from blender_scene import balls
from recording_layout import RecordingLayout
from two_balls import two_balls

from splatcut.errors import UserError
from splatcut.formats import read_splats, write_splats
from splatcut.formats.matched import as_trained, is_matched
from splatcut.messages.worker import MatchResult

if TYPE_CHECKING:
    from blender_driver import Driver

pytestmark = pytest.mark.skipif(not native.native(), reason="this Blender draws no splats itself")

ops: Any = bpy.ops.splatcut


def shown(obj: Any) -> np.ndarray:
    """[N, K, 3] the colours that Blender draws."""
    return splats.read(obj, shown=True).gaussians.sh


def trained(obj: Any) -> np.ndarray:
    return splats.read(obj).gaussians.sh


def other(obj: Any) -> np.ndarray:
    """Colours as a match might give them."""
    return (trained(obj) * np.float32(0.9) - np.float32(0.1)).astype(np.float32)


def export(obj: Any, path: Path, **options: Any) -> Path:
    for item in bpy.context.view_layer.objects.selected:
        item.select_set(False)
    obj.select_set(True)
    ops.export_splats(filepath=str(path), **options)
    return path


def offered() -> list[str]:
    """The panel's buttons for colours."""
    drawn: Any = RecordingLayout()
    panels._light(bpy.context, drawn)
    return drawn.texts


@pytest.mark.parametrize("name", sorted(odd_plys.variants()))
def test_the_trained_colours_come_back_bit_for_bit(file: Any, tmp_path: Path, name: str) -> None:
    path = file(name)
    import_(path)
    obj = active()
    colours = other(obj)
    matched.put(obj, colours)
    assert matched.is_matched(obj)
    assert np.array_equal(shown(obj)[:, : colours.shape[1]], colours)
    assert export(obj, tmp_path / "matched.ply").read_bytes() == path.read_bytes()
    ops.restore_colours()
    assert not matched.is_matched(obj)
    assert not [a.name for a in obj.data.attributes if "trained" in a.name]
    assert export(obj, tmp_path / "restored.ply").read_bytes() == path.read_bytes()


def test_export_in_blenders_light_gives_a_file_that_goes_back(file: Any, tmp_path: Path) -> None:
    path = file("degree 2")
    import_(path)
    obj = active()
    colours = other(obj)
    matched.put(obj, colours)
    out = export(obj, tmp_path / "out.ply", for_blender=True)
    assert is_matched(read_splats(out))
    assert np.array_equal(read_splats(out).gaussians.sh, colours)
    write_splats(tmp_path / "back.ply", as_trained(read_splats(out)))
    assert (tmp_path / "back.ply").read_bytes() == path.read_bytes()
    # Such a file is a matched object from the start, and its trained colours can be had.
    import_(out)
    came = active()
    assert matched.is_matched(came)
    assert "imported from a file that is matched" in refused(ops.match)
    state.clear()
    assert export(came, tmp_path / "same.ply").read_bytes() == out.read_bytes()
    bpy.context.view_layer.objects.active = came
    ops.restore_colours()
    assert not matched.is_matched(came)
    assert export(came, tmp_path / "trained.ply").read_bytes() == path.read_bytes()


def test_a_colour_that_was_changed_since_counts() -> None:
    obj = balls()
    before, colours = trained(obj), other(obj)
    matched.put(obj, colours)
    base = np.empty((len(before), 4), np.float32)
    obj.data.attributes[layout.BASE].data.foreach_get("vector", base.ravel())
    base[7, :3] = (0.25, 0.5, 0.75)
    obj.data.attributes[layout.BASE].data.foreach_set("vector", base.ravel())
    splats.changed(obj)
    wanted = before.copy()
    wanted[7, 0] = (0.25, 0.5, 0.75)
    assert np.array_equal(trained(obj), wanted)
    ops.restore_colours()
    assert np.array_equal(shown(obj), wanted)


def test_joined_splats_keep_their_own_colours() -> None:
    first, second = balls("first"), balls("second")
    colours, plain = other(first), trained(first)
    matched.put(first, colours)
    bpy.context.view_layer.objects.active = first
    for obj in (first, second):
        obj.select_set(True)
    bpy.ops.object.join()
    assert np.array_equal(trained(first), np.concatenate([plain, plain]))
    assert np.array_equal(shown(first), np.concatenate([colours, plain]))


def test_an_applied_transform_leaves_the_trained_colours() -> None:
    obj = balls()
    before = trained(obj)
    matched.put(obj, other(obj))
    obj.rotation_euler = (0.3, 0.2, 0.1)
    obj.select_set(True)
    ops.apply_transform()
    assert not matched.is_matched(obj)
    assert np.array_equal(shown(obj), before)  # without view dependence, which would have turned


def test_undo(driver: Driver) -> None:
    uid = balls().splatcut.uid
    bpy.ops.ed.undo_push(message="start")
    obj: Any = splats.find(uid)
    colours, before = other(obj), trained(obj)
    matched.put(obj, colours)
    bpy.ops.ed.undo_push(message="match")
    ops.restore_colours()
    bpy.ops.ed.undo_push(message="restore")
    try:
        bpy.ops.ed.undo()
    except RuntimeError as error:
        pytest.skip(f"this Blender does not undo without a window ({error})")
    obj = splats.find(uid)
    assert np.array_equal(shown(obj), colours)
    bpy.ops.ed.undo()
    obj = splats.find(uid)
    assert not matched.is_matched(obj)
    assert np.array_equal(shown(obj), before)


def cameras(collection: str = "views") -> Any:
    """Blender's cameras around the balls, in a collection."""
    made = bpy.data.collections.new(collection)
    bpy.context.scene.collection.children.link(made)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 120, 90
    for k in range(4):
        camera = bpy.data.objects.new(f"view{k}", bpy.data.cameras.new("view"))
        angle = k * np.pi / 2
        camera.location = (5 * np.sin(angle), 0, 5 * np.cos(angle))
        camera.rotation_euler = (0, angle, 0)
        made.objects.link(camera)
    bpy.context.view_layer.update()
    return made


def soft_balls(name: str = "balls") -> Any:
    """Balls whose Gaussians are half transparent, so that blending matters, with cameras."""
    splats_ = two_balls(120)
    splats_.gaussians.opacity_logits[:] = 0
    obj: Any = splats.create(bpy.context, type(splats_).from_gaussians(splats_.gaussians), name)
    bpy.context.view_layer.objects.active = obj
    obj.splatcut.view_source, obj.splatcut.camera_collection = "CAMERAS", cameras()
    return obj


def test_the_engine_matches_and_the_panel_says_so(driver: Driver) -> None:
    obj = soft_balls()
    before = trained(obj)
    assert offered() == ["Match Blender's Light"]
    assert ops.match() == {"FINISHED"}
    assert offered() == ["Restore Trained Colours"]
    assert matched.is_matched(obj)
    assert np.array_equal(trained(obj), before)
    assert np.abs(shown(obj) - before).max() > 0.05
    assert driver.state.job is None
    assert "matched to Blender's light" in driver.state.message
    numbers = [float(word) for word in driver.state.message.replace(",", "").split() if word[0].isdigit()]
    assert numbers[0] < 0.7 * numbers[2]
    assert not (driver.scenes.working_folder(obj.splatcut.uid) / "matched").exists()
    first = shown(obj)
    assert ops.match() == {"FINISHED"}  # again from the trained colours
    assert np.array_equal(shown(obj), first)
    ops.restore_colours()
    assert np.array_equal(shown(obj), before)
    assert "as trained already" in refused(ops.restore_colours)


def test_results_are_matched_together_and_bad_input_gets_a_sentence(driver: Driver) -> None:
    source = soft_balls()
    parts = [balls("vase"), balls("background")]
    for part, name in zip(parts, ("vase", ""), strict=True):
        part.splatcut.result_of, part.splatcut.result_name, part.splatcut.result_run = source.splatcut.uid, name, "r"
    assert {obj.name for obj in matched.targets(bpy.context)} == {"vase", "background"}
    assert ops.match() == {"FINISHED"}
    assert [matched.is_matched(obj) for obj in (source, *parts)] == [False, True, True]
    assert offered() == ["Restore Trained Colours"]
    parts[0].splatcut.result_aside = True
    assert [obj.name for obj in matched.targets(bpy.context)] == ["background"]
    ops.restore_colours()
    assert [matched.is_matched(obj) for obj in parts] == [True, False]
    bpy.context.view_layer.objects.active = source
    source.splatcut.view_source, source.splatcut.cameras_path = "DATASET", "/nowhere/cameras.json"
    assert "do not exist" in refused(ops.match)
    assert not matched.is_matched(source)


def test_splats_that_change_meanwhile_stay_as_they_are(driver: Driver) -> None:
    obj = soft_balls()
    work = matched.Matching([obj])
    work.write()
    attributes.write(obj.data, layout.BASE, "FLOAT4", np.ones((attributes.count(obj.data), 4), np.float32))
    splats.changed(obj)
    with pytest.raises(UserError, match="was changed while"):
        work.deliver(MatchResult(work.out, 240, before=1.0, after=0.5))
    assert not matched.is_matched(obj)
