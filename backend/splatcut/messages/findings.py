# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What checks find out about the inputs of a job, said the same way by the command line, the report and Blender.

A check returns findings. What makes a file unusable is raised as ``UserError`` by whatever reads the file; ``attempt``
turns that into a finding where the checking goes on. A run refuses the first problem (``refuse``) and tells warnings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from splatcut.errors import UserError, user_sentence

T = TypeVar("T")

#: "problem": a run refuses the input, or would be wrong; "warning": the result may suffer, and a run says so too;
#: "note": what the input is and what is done about it.
Severity = Literal["problem", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        severity: see ``Severity``.
        what: one or more full sentences on what is there. Of a ``UserError`` also what to do.
        where: the file, folder or view; "" where it is about all of the input.
        remedy: a full sentence on what to do, or on what is done about it; "" where there is nothing to say.
    """

    severity: Severity
    what: str
    where: str = ""
    remedy: str = ""

    @property
    def text(self) -> str:
        """What is there and what to do."""
        return f"{self.what} {self.remedy}".strip()


def attempt(found: list[Finding], where: object, work: Callable[[], T]) -> T | None:
    """The result of ``work``, or None where it cannot use the input, which ``found`` then tells."""
    try:
        return work()
    except Exception as error:
        sentence = user_sentence(error)
        if sentence is None:
            raise
        place = os.fspath(where) if isinstance(where, os.PathLike) else str(where)
        found.append(Finding("problem", sentence, place))
        return None


def refuse(findings: Iterable[Finding]) -> None:
    """Raises ``UserError`` for the first problem."""
    for finding in findings:
        if finding.severity == "problem":
            raise UserError(finding.text)


def warnings(findings: Iterable[Finding]) -> list[str]:
    """What a run tells its user: the warnings, as full sentences."""
    return [finding.text for finding in findings if finding.severity == "warning"]
