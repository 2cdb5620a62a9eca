# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as Blender shows them."""

from __future__ import annotations

from blender_addon.core.findings import Line, lines, summary

from splatcut.messages.findings import Finding

NOTE = Finding("note", "It is red.")
WARNING = Finding("warning", "It is dark.", "a.png", "Use a lamp.")
PROBLEM = Finding("problem", "It is gone.", "b.png", "Copy it again.")


def test_the_gravest_come_first() -> None:
    assert lines([NOTE, WARNING, PROBLEM, WARNING]) == (
        Line("It is gone. Copy it again.", "CANCEL"),
        Line("It is dark. Use a lamp.", "ERROR"),
        Line("It is dark. Use a lamp.", "ERROR"),
        Line("It is red.", "INFO"),
    )
    assert [line.icon for line in lines([])] == ["CHECKMARK"]
    assert lines([NOTE], ["Views: 3."]) == (Line("It is red.", "INFO"), Line("Views: 3.", "DOT"))


def test_the_summary_is_one_line() -> None:
    assert summary([]) == summary([NOTE]) == ("No problems were found.", "INFO")
    assert summary([WARNING, NOTE]) == ("No problems, but 1 warning. Step 3 lists the findings.", "WARNING")
    assert summary([WARNING, PROBLEM]) == ("It is gone. Copy it again.", "ERROR")
    text, level = summary([PROBLEM, PROBLEM, PROBLEM])
    assert (text, level) == ("It is gone. Copy it again. Step 3 lists this and 2 more.", "ERROR")
