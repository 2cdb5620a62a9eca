# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews and runs with the real engine from inside Blender, and what happens when it is killed at any moment."""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from blender_driver import Driver
from small_demo import write_small_demo

DEMO = Path(__file__).resolve().parents[2] / "demo"
FAKE = Path(__file__).resolve().parents[1] / "support" / "fake_worker.py"
#: The stages in which the engine is killed.
STAGES = ("load", "masks", "lift", "refine", "final masks")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of their own for these tests, which share the views' embeddings."""
    folder = tmp_path_factory.mktemp("cache")
    before = {name: os.environ.get(name) for name in ("SPLATCUT_CACHE", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS")}
    os.environ["SPLATCUT_CACHE"] = str(folder)
    yield folder
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture
def driver(addon: str, cache: Path) -> Iterator[Driver]:
    made = Driver(addon)
    made.worker.close()
    yield made
    made.run.abandon()
    made.worker.close()
    made.worker.limits = made.client.Limits()
    made.state.listeners.clear()
    made.state.clear()


@pytest.fixture
def splat(driver: Driver, tmp_path: Path) -> Any:
    """The demo scene, imported from a file that is gone, moved about, with the teapot prompted."""
    source = tmp_path / "capture.ply"
    shutil.copyfile(DEMO / "scene.ply", source)
    bpy.ops.splatcut.import_splats(filepath=str(source))
    source.unlink()
    obj: Any = driver.splats.active(bpy.context)
    obj.location, obj.rotation_euler, obj.scale = (1.0, 2.0, 3.0), (0.3, 0.2, 0.1), (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    cameras, prompts = write_small_demo(DEMO, tmp_path)
    settings = obj.splatcut
    settings.view_source, settings.cameras_path, settings.images_path = "DATASET", str(cameras), str(DEMO / "images")
    settings.quality = "draft"
    bpy.ops.splatcut.prompts_load(filepath=str(prompts))
    return obj


def prompts_of(obj: Any) -> list[tuple[object, ...]]:
    return [
        (item.name, item.uid, *((p.uid, p.positive, tuple(p.pixels), tuple(p.position)) for p in item.prompts))
        for item in obj.splatcut.objects
    ]


def refused(operator: Callable[..., Any]) -> str:
    """The sentence with which an operator fails."""
    with pytest.raises(RuntimeError) as caught:
        operator()
    return str(caught.value)


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

    labels, probability = driver.splats.labels(splat)
    teapot = next(obj for obj in results if obj.splatcut.result_name)
    assert labels.shape == probability.shape == (count,)
    assert (labels == 1).sum() == pytest.approx(len(driver.splats.arrays(teapot).positions), rel=0.2)
    assert probability.min() >= 0
    assert probability.max() <= 1
    assert probability[labels == 1].mean() > 0.8
    variance = driver.splats.variance(splat)
    assert variance.shape == (count,)
    assert 0 < (variance > splat.splatcut.tau).mean() < 0.5
    assert variance.max() <= 1
    names = [str(name) for name in truth["names"]] if "names" in truth else []
    if "teapot" in names:
        own = truth["labels"] == names.index("teapot") + 1
        assert (own & (labels == 1)).sum() / (own | (labels == 1)).sum() > 0.7

    # The same again takes what is there, and the earlier results give way.
    before = time.monotonic()
    assert bpy.ops.splatcut.run() == {"FINISHED"}
    assert time.monotonic() - before < 20
    assert not any(obj.visible_get() for obj in results)


def test_killing_the_engine_at_each_stage_loses_nothing(driver: Driver, splat: Any) -> None:
    before = prompts_of(splat)
    killed: list[str] = []
    target = ""

    def kill() -> None:
        job = driver.state.job
        if job is not None and job.kind == "run" and job.stage == target and target not in killed:
            killed.append(target)
            os.kill(driver.pid(), signal.SIGKILL)

    driver.state.listeners.append(kill)
    splat.splatcut.seed = 1  # a job that no other test has finished
    for stage in STAGES:
        target = stage
        said = refused(bpy.ops.splatcut.run)
        assert killed[-1] == stage
        assert "was killed" in said
        assert "Finished stages are kept" in said
        assert driver.state.message_level == "ERROR"
        assert driver.state.job is None
        assert driver.state.worker.phase == "dead"
        assert prompts_of(splat) == before
        assert [obj for obj in bpy.data.objects if obj.splatcut.result_of] == []
        assert not splat.hide_get()
    target = ""
    stages: list[str] = []
    driver.state.listeners.append(lambda: driver.state.job and stages.append(driver.state.job.stage))
    assert bpy.ops.splatcut.run() == {"FINISHED"}
    # It went on after the last stage that was finished: the others are only counted.
    assert stages.count("refine") < 5
    assert stages.count("final masks") > 1
    assert len([obj for obj in bpy.data.objects if obj.splatcut.result_of]) == 2


def test_killing_the_engine_while_idle_and_during_a_preview(driver: Driver, splat: Any) -> None:
    before = prompts_of(splat)
    uid = splat.splatcut.uid
    assert bpy.ops.splatcut.preview() == {"FINISHED"}
    os.kill(driver.pid(), signal.SIGKILL)
    driver.pump_until(lambda: driver.state.worker.phase == "dead")
    assert "prompts and objects are unchanged" in driver.state.worker.detail
    assert bpy.ops.splatcut.preview() == {"FINISHED"}

    driver.worker.restart()  # so that it has something to do
    fired: list[int] = []

    def kill() -> None:
        job = driver.state.job
        if job is not None and job.kind == "preview" and job.fraction and not fired:
            fired.append(driver.pid())
            os.kill(fired[0], signal.SIGKILL)

    driver.state.listeners.append(kill)
    splat.splatcut.objects[0].grow = 0.1
    assert driver.state.preview(uid).stale
    said = refused(bpy.ops.splatcut.preview)
    assert len(fired) == 1
    assert "try again" in said
    assert driver.state.preview(uid).stale
    assert driver.state.job is None
    assert bpy.ops.splatcut.preview() == {"FINISHED"}
    assert not driver.state.preview(uid).stale
    assert driver.state.message == ""
    assert prompts_of(splat) == before


def test_an_engine_that_never_answers(driver: Driver, splat: Any) -> None:
    driver.worker.limits = driver.client.Limits(silence=2.0, start=60.0, cancel=2.0)
    driver.worker.restart()
    before = prompts_of(splat)
    assert bpy.ops.splatcut.preview() == {"FINISHED"}
    os.kill(driver.pid(), signal.SIGSTOP)
    splat.splatcut.objects[0].grow = 0.2
    said = refused(bpy.ops.splatcut.preview)
    assert "no sign of life for 2 s" in said
    assert bpy.ops.splatcut.preview() == {"FINISHED"}
    assert prompts_of(splat) == before


@pytest.mark.parametrize(
    ("modes", "sentence"),
    [
        ("version=9.9.9", "Create the environment again"),
        ("die=hello", "could not start"),
        ("die=load_scene", "exited with code 7"),
        ("fail=load_scene:memory", "It is wrong"),
        ("die=run", "Finished stages are kept"),
    ],
)
def test_an_engine_that_is_broken(
    driver: Driver, splat: Any, modes: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = prompts_of(splat)
    driver.worker.close()
    script = tmp_path / "python"
    python = os.environ["SPLATCUT_WORKER_PYTHON"]
    script.write_text(f"#!/bin/sh\nexec {python} {FAKE} {modes}\n", encoding="utf-8")
    script.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("SPLATCUT_WORKER_PYTHON", str(script))
        operator = bpy.ops.splatcut.run if modes == "die=run" else bpy.ops.splatcut.preview
        assert sentence in refused(operator)
        assert prompts_of(splat) == before
    driver.worker.restart()
    assert bpy.ops.splatcut.preview() == {"FINISHED"}


def test_a_missing_environment(driver: Driver, splat: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver.worker.close()
    with monkeypatch.context() as patch:
        patch.setenv("SPLATCUT_WORKER_PYTHON", str(tmp_path / "nowhere" / "python"))
        for operator in (bpy.ops.splatcut.preview, bpy.ops.splatcut.run, bpy.ops.splatcut.test_environment):
            said = refused(operator)
            assert "does not exist" in said
            assert "preferences" in said
        (tmp_path / "half").mkdir()
        (tmp_path / "half" / "splatcut-unfinished").touch()
        patch.setenv("SPLATCUT_WORKER_PYTHON", str(tmp_path / "half"))
        assert "is incomplete" in refused(bpy.ops.splatcut.run)
    assert driver.state.job is None
    assert bpy.ops.splatcut.preview() == {"FINISHED"}


def test_a_full_disk(driver: Driver, splat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, splats: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(driver.scenes, "write_splats", full)
        driver.scenes.forget()
        driver.worker.restart()
        for operator in (bpy.ops.splatcut.preview, bpy.ops.splatcut.run):
            assert "disk is full" in refused(operator)
    with monkeypatch.context() as patch:
        patch.setattr(driver.jobs, "free_space", lambda folder: 10_000_000)
        said = refused(bpy.ops.splatcut.run)
        assert "10 MB left" in said
    assert driver.state.job is None
    assert bpy.ops.splatcut.preview() == {"FINISHED"}


def test_cancel_is_quick_and_the_run_goes_on_later(driver: Driver, splat: Any) -> None:
    splat.splatcut.seed = 2
    splat.splatcut.trust_masks = True
    running = driver.run.start(bpy.context, splat.splatcut.uid)
    assert running.job is not None
    assert (running.job.options.seed, running.job.options.trust_masks) == (2, True)
    driver.pump_until(lambda: driver.state.job is not None and driver.state.job.stage in ("refine", "masks"))
    assert not bpy.ops.splatcut.run.poll()
    before = time.monotonic()
    assert bpy.ops.splatcut.cancel() == {"FINISHED"}
    assert driver.state.job.cancelling
    driver.pump_until(lambda: driver.state.job is None)
    assert time.monotonic() - before < 3
    assert running.cancelled
    assert "Stopped" in driver.state.message
    assert driver.state.message_level == "INFO"
    assert driver.state.worker.phase in ("ready", "busy")
    assert bpy.ops.splatcut.run() == {"FINISHED"}


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
