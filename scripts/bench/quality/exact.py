# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of scenes whose every Gaussian's label is known: what became of those at the objects' edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.quality.cut import Cut, partners
from bench.quality.scenes import Scene
from bench.quality.scores import true_labels


def score_boundary(cut: Cut, scene: Scene) -> dict[str, Any]:
    """How the boundary Gaussians were assigned; empty when the scene does not name them.

    The boundary Gaussians are those of the input scene whose mask variance is above tau = 0.6 under the true masks of
    the training views, the same ones for every variant.

    Returns:
        ``gaussians``: how many there are; ``accuracy``: share of them that are labelled truly;
        ``objects``: precision and recall by object.
    """
    if scene.labels is None:
        return {}
    with np.load(scene.labels, allow_pickle=False) as stored:
        if "boundary" not in stored:
            return {}
        boundary = stored["boundary"].astype(bool)
    truth, names = true_labels(scene)
    parent = cut.rows.parent
    rows = boundary[parent]
    parent, mine = parent[rows], cut.rows.labels[rows]
    # The run numbers its objects by itself.
    number = np.full(len(cut.names) + 1, -1)
    number[0] = 0
    pairs = partners(cut.names, names)
    for name, other in pairs.items():
        number[cut.names.index(name) + 1] = names.index(other) + 1
    mine, true = number[mine], truth[parent]
    result: dict[str, Any] = {
        "gaussians": int(boundary.sum()),
        "accuracy": float((mine == true).mean()) if len(mine) else None,
        "objects": {},
    }
    for name, other in pairs.items():
        k = names.index(other) + 1
        both = int(((mine == k) & (true == k)).sum())
        result["objects"][name] = {
            "precision": both / max(1, int((mine == k).sum())),
            "recall": both / max(1, int((true == k).sum())),
        }
    return result
