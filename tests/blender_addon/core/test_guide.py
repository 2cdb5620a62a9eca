# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""There is a next step in every state."""

from __future__ import annotations

import itertools

import pytest
from blender_addon.core import guide
from blender_addon.core.guide import Situation

CLICKED = Situation(splat="garden", objects=1, ready=1, active="vase", active_ready=True, tool=True)


def said(**changes: object) -> tuple[guide.Hint, ...]:
    return guide.hints(Situation(**{**vars(CLICKED), **changes}))


def test_splats_of_an_earlier_blender_come_first() -> None:
    first, then = said(outdated=1)
    assert (first.operator, first.warning) == (guide.UPGRADE, True)
    assert "A splat in this file was saved by an earlier version of Blender" in first.text
    assert then == said()[0]
    assert "3 splats in this file were" in said(outdated=3, splat="")[0].text


@pytest.mark.parametrize(
    ("changes", "operator", "words"),
    [
        ({"splat": ""}, "", "Import a splat"),
        ({"objects": 0, "ready": 0, "active": "", "active_ready": False, "tool": False}, guide.TOOL, "Activate the"),
        ({"objects": 0, "ready": 0, "active": "", "active_ready": False}, "", "then appears in the list"),
        ({"ready": 0, "active_ready": False}, "", "Click on 'vase'"),
        ({"objects": 2, "active": "table", "active_ready": False}, "", "Click on 'table'"),
        ({}, "splatcut.preview", "See what would be cut out"),
        ({"preview": "stale"}, "splatcut.preview", "out of date"),
        ({"preview": "early"}, "", "first look"),
        ({"preview": "ready"}, "", "Ctrl-click"),
        ({"job": "preview"}, "", "being computed"),
        ({"job": "run"}, "", "being cut out"),
        ({"job": "heal"}, "", "being filled"),
        ({"job": "environment", "splat": ""}, "", "a few minutes"),
        ({"views_missing": "Choose the cameras."}, "", "Choose the cameras."),
        ({"results": True, "hidden": True}, "splatcut.show_source", "Done"),
        ({"mode": "edit mesh mode"}, "", "in edit mesh mode"),
        ({"hidden": True}, "splatcut.show_source", "hidden"),
    ],
)
def test_the_next_step(changes: dict[str, object], operator: str, words: str) -> None:
    (hint,) = said(**changes)
    assert words in hint.text
    assert hint.operator == operator
    assert bool(hint.button) == bool(operator)


def test_a_missing_engine_is_told_first_and_does_not_stop_the_clicking() -> None:
    first, second = said(engine_problem="The engine has no environment yet.", ready=0, active_ready=False)
    assert first.warning
    assert first.operator == "splatcut.create_environment"
    assert first.text.startswith("The engine has no environment yet.")
    assert "Click on 'vase'" in second.text
    _, then = said(engine_problem="The engine has no environment yet.")
    assert "kept" in then.text


def test_every_state_has_full_sentences() -> None:
    flags = (False, True)
    for splat, problem, job, counts, preview, missing, results, hidden, tool in itertools.product(
        ("", "garden"), ("", "Gone."),
        ("", "run", "heal", "match", "preview", "views", "environment", "import", "export", "other"),
        ((0, 0, "", False), (1, 0, "vase", False), (1, 1, "vase", True), (2, 1, "table", False), (2, 2, "", False)),
        ("none", "early", "stale", "ready"), ("", "Choose."), flags, flags, flags,
    ):  # fmt: skip
        objects, ready, active, active_ready = counts
        now = Situation(
            splat, problem, job, objects, ready, active, active_ready, preview, missing, results, hidden, tool
        )
        found = guide.hints(now)
        assert 1 <= len(found) <= 2
        for hint in found:
            assert hint.text[0].isupper()
            assert hint.text[-1] in ".:"
