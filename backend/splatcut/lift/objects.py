# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From probabilities to labels, stray islands cleared, edges softened on request (method: objects out)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.lift.islands import Islands, islands
from splatcut.lift.labelled import Labelled
from splatcut.lift.labels import labels_from_probability
from splatcut.lift.soft_edges import soft_edges
from splatcut.progress import Progress
from splatcut.scene.gaussians import F32, Gaussians


@dataclass(frozen=True, eq=False)
class Extracted:
    """The scene as it is written.

    Attributes:
        gaussians: M Gaussians.
        labels: [M] int32, 0 the background, k object k (from 1).
        probability: [M, K] float32.
        parent: [M] int64, row of the input scene.
        changed: [M] bool, rows that differ from their parent's.
        variance: [M] float32 in [0, 1], mask variance, the largest over the objects.
    """

    gaussians: Gaussians
    labels: NDArray[np.int32]
    probability: F32
    parent: NDArray[np.int64]
    changed: NDArray[np.bool_]
    variance: F32


def find_labels(labelled: Labelled, progress: Progress) -> Islands:
    """Hard labels with the small islands given back to the background, and what the islands were."""
    labels = labels_from_probability(labelled.probability)
    return islands(labelled.gaussians, labels, weight=labelled.weight, progress=progress)


def extract(labelled: Labelled, labels: NDArray[np.int32], soft: bool) -> Extracted:
    """The Gaussians to write; with ``soft`` those that straddle an edge are there for both sides."""
    variance = labelled.variance.max(axis=1, initial=0)
    if not soft:
        return Extracted(labelled.gaussians, labels, labelled.probability, labelled.parent, labelled.changed, variance)
    made = soft_edges(labelled.gaussians, labelled.probability, labels)
    return Extracted(
        made.gaussians,
        made.labels,
        labelled.probability[made.parent],
        labelled.parent[made.parent],
        labelled.changed[made.parent] | made.changed,
        variance[made.parent],
    )
