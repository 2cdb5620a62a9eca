# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From probabilities to labels, stray islands cleared, edges softened on request (method: objects out)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.lift.islands import Island, Islands, islands
from splatcut.lift.labelled import Labelled
from splatcut.lift.labels import labels_from_probability
from splatcut.lift.soft_edges import soft_edges
from splatcut.pipeline.checkpoints import Arrays
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
    """

    gaussians: Gaussians
    labels: NDArray[np.int32]
    probability: F32
    parent: NDArray[np.int64]
    changed: NDArray[np.bool_]


def find_labels(labelled: Labelled, progress: Progress) -> Islands:
    """Hard labels with the small islands given back to the background, and what the islands were."""
    labels = labels_from_probability(labelled.probability)
    return islands(labelled.gaussians, labels, weight=labelled.weight, progress=progress)


def extract(labelled: Labelled, labels: NDArray[np.int32], soft: bool) -> Extracted:
    """The Gaussians to write; with ``soft`` those that straddle an edge are there for both sides."""
    if not soft:
        return Extracted(labelled.gaussians, labels, labelled.probability, labelled.parent, labelled.changed)
    made = soft_edges(labelled.gaussians, labelled.probability, labels)
    return Extracted(
        made.gaussians,
        made.labels,
        labelled.probability[made.parent],
        labelled.parent[made.parent],
        labelled.changed[made.parent] | made.changed,
    )


def islands_to_arrays(found: Islands) -> tuple[Arrays, dict[str, Any]]:
    """What ``islands_from_arrays`` needs, as arrays and JSON-ready notes."""
    members = [island.members for island in found.found]
    arrays: Arrays = {
        "labels": found.labels,
        "members": np.concatenate([np.empty(0, np.int64), *members]),
        "counts": np.array([len(rows) for rows in members], np.int64),
        "centres": np.array([island.centre for island in found.found], np.float64).reshape(-1, 3),
        "shares": np.array([island.share for island in found.found], np.float64),
    }
    return arrays, {
        "objects": [island.object for island in found.found],
        "removed": [island.removed for island in found.found],
    }


def islands_from_arrays(arrays: Arrays, notes: dict[str, Any]) -> Islands:
    """The inverse of ``islands_to_arrays``."""
    ends = np.cumsum(arrays["counts"])
    found = tuple(
        Island(label, arrays["members"][end - count : end], float(share), centre, removed)
        for label, removed, end, count, share, centre in zip(
            notes["objects"], notes["removed"], ends, arrays["counts"], arrays["shares"], arrays["centres"], strict=True
        )
    )
    return Islands(arrays["labels"], found)
