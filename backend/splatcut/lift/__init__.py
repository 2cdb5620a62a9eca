# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From masks to labels: the vote, the variance of the mask signal, islands, soft edges."""

from splatcut.lift.islands import Islands
from splatcut.lift.labelled import Labelled, lift
from splatcut.lift.labels import grown
from splatcut.lift.objects import Extracted, extract, find_labels
from splatcut.lift.problem import Problem

__all__ = ["Extracted", "Islands", "Labelled", "Problem", "extract", "find_labels", "grown", "lift"]
