# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on has words for every part of a run. Needs the engine, which Blender's Python does not have."""

from __future__ import annotations

from pathlib import Path

import pytest
from blender_addon.core import jobs

from splatcut.messages import Job, JobOptions, ObjectPrompt, Points3DPrompt
from splatcut.pipeline import healing, matching, parts_of


@pytest.mark.parametrize("quality", ["draft", "standard", "fine"])
def test_every_part_of_a_run_has_words(quality: str) -> None:
    said = (ObjectPrompt("a", (Points3DPrompt(((0.0, 0.0, 0.0, 1),)),)),)
    for cameras in (None, Path("cameras.json")):
        options = JobOptions(quality=quality, heal=True)
        job = Job(Path("scene.ply"), Path("out"), cameras, objects=said, options=options)
        assert {part.name for part in parts_of(job)} <= set(jobs.STAGES)


def test_every_part_of_filling_a_hole_and_of_matching_has_words() -> None:
    assert {part.name for part in (*healing.PARTS, *matching.PARTS)} <= set(jobs.STAGES)
