# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews and runs with the real engine from inside Blender."""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from blender_driver import Driver, prompts_of, refused

DEMO = Path(__file__).resolve().parents[2] / "demo"

# Continuous integration tests three modules of Blender; a real Blender runs everything.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not bpy.app.binary_path and bpy.app.version >= (5, 0), reason="takes minutes; runs in Blender 4.5"
    ),
]


@pytest.mark.skipif(
    not bpy.app.binary_path and bpy.app.version >= (5, 3), reason="test_artist.py goes this way in Blender 5.3"
)
def test_preview_then_cut(driver: Driver, splat: Any) -> None:
    uid, count = splat.splatcut.uid, 45_000
    assert bpy.ops.splatcut.preview() == {"FINISHED"}
    shown = driver.state.preview(uid)
    assert shown.labels.shape == shown.probability.shape == (count,)
    assert shown.objects == (splat.splatcut.objects[0].uid,)
    assert not shown.stale
    assert not shown.early
    truth = np.load(DEMO / "labels.npz")
    assert 3000 < (shown.labels == 1).sum() < 7000
    assert driver.state.job is None

    fractions: list[float] = []
    stages: list[str] = []

    def listen() -> None:
        job = driver.state.job
        if job is not None and job.kind == "run":
            fractions.append(job.fraction)
            stages.append(job.stage)

    driver.state.listeners.append(listen)
    splat.splatcut.refine = True
    assert bpy.ops.splatcut.run() == {"FINISHED"}
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {"masks", "lift", "refine"} <= set(stages)
    assert driver.state.job is None
    assert "1 object cut out" in driver.state.message

    results = [obj for obj in bpy.data.objects if obj.splatcut.result_of == uid]
    assert {obj.splatcut.result_name: obj.name for obj in results} == {"teapot": "teapot", "": "capture background"}
    for obj in results:
        assert np.allclose(obj.matrix_world, splat.matrix_world, atol=1e-6)
        assert [c.name for c in obj.users_collection] == ["capture cut"]
        assert obj.visible_get()
        assert obj.splatcut.uid not in ("", uid)
    # Gaussians that reach over an edge are in two parts.
    assert count <= sum(len(driver.splats.arrays(obj).positions) for obj in results) < 1.1 * count
    assert splat.hide_get()
    assert splat.hide_render

    labels, probability, variance, island = driver.labelled.read(splat)
    teapot = next(obj for obj in results if obj.splatcut.result_name)
    assert labels.shape == probability.shape == (count,)
    assert (labels == 1).sum() == pytest.approx(len(driver.splats.arrays(teapot).positions), rel=0.2)
    assert probability.min() >= 0
    assert probability.max() <= 1
    assert probability[labels == 1].mean() > 0.8
    assert variance.shape == (count,)
    assert 0 < (variance > splat.splatcut.tau).mean() < 0.5
    assert variance.max() <= 1
    assert not island[labels > 0].any()
    names = [str(name) for name in truth["names"]] if "names" in truth else []
    if "teapot" in names:
        own = truth["labels"] == names.index("teapot") + 1
        assert (own & (labels == 1)).sum() / (own | (labels == 1)).sum() > 0.7

    # The same again takes what is there, and the earlier results give way.
    before = time.monotonic()
    assert bpy.ops.splatcut.run() == {"FINISHED"}
    assert time.monotonic() - before < 20
    assert not any(obj.visible_get() for obj in results)


def test_stray_parts_are_kept_without_doing_everything_again(driver: Driver, splat: Any) -> None:
    splat.splatcut.refine = False
    uid = splat.splatcut.uid
    assert bpy.ops.splatcut.run() == {"FINISHED"}
    before = driver.labelled.read(splat)
    sent = driver.labelled.island_count(splat)
    assert sent == (before.island > 0).sum() > 0
    assert not before.labels[before.island > 0].any()
    assert bpy.ops.splatcut.keep_islands() == {"FINISHED"}
    assert splat.splatcut.keep_islands
    after = driver.labelled.read(splat)
    assert driver.labelled.island_count(splat) == 0
    assert (after.labels[before.island > 0] == before.island[before.island > 0]).all()
    (report,) = driver.scenes.folder(uid).glob("runs/*/report.json")  # one folder for both cuts
    stages = {stage["name"]: stage["resumed"] for stage in json.loads(report.read_text(encoding="utf-8"))["stages"]}
    assert {name for name, resumed in stages.items() if not resumed} == {"load", "extract", "write"}


def test_holes_are_filled_in_a_run_and_afterwards_alike(driver: Driver, splat: Any) -> None:
    def filled() -> Any:
        (scene,) = [o for o in bpy.data.objects if o.splatcut.result_name == "healed/background" and o.visible_get()]
        rows = driver.splats.read(scene).table.rows
        assert 100 < (rows["splatcut_filled"] == 2).sum() < 0.2 * len(rows)
        return rows

    splat.splatcut.refine = False
    uid = splat.splatcut.uid
    assert bpy.ops.splatcut.run() == {"FINISHED"}
    (background,) = [o for o in bpy.data.objects if o.splatcut.result_of == uid and not o.splatcut.result_name]
    shown: list[tuple[str, str]] = []
    driver.state.listeners.append(lambda: driver.state.job and shown.append(dataclasses.astuple(driver.state.job)[:2]))
    operator = importlib.import_module(driver.run.__name__.rpartition(".")[0] + ".heal")

    # Stopped, nothing changes.
    running = operator.start(bpy.context, uid, ("teapot",))
    driver.pump_until(lambda: driver.state.job is not None and driver.state.job.stage == "sights")
    assert not bpy.ops.splatcut.run.poll()
    bpy.ops.splatcut.cancel()
    driver.pump_until(lambda: driver.state.job is None)
    assert (running.cancelled, driver.state.message) == (True, "Stopped. Nothing was changed.")
    assert background.visible_get()

    assert bpy.ops.splatcut.heal(name="teapot") == {"FINISHED"}  # it is the only one
    assert {kind for kind, _ in shown} == {"heal"}
    assert {"sights", "holes", "healed"} <= {stage for _, stage in shown}
    assert "marked as made up" in driver.state.message
    assert not background.visible_get()
    alone = filled()
    splat.splatcut.heal = True
    assert bpy.ops.splatcut.run() == {"FINISHED"}
    assert np.array_equal(filled(), alone)


def test_a_saved_file_that_is_opened_elsewhere_goes_on(driver: Driver, splat: Any, tmp_path: Path, cache: Path) -> None:
    assert bpy.ops.splatcut.preview() == {"FINISHED"}
    before = prompts_of(splat)
    labels = driver.state.preview(splat.splatcut.uid).labels.copy()
    path = tmp_path / "elsewhere" / "moved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    path.parent.mkdir()
    (tmp_path / "saved.blend").rename(path)
    shutil.rmtree(cache / "scenes", ignore_errors=True)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    again: Any = next(obj for obj in bpy.data.objects if obj.splatcut.is_splat)
    bpy.context.view_layer.objects.active = again
    assert driver.state.previews == {}
    assert prompts_of(again) == before
    assert bpy.ops.splatcut.preview() == {"FINISHED"}
    assert np.array_equal(driver.state.preview(again.splatcut.uid).labels, labels)


def test_a_splat_that_goes_away_during_its_run(driver: Driver, splat: Any) -> None:
    splat.splatcut.refine = False
    uid = splat.splatcut.uid
    driver.run.start(bpy.context, uid)
    driver.pump_until(lambda: driver.state.job is not None and driver.state.job.stage == "masks")
    bpy.data.objects.remove(splat)
    driver.pump_until(lambda: driver.state.job is None)
    assert "no longer exists" in driver.state.message
    assert "The results are in" in driver.state.message


def test_opening_another_file_stops_the_run_for_the_old_one(driver: Driver, splat: Any) -> None:
    driver.run.start(bpy.context, splat.splatcut.uid)
    driver.pump_until(lambda: driver.state.job is not None and driver.state.job.stage == "masks")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert driver.state.job is None
    driver.pump_until(lambda: driver.worker.session().idle, 5)
    assert driver.state.message == ""
    assert not any(obj.splatcut.is_splat for obj in bpy.data.objects)
    bpy.ops.splatcut.import_splats(filepath=str(DEMO / "scene.ply"))
    assert bpy.ops.splatcut.run.poll()


def test_nothing_to_cut_is_said(driver: Driver, splat: Any) -> None:
    splat.splatcut.objects.clear()
    assert "click on it" in refused(bpy.ops.splatcut.run)
    assert "nothing to preview" in refused(bpy.ops.splatcut.preview)


def test_views_as_cameras(driver: Driver, splat: Any) -> None:
    assert bpy.ops.splatcut.load_views(create_cameras=True) == {"FINISHED"}
    assert "views, all with photos." in driver.state.message
    cameras: Any = bpy.data.collections["capture cameras"].objects
    assert len(cameras) >= 6
    view = next(v for v in driver.worker.session().views.views if v.name == "view_049")
    made = cameras["view_049"]
    assert made.data.background_images[0].image.filepath.endswith("view_049.jpg")
    # As a view of Blender's it is the view that it came from.
    bpy.context.view_layer.update()
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = view.width, view.height, 100
    views = importlib.import_module(driver.worker.__name__.rpartition(".")[0] + ".views")
    back = next(
        v
        for v in views.blender_views(bpy.context, splat, bpy.data.collections["capture cameras"])
        if v.name == "view_049"
    )
    assert np.allclose(back.camera_from_world, view.camera_from_world, atol=1e-5)
    assert np.allclose((back.fx, back.cx, back.cy), (view.fx, view.cx, view.cy), atol=0.01)

    splat.splatcut.view_source = "CAMERAS"
    assert "Choose the collection" in refused(bpy.ops.splatcut.load_views)
    splat.splatcut.camera_collection = bpy.data.collections["capture cameras"]
    assert bpy.ops.splatcut.load_views() == {"FINISHED"}
    splat.splatcut.view_source = "DATASET"
    splat.splatcut.cameras_path = str(Path(sys.prefix) / "nowhere.json")
    assert "do not exist" in refused(bpy.ops.splatcut.load_views)


def test_a_test_of_the_environment(driver: Driver, addon: str) -> None:
    operators = importlib.import_module(f"{addon}.ops.environment")
    assert bpy.ops.splatcut.test_environment() == {"FINISHED"}
    assert operators.answer[-1] == "The engine has everything it needs."
    assert driver.state.job is None
