# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Healed scenes among the results of a run: which of them is shown, and what stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import healed, results, splats, state
from bl_ext.user_default.splatcut.ui import panels, situation
from blender_driver import refused
from blender_scene import balls, count_of
from recording_layout import RecordingLayout
from two_balls import two_balls

from splatcut.formats import SplatFile, write_splats
from splatcut.formats.ply import new_table
from splatcut.messages.worker import HealResult, RunResult

ops: Any = bpy.ops.splatcut
NAMES = ("red", "blue")


@pytest.fixture
def source() -> Any:
    """A splat with two objects in its list, moved away."""
    state.clear()
    obj = balls("capture")
    for name in NAMES:
        ops.object_add(name=name)
    obj.location = (1.0, 2.0, 3.0)
    bpy.context.view_layer.update()
    return obj


def write_filled(path: Path, count: int) -> Path:
    """A healed scene of ``count`` Gaussians, the last ten of them made up."""
    rows = two_balls().table.rows[:count]
    wide = np.zeros(count, np.dtype([*((n, rows.dtype[n]) for n in rows.dtype.names), ("splatcut_filled", "u1")]))
    for name in rows.dtype.names:
        wide[name] = rows[name]
    wide["splatcut_filled"][-10:] = 2
    path.parent.mkdir(exist_ok=True)
    write_splats(path, SplatFile.from_table(new_table(wide.dtype, wide), "a test"))
    return path


def cut(source: Any, folder: Path, *, heal: bool) -> dict[str, Any]:
    """The results of a run on ``source`` as Blender has them, by name: 300 red, 300 blue, 1000 others."""
    rows = two_balls()
    (folder / "objects").mkdir(parents=True, exist_ok=True)
    parts = {"red": np.arange(300), "blue": np.arange(300, 600), "": np.arange(600, 1600)}
    files = {name: folder / (f"objects/{name}.ply" if name else "background.ply") for name in parts}
    for name, chosen in parts.items():
        write_splats(files[name], rows.take(chosen))
    labels = np.repeat([1, 2, 0], [300, 300, 1000])
    shares = np.stack([labels == 1, labels == 2], axis=1).astype(np.float32)
    np.savez(folder / "labels.npz", labels=labels, parent=np.arange(1600), probability=shares)
    filled = write_filled(folder / "healed/background.ply", 1100) if heal else None
    result = RunResult(
        folder, {name: files[name] for name in NAMES}, files[""], {}, (), folder / "report.json", healed=filled
    )
    uids = tuple(item.uid for item in source.splatcut.objects)
    results.deliver(bpy.context, source.splatcut.uid, result, NAMES, uids)
    bpy.context.view_layer.update()
    return made(source)


def made(source: Any) -> dict[str, Any]:
    """The latest results by name."""
    return {obj.splatcut.result_name: obj for obj in healed.latest(bpy.context, source)}


def visible(source: Any) -> set[str]:
    """The names of the latest results that are seen, which must be those that are rendered."""
    found = made(source)
    seen = {name for name, obj in found.items() if obj.visible_get()}
    assert seen == {name for name, obj in found.items() if not obj.hide_render}
    return seen


def fill(source: Any, folder: Path) -> Any:
    """Delivers the scene without the red object."""
    file = write_filled(folder / "healed/without_red.ply", 1400)
    result = HealResult("without_red", file, None, folder, {"dropped": 0, "recoloured": 0, "made_up": 10}, ())
    return healed.deliver(bpy.context, source.splatcut.uid, result, ("red",))


def test_the_healed_background_is_shown_and_the_other_kept(source: Any, tmp_path: Path) -> None:
    found = cut(source, tmp_path, heal=True)
    assert {obj.name for obj in found.values()} == {"red", "blue", "capture background", "capture background healed"}
    assert visible(source) == {"red", "blue", "healed/background"}
    assert not source.visible_get()
    scene = found["healed/background"]
    assert np.allclose(scene.matrix_world, source.matrix_world)
    kept = splats.read(scene).table.rows["splatcut_filled"]
    assert (kept[-10:] == 2).all()
    assert not kept[:-10].any()
    assert ops.show_scene(name="") == {"FINISHED"}
    assert visible(source) == {"red", "blue", ""}
    assert [obj.name for obj in splats.results(bpy.context.scene, source.splatcut.uid)] == [
        found[name].name for name in ("red", "blue", "")
    ]
    assert "no such background" in refused(lambda: ops.show_scene(name="red"))
    assert visible(source) == {"red", "blue", ""}


def test_going_back_to_the_splat_forgets_no_choice(source: Any, tmp_path: Path) -> None:
    cut(source, tmp_path, heal=True)
    for shown in (set(), {"red", "blue", "healed/background"}):
        ops.show_source()
        assert visible(source) == shown
        assert source.visible_get() == (not shown)
    made(source)["blue"].hide_set(True)  # by hand
    made(source)["blue"].hide_render = True
    ops.show_scene(name="")
    assert visible(source) == {"red", ""}


def test_one_hole_is_filled_beside_what_is_there(source: Any, tmp_path: Path) -> None:
    found = cut(source, tmp_path, heal=True)
    found[""].location.x += 5
    bpy.context.view_layer.update()
    scene = fill(source, tmp_path)
    assert scene.name == "capture without red"
    assert count_of(scene) == 1400
    # The blue object is part of that scene.
    assert visible(source) == {"red", "healed/without_red"}
    bpy.context.view_layer.update()
    assert np.allclose(scene.matrix_world, found[""].matrix_world)
    assert [c.name for c in scene.users_collection] == [c.name for c in found[""].users_collection]
    again = fill(source, tmp_path)
    assert again.name == "capture without red"
    assert len(made(source)) == 5
    ops.show_scene(name="healed/background")
    assert visible(source) == {"red", "blue", "healed/background"}


def test_a_hole_is_filled_only_of_a_cut_that_is_there(source: Any, tmp_path: Path) -> None:
    assert "Cut the objects first" in refused(ops.heal)
    cut(source, tmp_path / "run", heal=False)
    assert "not among the objects of the last cut: " in refused(lambda: ops.heal(name="green"))
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    assert "gone from the cache" in refused(lambda: ops.heal(name="red"))
    assert visible(source) == {"red", "blue", ""}
    assert state.job is None


def test_the_panel_offers_the_scenes_and_the_holes(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(situation, "engine_problem", lambda: "")

    def drawn() -> RecordingLayout:
        layout = RecordingLayout()
        panels.SPLATCUT_PT_run.fill(None, bpy.context, layout, source)  # type: ignore[arg-type]
        return layout

    assert not drawn().buttons("splatcut.heal")
    cut(source, tmp_path, heal=False)
    assert [b.properties.get("name") for b in drawn().buttons("splatcut.heal")] == [None, "blue"]
    assert not drawn().buttons("splatcut.show_scene")
    bpy.context.view_layer.objects.active = made(source)["red"]
    assert [b.properties.get("name") for b in drawn().buttons("splatcut.heal")] == [None, "red"]
    fill(source, tmp_path)
    buttons = drawn().buttons("splatcut.show_scene")
    assert [(b.arguments["text"], b.arguments["depress"]) for b in buttons] == [
        ("Background as cut", False),
        ("Without red", True),
    ]
