# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians nearest to query points (method: the continuous field)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

#: K, the number of Gaussians that take part in an interpolation.
COUNT = 8
#: Neighbour lists are stale once a Gaussian has moved by more than this share of its own mean distance to its K nearest
#: neighbours.
MOVED = 0.25


class NeighbourIndex:
    """A search tree over the centres of N Gaussians as they were when it was built."""

    def __init__(self, means: NDArray[np.floating], count: int = COUNT) -> None:
        """Args: means: [N, 3] centres, any frame, N >= 0, finite; count: K, at least 1.

        Raises ``ValueError`` for another shape or values that are not finite.
        """
        if means.ndim != 2 or means.shape[1] != 3:
            raise ValueError(f"means must have the shape [N, 3], not {list(means.shape)}.")
        self._columns = range(1, count + 2)
        # Nodes that are not balanced and not shrunk to their points answer in half the time here.
        self._tree = cKDTree(means, compact_nodes=False, balanced_tree=False, copy_data=True)
        self._reach: NDArray[np.float64] | None = None

    def query(self, points: NDArray[np.floating]) -> NDArray[np.int64]:
        """[M, K + 1] int64: the K nearest Gaussians of each point and the next one, nearest first.

        Where there are only N < K + 1 Gaussians the last columns are -1.

        Args: points: [M, 3], finite, in the frame of the means. M may be 0.
        """
        distance, index = self._tree.query(points, self._columns)
        return np.where(np.isfinite(distance), index, -1)

    def stale(self, means: NDArray[np.floating]) -> bool:
        """Whether lists that this index gave no longer fit Gaussians now at ``means`` [N, 3].

        They do not when there is another number of Gaussians, or when one has moved by more than ``MOVED`` times the
        mean distance to its K nearest neighbours (as it was when the index was built).
        """
        built = self._tree.data
        if len(means) != len(built):
            return True
        if self._reach is None:
            distance, _ = self._tree.query(built, self._columns[1:])  # the first is the Gaussian itself
            known = np.isfinite(distance)
            # A single Gaussian is its own neighbour wherever it goes.
            total = np.where(known, distance, 0.0).sum(axis=1)
            self._reach = np.where(known.any(axis=1), total / known.sum(axis=1).clip(1), np.inf)
        return bool(np.any(np.linalg.norm(means - built, axis=1) > MOVED * self._reach))
