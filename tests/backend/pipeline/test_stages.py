# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The list of stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from splatcut.messages import Job, JobOptions, ObjectPrompt, ViewPrompt
from splatcut.pipeline import parts_of
from splatcut.pipeline.stages import STAGES


def test_every_stage_takes_what_comes_before_it() -> None:
    names = [stage.name for stage in STAGES]
    assert len(set(names)) == len(names)
    for number, stage in enumerate(STAGES):
        assert set(stage.inputs) <= set(names[:number])


def test_the_parts_of_a_run() -> None:
    said = (ObjectPrompt("a", (ViewPrompt("v", ((1, 1, 1),)),)),)
    job = Job(
        Path("a.ply"), Path("o"), Path("cameras.json"), objects=said, options=JobOptions(refine=False, heal=False)
    )
    names = [part.name for part in parts_of(job)]
    assert names == [
        "load",
        "photos",
        "floaters",
        "masks",
        "mask edges",
        "lift",
        "reconcile",
        "islands",
        "objects",
        "final masks",
        "sheet",
    ]
    healing = [part.name for part in parts_of(replace(job, options=JobOptions(refine=False, heal=True)))]
    assert [name for name in healing if name not in names] == ["sights", "holes", "healed"]
    alone = [part.name for part in parts_of(Job(Path("a.ply"), Path("o"), objects=said))]
    assert "views" in alone
    assert "floaters" not in alone
    assert alone.index("refine") > alone.index("movers")
    fine = Job(Path("a.ply"), Path("o"), Path("c"), masks=Path("m"), options=JobOptions(quality="fine"))
    weights = {name: {part.name: part.weight for part in parts_of(replace(fine, options=JobOptions(quality=name)))}
               for name in ("draft", "fine")}  # fmt: skip
    assert weights["draft"]["refine"] < weights["fine"]["refine"]
    assert weights["draft"]["bands"] == weights["fine"]["bands"]
