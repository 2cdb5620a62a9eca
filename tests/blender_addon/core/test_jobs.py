# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs made of the panel's choices, their folders, and progress in words."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from blender_addon.core import folders, jobs
from hypothesis import given
from hypothesis import strategies as st

from splatcut.errors import UserError
from splatcut.messages import (
    SCENE_OPTIONS,
    Job,
    JobOptions,
    ObjectPrompt,
    Points3DPrompt,
    from_json,
    to_json,
)
from splatcut.messages.worker import ProgressEvent

VASE = ObjectPrompt("vase", (Points3DPrompt(((0.0, 1.0, 2.0, 1),)),))


def build(tmp_path: Path, options: JobOptions | None = None, scene: str = "a.ply") -> Job:
    return jobs.build_job(tmp_path / scene, tmp_path / "runs", (VASE,), jobs.Sources(), (), options or JobOptions())


def test_a_job_says_what_the_panel_said(tmp_path: Path) -> None:
    values = {
        "quality": "fine", "refine": False, "soft_edges": True, "heal": True, "trust_masks": True,
        "keep_islands": True, "trust_cameras": True, "tau": 0.25, "seed": 7,
    }  # fmt: skip
    assert tuple(values) == SCENE_OPTIONS
    job = build(tmp_path, jobs.options_of(SimpleNamespace(**values), "cpu", "model.pth"))
    assert job.options == JobOptions(**values, device="cpu", model="model.pth")
    assert from_json(Job, to_json(job), "The job") == job
    single = SimpleNamespace(**{**values, "tau": float(np.float32(0.1))})
    assert jobs.options_of(single, "auto", "") == JobOptions(**{**values, "tau": 0.1})


def test_the_same_job_gets_the_same_folder_wherever_the_scene_lies(tmp_path: Path) -> None:
    first, second = build(tmp_path), build(tmp_path, scene="session-2/b.ply")
    assert first.out == second.out
    assert first.out.parent == tmp_path / "runs"
    assert build(tmp_path, JobOptions(device="cpu")).out == first.out
    others = {
        build(tmp_path, JobOptions(**change)).out for change in ({"seed": 1}, {"trust_masks": True}, {"refine": False})
    }
    assert len(others | {first.out}) == 4
    # What is settled last has the same folder, so that the engine goes on there.
    options = JobOptions(soft_edges=True, keep_islands=True, heal=not JobOptions().heal)
    late = replace(first, objects=(replace(VASE, grow=0.5),), options=options)
    assert jobs.job_key(late) == jobs.job_key(replace(first, options=JobOptions()))


def test_nothing_to_cut_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="click on it"):
        jobs.build_job(tmp_path / "a.ply", tmp_path, (), jobs.Sources(), (), JobOptions())


def test_only_the_latest_runs_are_kept(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        os.utime(tmp_path / str(number), (number + 1, number + 1))
    jobs.remove_old_runs(tmp_path, tmp_path / "0")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "4", "5"]
    jobs.remove_old_runs(tmp_path / "nowhere", tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="a process's number says nothing on Windows")
def test_what_dead_blenders_left_is_removed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead, own, parent = (jobs.working_folder(tmp_path / "uid", pid) for pid in (process.pid, None, os.getppid()))
    for folder in (dead, own, parent, tmp_path / "uid" / "runs"):
        folder.mkdir(parents=True)
    jobs.remove_dead_sessions(tmp_path)
    assert not dead.exists()
    assert own.exists()
    assert parent.exists()
    assert (tmp_path / "uid" / "runs").exists()
    # Their numbers come back: what is old is nobody's, but for our own.
    for folder in (own, parent):
        os.utime(folder, (1, 1))
    jobs.remove_dead_sessions(tmp_path)
    assert own.exists()
    assert not parent.exists()


def test_the_cache_is_trimmed_by_age_but_for_what_is_in_use(tmp_path: Path) -> None:
    for number in range(4):
        folder = folders.scene_folder(tmp_path, f"uid{number}")
        folder.mkdir(parents=True)
        (folder / "scene.ply").write_bytes(b"x" * 1000)
        os.utime(folder, (number + 1, number + 1))
    folders.trim(tmp_path, folders.scene_folder(tmp_path, "uid0"), 2500)
    assert sorted(path.name for path in (tmp_path / "scenes").iterdir()) == ["uid0", "uid3"]
    folders.trim(tmp_path, None, 2500)
    assert len(list((tmp_path / "scenes").iterdir())) == 2


def test_a_uid_never_leads_out_of_the_cache(tmp_path: Path) -> None:
    for uid in ("../../etc", "", "a/b", "x" * 500, "..", "C:\\x"):
        assert folders.scene_folder(tmp_path, uid).parent == tmp_path / "scenes"
        assert len(folders.scene_folder(tmp_path, uid).name) <= 64


def test_a_full_disk_is_told_with_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "free_space", lambda folder: 1_000_000_000)
    jobs.check_space(tmp_path, 100_000, run=True)
    with pytest.raises(UserError, match=r"1.0 GB left, but this needs about 4.7 GB"):
        jobs.check_space(tmp_path, 1_000_000, run=True)
    monkeypatch.setattr(jobs, "free_space", lambda folder: None)
    jobs.check_space(tmp_path, 10**9, run=True)


def test_free_space_is_that_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert jobs.free_space(tmp_path / "not" / "yet") == pytest.approx(jobs.free_space(tmp_path), rel=0.1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (-1, ""),
        (3, "a few seconds left"),
        (22, "about 20 s left"),
        (59, "about 1 min left"),
        (150, "about 2 min left"),
        (3500, "about 58 min left"),
        (3600, "about 1 h left"),
        (5400, "about 1 h 30 min left"),
        (7200, "about 2 h left"),
    ],
)
def test_time_left_in_words(seconds: float | None, text: str) -> None:
    assert jobs.eta_text(seconds) == text


@given(st.floats(0, 1e6))
def test_time_left_is_always_words(seconds: float) -> None:
    text = jobs.eta_text(seconds)
    assert text.endswith(" left")
    assert "0 min" not in text.replace("0 min left", "") or " h " in text


def test_progress_in_words() -> None:
    event = ProgressEvent(1, "lift", 2, 5, 1, 10, 0.4, 42.0)
    assert jobs.progress_text(event) == "Labelling the Gaussians, about 40 s left"
    assert jobs.progress_text(replace(event, stage="new_stage", eta=None)) == "New stage"


def test_bytes_in_words() -> None:
    texts = [jobs.bytes_text(count) for count in (0, 1500, 2_340_000, 1_560_000_000)]
    assert texts == ["0 kB", "2 kB", "2 MB", "1.6 GB"]
