# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From probabilities to labels, stray islands cleared, edges softened on request (method: objects out)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.lift.islands import Islands, islands, supported
from splatcut.lift.labelled import Labelled
from splatcut.lift.labels import Labels, background_probability, labels_from_probability
from splatcut.progress import Progress
from splatcut.scene.gaussians import F32, Gaussians

#: A Gaussian goes to both sides when the smaller side's share is at least this, in (0, 0.5].
LEAST = 0.1


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
        island: [M] int32, the label of the object that a Gaussian was sent away from as an island, 0 elsewhere.
    """

    gaussians: Gaussians
    labels: Labels
    probability: F32
    parent: NDArray[np.int64]
    changed: NDArray[np.bool_]
    variance: F32
    island: Labels


def find_labels(
    labelled: Labelled, progress: Progress, keep_islands: bool = False, device: raster.Device = "cpu"
) -> Islands:
    """Hard labels; small islands are sent to the background, unless ``keep_islands``, and objects take in what they
    enclose."""
    labels, weight = labels_from_probability(labelled.probability), labelled.weight
    sure = supported(labelled.probability, labelled.views)
    return islands(
        labelled.gaussians, labels, weight, sure, keep=keep_islands, progress=progress, device=device
    )  # fmt: skip


def extract(labelled: Labelled, found: Islands, soft: bool) -> Extracted:
    """The Gaussians to write; with ``soft`` those that straddle an edge are there for both sides."""
    variance = labelled.variance.max(axis=1, initial=0)
    rows = np.arange(len(found.labels))
    hard = Extracted(
        labelled.gaussians, found.labels, labelled.probability, rows, labelled.changed, variance, found.sent
    )
    return soft_edges(hard) if soft else hard


def split_opacity(logits: F32, share: NDArray[np.floating]) -> tuple[F32, F32]:
    """Opacity logits of two Gaussians of one shape that stand for one: 1 - o = (1 - o)^s (1 - o)^(1 - s).

    Drawn over each other their opacities o1, o2 give 1 - (1 - o1)(1 - o2) = o, exactly at the Gaussian's peak; on its
    flanks, where both are weakened by the same falloff g, coverage is higher by o1 o2 g (1 - g), at most a quarter of
    o1 o2. Colours are equal, so the blended colour is unchanged where the coverage is.

    Args:
        logits: [N] float32, opacities before the sigmoid.
        share: [N] in (0, 1), of the first of the two.
    """
    depth = np.logaddexp(0.0, logits.astype(np.float64))  # -log(1 - o)

    def part(s: NDArray[np.float64]) -> F32:
        x = s * depth  # o_s / (1 - o_s) = exp(x) - 1
        return np.where(x > 30.0, x, np.log(np.expm1(np.clip(x, 1e-300, 30.0)))).astype(np.float32)

    s = np.asarray(share, dtype=np.float64)
    return part(s), part(1.0 - s)


def soft_edges(hard: Extracted) -> Extracted:
    """Sends every Gaussian that straddles an edge to both sides, its opacity split by its probability.

    The two sides are the label's class and the most probable other one (objects and background). A Gaussian's share
    is taken between these two. One whose label is not its most probable class (a removed island) was put where it is
    on purpose and stays whole. All other rows are untouched; the twins follow them.
    """
    labels, count = hard.labels, len(hard.gaussians)
    background = background_probability(hard.probability)
    classes = np.concatenate([background[:, None], hard.probability], axis=1).astype(np.float64)
    rows = np.arange(count)
    own = classes[rows, labels]
    classes[rows, labels] = -1.0
    second = np.argmax(classes, axis=1).astype(np.int32)
    other = np.maximum(classes[rows, second], 0.0)
    share = own / np.maximum(own + other, 1e-12)
    straddles = np.flatnonzero((own >= other) & (1.0 - share >= LEAST) & (own > 0.0))
    rows = np.concatenate([rows, straddles])
    gaussians, changed = hard.gaussians.take(rows), hard.changed[rows]
    logits = gaussians.opacity_logits.copy()
    logits[straddles], logits[count:] = split_opacity(hard.gaussians.opacity_logits[straddles], share[straddles])
    changed[straddles], changed[count:] = True, True
    return Extracted(
        replace(gaussians, opacity_logits=logits),
        np.concatenate([labels, second[straddles]]),
        hard.probability[rows],
        hard.parent[rows],
        changed,
        hard.variance[rows],
        hard.island[rows],
    )
