# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens in Blender when the engine is killed at any moment, hangs, is broken or is told to stop."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

import bpy
import pytest
from blender_driver import Driver, prompts_of, refused

FAKE = Path(__file__).resolve().parents[1] / "support" / "fake_worker.py"
#: The stages in which the engine is killed.
STAGES = ("load", "masks", "lift", "refine", "final masks")

# Continuous integration tests three modules of Blender; a real Blender runs everything.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not bpy.app.binary_path and bpy.app.version >= (5, 0), reason="about the engine's process; runs in Blender 4.5"
    ),
]


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
