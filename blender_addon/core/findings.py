# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine found out about a scene and its views, in the panel's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from splatcut.messages.findings import Finding

#: Icon of each severity, the gravest first.
ICONS = {"problem": "CANCEL", "warning": "ERROR", "note": "INFO"}


@dataclass(frozen=True)
class Line:
    """A paragraph of the panel: its text, and the name of its icon."""

    text: str
    icon: str


def lines(found: Sequence[Finding], looked_at: Sequence[str] = ()) -> tuple[Line, ...]:
    """A paragraph for each finding, the gravest first, or one that there are none; then what was looked at."""
    order = list(ICONS)
    ranked = sorted(found, key=lambda finding: order.index(finding.severity))
    told = [Line(finding.text, ICONS[finding.severity]) for finding in ranked]
    nothing = [Line("No problems were found.", "CHECKMARK")]
    return tuple([*(told or nothing), *(Line(text, "DOT") for text in looked_at)])


def summary(found: Sequence[Finding]) -> tuple[str, Literal["INFO", "WARNING", "ERROR"]]:
    """One line for the status bar and the message box, and how bad it is."""
    problems = [finding for finding in found if finding.severity == "problem"]
    warned = sum(finding.severity == "warning" for finding in found)
    if problems:
        more = f" Step 3 lists this and {len(problems) - 1} more." if len(problems) > 1 else ""
        return problems[0].text + more, "ERROR"
    if warned:
        return f"No problems, but {warned} warning{'s' if warned > 1 else ''}. Step 3 lists the findings.", "WARNING"
    return "No problems were found.", "INFO"
