# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Small parts that would float in the air once what they were attached to is gone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Bools = NDArray[np.bool_]

#: Gaussians are in touch where their cells are neighbours: cells of this share of the removed's size, or of so many
#: distances between neighbours.
CELL, SPACINGS = 0.03, 2.0
#: A crumb has at most this share of the removed's Gaussians.
SMALL = 0.05


def crumbs(means: NDArray[np.floating], removed: NDArray[np.floating], close: Bools, size: float) -> Bools:
    """[N] bool: Gaussians of parts that touch nothing else that stays, and are close to the removed.

    Args:
        means: [N, 3] of those that stay; removed: [M, 3] of those that go, world.
        close: [N] bool, which of them are close to the removed; size: the removed's.
    """
    if not close.any() or len(means) < 2:
        return np.zeros(len(means), bool)
    near = np.asarray(cKDTree(means).query(means[close], k=2)[0])[:, 1]
    side = max(CELL * size, SPACINGS * float(np.median(near)))
    cells, cell = np.unique(np.floor(means / side).astype(np.int64), axis=0, return_inverse=True)
    pairs = cKDTree(cells).query_pairs(1.8, output_type="ndarray")  # the 26 around
    graph = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(cells), len(cells)))
    part = connected_components(graph, directed=False)[1][cell.ravel()]
    counts = np.bincount(part)
    touching = np.bincount(part, weights=close) > 0
    return (touching & (counts <= SMALL * len(removed)))[part]
