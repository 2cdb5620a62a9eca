# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels in every state, drawn into a layout that writes down what Blender would show."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import labelled, state
from bl_ext.user_default.splatcut.bridge.labelled import Labelled
from bl_ext.user_default.splatcut.core import jobs
from bl_ext.user_default.splatcut.ui import lists, panels, situation, tool
from blender_scene import balls, front, pixel, show_preview
from recording_layout import RecordingLayout
from two_balls import RADIUS

from splatcut.messages import OPTIONS, SCENE_OPTIONS, JobOptions

ops: Any = bpy.ops.splatcut


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Any:
    """No message, job or preview from other tests, and an engine that is there."""
    state.clear()
    monkeypatch.setattr(situation, "engine_problem", lambda: "")
    yield
    state.clear()


@pytest.fixture
def obj() -> Any:
    return balls()


def draw(*names: str) -> RecordingLayout:
    """What the panels (all, or those named) draw."""
    layout = RecordingLayout()
    for panel in panels.CLASSES:
        if not names or panel.__name__.removeprefix("SPLATCUT_PT_") in names:
            cls = type(panel.__name__, (), {k: v for k, v in vars(panel).items() if callable(v)})
            for base in reversed(panel.__mro__):
                for key, value in vars(base).items():
                    if key in ("draw", "fill") and callable(value):
                        setattr(cls, key, value)
            instance: Any = cls()
            instance.layout = layout
            instance.draw(bpy.context)
    return layout


def said(layout: RecordingLayout) -> str:
    return " ".join(layout.texts)


def clicked(obj: Any, name: str = "vase") -> Any:
    ops.object_add(name=name)
    ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front())
    return obj.splatcut


def test_the_panels_are_in_the_order_of_the_work() -> None:
    order = [panel.bl_label for panel in panels.CLASSES if not hasattr(panel, "bl_parent_id")]
    assert order == ["SplatCut", "1  Import", "2  Objects and Clicks", "3  Views", "4  Cut", "5  Export"]
    assert {panel.bl_category for panel in panels.CLASSES} == {"SplatCut"}


def test_without_a_splat_there_is_only_the_import() -> None:
    layout = draw()
    assert "Import a splat" in said(layout)
    assert [d.arguments["operator"] for d in layout.drawn if d.kind == "operator"] == ["splatcut.import_splats"]
    assert layout.texts.count("Needs a splat") == 5


def test_with_a_splat_every_step_has_its_buttons(obj: Any) -> None:
    clicked(obj)
    layout = draw()
    for idname in (
        "splatcut.import_splats",
        "wm.tool_set_by_id",
        "splatcut.object_add",
        "splatcut.object_remove",
        "splatcut.object_move",
        "splatcut.object_grow",
        "splatcut.prompt_delete",
        "splatcut.prompt_clear",
        "splatcut.run",
        "splatcut.export_splats",
    ):
        assert layout.buttons(idname), idname
    assert [b.properties["direction"] for b in layout.buttons("splatcut.object_move")] == ["UP", "DOWN"]
    assert [b.properties["amount"] for b in layout.buttons("splatcut.object_grow")] == [-0.1, 0.1]
    assert [d.arguments["listtype_name"] for d in layout.drawn if d.kind == "template_list"] == [
        "SPLATCUT_UL_objects",
        "SPLATCUT_UL_prompts",
    ]
    assert "1.6k Gaussians" in said(layout)
    (tool_button,) = draw("objects").buttons("wm.tool_set_by_id")
    assert tool_button.properties == {"name": tool.SplatCutTool.bl_idname, "space_type": "VIEW_3D"}


def test_the_details_of_a_cut(obj: Any) -> None:
    layout = draw("run_details")
    assert layout.properties() == ["trust_masks", "keep_islands", "trust_cameras", "tau", "show_boundary", "seed"]
    assert [b.properties for b in layout.buttons("splatcut.run")] == [{"fresh": True}]
    assert not obj.splatcut.trust_masks


def test_every_option_of_a_scene_is_a_property_that_is_drawn(obj: Any) -> None:
    drawn = [*draw("run").properties(), *draw("run_details").properties()]
    drawn.remove("show_boundary")  # of what is shown, not of the cut
    assert drawn == list(SCENE_OPTIONS)
    for name in SCENE_OPTIONS:
        option, known = OPTIONS[name], obj.splatcut.bl_rna.properties[name]
        assert getattr(obj.splatcut, name) == pytest.approx(option.default)
        assert known.name == option.label
        assert known.description.lower() == option.help.lower()
        if option.choices:
            assert tuple(known.enum_items.keys()) == option.values
        if option.type is float:
            assert (option.low < known.hard_min, known.hard_max) == (True, option.high)
    obj.splatcut.tau = 0.25
    obj.splatcut.quality = "fine"
    assert jobs.options_of(obj.splatcut, "auto", None) == JobOptions(quality="fine", tau=0.25)


def test_the_hint_goes_from_step_to_step(obj: Any) -> None:
    assert "Activate the SplatCut tool" in said(draw("guide"))
    values = clicked(obj)
    assert draw("guide").buttons("splatcut.preview")
    show_preview(values.id_data, early=True)
    assert "first look" in said(draw("guide"))
    show_preview(values.id_data)
    assert "Does the tint cover the object?" in said(draw("guide"))
    show_preview(values.id_data, stale=True)
    assert "out of date" in said(draw("guide"))
    assert draw("guide").buttons("splatcut.preview")
    ops.object_add(name="table")
    assert "Click on 'table'" in said(draw("guide"))


def test_without_an_engine_there_is_a_button_that_makes_it(
    monkeypatch: pytest.MonkeyPatch, obj: Any, addon: str
) -> None:
    monkeypatch.setattr(situation, "engine_problem", lambda: "The engine has no environment yet.")
    layout = draw("guide")
    assert "no environment yet" in said(layout)
    assert layout.buttons("splatcut.create_environment")
    assert layout.buttons("preferences.addon_show")[0].properties == {"module": addon}
    # The same, said by what was tried, is not repeated.
    state.say("The engine has no environment yet. Create it.", "ERROR")
    assert not draw("guide").buttons("splatcut.dismiss")
    state.say("The file is broken.", "ERROR")
    assert draw("guide").buttons("splatcut.dismiss")


def test_the_engine_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    for path, problem in ((tmp_path / "no", "does not exist"), (Path(__file__), "")):
        monkeypatch.setenv("SPLATCUT_WORKER_PYTHON", str(path))
        monkeypatch.setattr(situation, "_engine", (0.0, ""))
        found = situation.engine_problem()
        assert problem in found
        assert bool(problem) == bool(found)
        # The answer is kept: drawing asks many times a second.
        monkeypatch.setenv("SPLATCUT_WORKER_PYTHON", "elsewhere")
        assert situation.engine_problem() == found


def test_a_run_shows_how_far_it_is_and_can_be_stopped(obj: Any) -> None:
    values = clicked(obj)
    state.set_job(state.JobStatus("run", "masks", 0.42, 75.0, "Masks (2 of 6), 1 min left", values.uid))
    layout = draw()
    bars = [d for d in layout.drawn if d.kind == "progress"]
    assert bars
    assert all(d.arguments["factor"] == 0.42 for d in bars)
    assert all(d.arguments["text"] == "42%" for d in bars)
    assert "Masks (2 of 6), 1 min left" in said(layout)
    assert all(b.enabled for b in layout.buttons("splatcut.cancel"))
    assert not draw("run").buttons("splatcut.run")
    assert not any(d.enabled for d in draw("run").drawn if d.kind == "prop")
    state.set_job(state.JobStatus("run", "masks", 0.42, 75.0, "Stopping", values.uid, cancelling=True))
    assert not any(b.enabled for b in draw().buttons("splatcut.cancel"))
    state.set_job(state.JobStatus("views", message="Preparing views"))
    assert "Preparing views" in said(draw("guide"))


def test_errors_are_shown_whole_with_the_log_and_can_be_put_away(obj: Any) -> None:
    text = "The engine ran out of memory while it prepared the views. Close other programs and try it again."
    state.say(text, "ERROR")
    layout = draw("guide")
    assert text in said(layout)
    assert layout.buttons("splatcut.show_log")
    ops.dismiss()
    assert not draw("guide").buttons("splatcut.dismiss")
    state.say("Done: 2 objects cut out.")
    layout = draw("guide")
    assert "Done: 2 objects" in said(layout)
    assert not layout.buttons("splatcut.show_log")


def test_after_a_run_there_is_a_way_to_export_and_one_back(obj: Any) -> None:
    values = clicked(obj)
    (results, selected) = draw("export").buttons("splatcut.export_splats")
    assert (results.properties["what"], results.enabled) == ("RESULTS", False)
    assert (selected.properties["what"], selected.enabled) == ("SELECTED", True)
    cut = balls("vase cut")
    cut.splatcut.result_of = values.uid
    obj.hide_set(True)
    assert draw("export").buttons("splatcut.export_splats")[0].enabled
    layout = draw("guide")
    assert "Done" in said(layout)
    assert layout.buttons("splatcut.show_source")
    assert "Back to the Splat" in said(draw("run"))
    ops.show_source()
    assert "Show the Results" in said(draw("run"))


def test_stray_parts_are_counted_and_can_be_kept(obj: Any) -> None:
    clicked(obj)
    assert not draw("run").buttons("splatcut.show_islands")
    count = len(obj.data.attributes["position"].data)
    island = np.zeros(count, np.int32)
    island[:1234] = 1
    labelled.write(obj, Labelled(np.zeros(count, np.int32), np.ones(count, np.float32), island=island))
    layout = draw("run")
    assert "1,234 Gaussians" in said(layout)
    (show,), (keep,) = layout.buttons("splatcut.show_islands"), layout.buttons("splatcut.keep_islands")
    assert (show.enabled, keep.enabled) == (True, True)


def test_views_ask_for_what_they_need(obj: Any) -> None:
    values = clicked(obj)
    assert "No photos needed" in said(draw("views"))
    values.view_source = "DATASET"
    layout = draw("views")
    assert layout.properties() == ["view_source", "cameras_path", "images_path"]
    assert not layout.buttons("splatcut.load_views")
    assert "Choose the cameras" in said(layout)
    assert "Choose the cameras" in said(draw("guide"))
    values.cameras_path = "/capture"
    assert draw("views").buttons("splatcut.load_views")
    values.view_source = "CAMERAS"
    assert "Choose the camera collection" in said(draw("views"))
    values.camera_collection = bpy.data.collections.new("rig")
    assert "'rig' contains no cameras" in said(draw("views"))
    values.camera_collection.objects.link(bpy.data.objects.new("camera", bpy.data.cameras.new("camera")))
    assert draw("views").buttons("splatcut.load_views")


def test_lists_show_counts_and_prompts(obj: Any) -> None:
    values = clicked(obj)
    ops.prompt_add_point(x=3, y=3, positive=False, **front())
    ops.prompt_add_point(position=(0, 0, 0))
    at = pixel(-1, 0, RADIUS)
    ops.prompt_add_box(x0=at["x"] - 60, y0=at["y"] - 60, x1=at["x"] + 60, y1=at["y"] + 60, **front())

    def row(kind: Any, data: Any, item: Any) -> RecordingLayout:
        layout = RecordingLayout()
        kind.draw_item(SimpleNamespace(), bpy.context, layout, data, item, 0, data, "active", 0)
        return layout

    item = values.objects[0]
    assert "4 clicks" in said(row(lists.SPLATCUT_UL_objects, values, item))
    show_preview(values.id_data)
    layout = row(lists.SPLATCUT_UL_objects, values, item)
    assert "12.3k" in said(layout)
    assert layout.properties() == ["colour", "name", "visible"]
    texts = [row(lists.SPLATCUT_UL_prompts, item, prompt).texts[0] for prompt in item.prompts]
    assert texts == ["On it, in a view", "Not on it, in a view", "On it, in space", "Box around it"]
    flip = row(lists.SPLATCUT_UL_prompts, item, item.prompts[0]).buttons("splatcut.prompt_flip")
    assert flip[0].properties == {"uid": item.prompts[0].uid}


def test_counts_are_short() -> None:
    counts = (0, 999, 1000, 12_345, 99_949, 99_999, 999_499, 999_999, 1_234_567, 250_000_000)
    assert [lists.short(n) for n in counts] == [
        "0", "999", "1.0k", "12.3k", "99.9k", "100k", "999k", "1.0M", "1.2M", "250M",
    ]  # fmt: skip


def test_the_tools_keys_lead_to_operators_that_exist() -> None:
    for idname, event, extra in tool.SplatCutTool.bl_keymap:
        module, name = idname.split(".")
        rna = getattr(getattr(bpy.ops, module), name).get_rna_type()
        for key, _ in (extra or {}).get("properties", ()):
            assert key in rna.properties
        assert event["type"] in bpy.types.Event.bl_rna.properties["type"].enum_items
        assert event["value"] in bpy.types.Event.bl_rna.properties["value"].enum_items


def test_the_tools_header(obj: Any) -> None:
    def header() -> RecordingLayout:
        layout = RecordingLayout()
        tool.SplatCutTool.draw_settings(bpy.context, layout, None)
        return layout

    assert "Click on what you want" in said(header())
    clicked(obj)
    assert header().properties() == ["colour", "name", "grow"]
    bpy.context.view_layer.objects.active = None
    assert "Select a splat" in said(header())
