# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Findings: how errors become some, and what a run does with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from splatcut.errors import UserError
from splatcut.messages.findings import Finding, attempt, refuse, warnings

NOTE = Finding("note", "It is red.")
WARNING = Finding("warning", "It is dark.", "a.png", "Use a lamp.")
PROBLEM = Finding("problem", "It is gone.", "b.png", "Copy it again.")


def test_what_cannot_be_used_is_a_problem_and_the_rest_goes_on() -> None:
    found: list[Finding] = []

    def fails() -> int:
        raise UserError("It is broken. Mend it.")

    assert attempt(found, Path("some/scene.ply"), fails) is None
    assert attempt(found, "cameras", lambda: 5) == 5
    assert found == [Finding("problem", "It is broken. Mend it.", str(Path("some/scene.ply")))]


def test_a_defect_is_not_blamed_on_the_input() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt([], "", lambda: 1 / 0)


def test_a_run_refuses_problems_and_tells_warnings() -> None:
    refuse([NOTE, WARNING])
    with pytest.raises(UserError, match=r"^It is gone\. Copy it again\.$"):
        refuse([WARNING, PROBLEM])
    assert warnings([NOTE, WARNING, NOTE]) == ["It is dark. Use a lamp."]
