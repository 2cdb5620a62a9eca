# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From masks to labels: the vote, the variance of the mask signal, islands, soft edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splatcut.lazy import offered

if TYPE_CHECKING:
    from splatcut.lift.islands import Islands
    from splatcut.lift.labelled import Labelled, lift
    from splatcut.lift.labels import grown
    from splatcut.lift.objects import Extracted, extract, find_labels
    from splatcut.lift.problem import Problem

__all__ = ["Extracted", "Islands", "Labelled", "Problem", "extract", "find_labels", "grown", "lift"]

__getattr__ = offered(
    __name__,
    {
        "Islands": "islands",
        "Labelled": "labelled",
        "lift": "labelled",
        "grown": "labels",
        "Extracted": "objects",
        "extract": "objects",
        "find_labels": "objects",
        "Problem": "problem",
    },
)
