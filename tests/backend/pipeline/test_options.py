# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Every option of a job changes what is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_scene import BlobScene, ColourSegmenter

import splatcut.pipeline.inputs as inputs
import splatcut.pipeline.run as run
from splatcut import lift, refine
from splatcut.messages import OPTIONS, Job, JobOptions, ObjectPrompt, ViewPrompt
from splatcut.pipeline import run_job
from splatcut.progress import Quiet
from splatcut.segmenter import EmbeddingCache

#: Another value of each option.
OTHER: dict[str, Any] = {
    "quality": "draft", "refine": False, "soft_edges": True, "trust_masks": True, "keep_islands": True, "tau": 0.6,
    "trust_cameras": True, "heal": not JobOptions().heal,
    "seed": 7, "holdout": 3, "device": "cpu", "model": "another.pth", "drop_invalid": True, "antialiased": "on",
    "spz_axes": "rdf",
    "experiment": {"alone": 0.5},
}  # fmt: skip
Observe = Callable[[JobOptions], dict[str, Any]]


class Stages(Quiet):
    """Remembers the names of the stages."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def stage(self, name: str, total: int) -> None:
        self.names.append(name)


@pytest.fixture
def observe(blobs: BlobScene, tmp_path: Path, one_thread: None, monkeypatch: pytest.MonkeyPatch) -> Observe:
    """Runs a click's job and tells what it asked of its parts and what it wrote, but for the options themselves."""
    seen: dict[str, Any] = {}

    def told(name: str, value: Any, result: Any) -> Any:
        seen[name] = value
        return result

    read = inputs.formats.read_splats

    def reading(path: Path, **options: Any) -> Any:
        seen.update(options)
        return read(path)

    monkeypatch.setattr(inputs.formats, "read_splats", reading)
    monkeypatch.setattr(inputs, "resolve_device", lambda device: told("device", device, "cpu"))
    monkeypatch.setattr(run, "load_segmenter", lambda model, device: told("model", model, ColourSegmenter()))
    monkeypatch.setattr(
        refine,
        "refine",
        lambda problem, labelled, options, *more, **named: told("refining", options, refine.Refined(labelled, {})),
        raising=False,
    )
    find_labels = lift.find_labels

    def finding(labelled: Any, progress: Any, keep: bool, device: Any) -> Any:
        seen["keep_islands"] = keep
        return find_labels(labelled, progress, keep, device)

    monkeypatch.setattr(lift, "find_labels", finding)
    x, y = blobs.click("red", 2)
    objects = (ObjectPrompt("red", (ViewPrompt("view_2", ((x, y, 1),)),)),)

    def observed(options: JobOptions) -> dict[str, Any]:
        seen.clear()
        progress, out = Stages(), tmp_path / str(len(list(tmp_path.iterdir())))
        job = Job(blobs.scene, out, blobs.cameras, objects=objects, options=options)
        run_job(job, progress, EmbeddingCache(tmp_path / "cache"))
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        with np.load(out / "labels.npz") as labels:
            rows = labels["parent"].tolist()
        return {
            **seen,
            "stages": progress.names,
            "rows": rows,
            "healed": report["healed"],
            **{key: report[key] for key in ("objects", "views")},
        }

    return observed


def test_every_option_has_an_effect(observe: Observe) -> None:
    assert set(OTHER) == {*OPTIONS, "experiment"} == {item.name for item in fields(JobOptions)}
    usual = observe(JobOptions())
    assert observe(JobOptions()) == usual
    changed = {name: observe(JobOptions(**{name: value})) for name, value in OTHER.items()}
    # Cameras that are right need no trust; test_masking.py has others.
    assert [name for name, seen in changed.items() if seen == usual] == ["trust_cameras"]
    for name in ("device", "model", "drop_invalid", "antialiased", "spz_axes", "keep_islands"):
        assert changed[name][name] == OTHER[name]
    options = {name: seen.get("refining") for name, seen in changed.items()}
    assert options["refine"] is None
    assert options["seed"] == replace(usual["refining"], seed=7)
    assert options["quality"].iterations < usual["refining"].iterations
    assert options["experiment"] == replace(usual["refining"], alone=0.5)
    assert (usual["refining"].tau, options["tau"].tau) == (0.1, 0.6)
    assert changed["tau"]["objects"][0]["boundary"] < usual["objects"][0]["boundary"]
    assert {"mask edges", "reconcile"} <= set(usual["stages"]) - set(changed["trust_masks"]["stages"])
    assert len(changed["soft_edges"]["rows"]) > len(usual["rows"])
    assert len(changed["holdout"]["views"]) == 4
