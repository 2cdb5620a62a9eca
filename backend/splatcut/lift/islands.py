# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of an object that stand apart from it (method: objects out)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.lift.labels import Labels
from splatcut.progress import Progress, Quiet
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import rotation_matrices

#: K of the K-NN graph.
NEIGHBOURS = 8
#: An island below this share of its object's weight goes back to the background.
SHARE = 0.01
#: Two neighbours are connected when they are closer than this many times the object's median distance to the K-th
#: neighbour, or when their ellipsoids (2 standard deviations) touch. Without such a limit the K-NN graph would tie
#: every far-away floater to the object.
REACH = 3.0
#: Components of more Gaussians than this are asked for neighbours once only.
LARGEST_PATCH = 2000


@dataclass(frozen=True)
class Island:
    """A part of an object that hangs together and is apart from the object's largest part.

    Attributes:
        object: label of the object, from 1.
        count: number of its Gaussians.
        share: of the object's weight, in [0, 1].
        centre: weighted mean of the centres x, y, z, world frame.
        removed: whether it went back to the background.
    """

    object: int
    count: int
    share: float
    centre: list[float]
    removed: bool


@dataclass(frozen=True, eq=False)
class Islands:
    """Labels after the clean-up, and every island that was found.

    Attributes:
        labels: [N] int32.
        found: islands of all objects, removed and kept, the heaviest of each object first; the largest part of an
            object is not among them.
    """

    labels: Labels
    found: tuple[Island, ...]

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """What ``from_arrays`` needs, as arrays and JSON-ready notes."""
        return {"labels": self.labels}, {"found": [asdict(island) for island in self.found]}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> Islands:
        """The inverse of ``arrays``."""
        return Islands(arrays["labels"], tuple(Island(**island) for island in notes["found"]))


def islands(
    gaussians: Gaussians, labels: Labels, weight: NDArray[np.floating], progress: Progress | None = None
) -> Islands:
    """Finds the connected components of every object's K-NN graph and sends the small ones back to the background.

    An island's size is its share of the object's *visible weight*, not of its number of Gaussians: a hundred specks
    that nobody sees weigh less than ten large Gaussians that make up a hand. Neighbours are sought among the object's
    own Gaussians only. Even a small component stays when it is the object's largest: an object never vanishes here.

    Args:
        gaussians: the scene, N Gaussians.
        labels: [N] int32, 0 the background.
        weight: [N] visible weight (sum over views and pixels of the blending weight).

    Returns:
        The new labels and the list of islands; nothing is dropped silently, and a removed island's Gaussians are
        background, not gone.
    """
    progress = progress or Quiet()
    result = labels.astype(np.int32, copy=True)
    found: list[Island] = []
    objects = [int(k) for k in np.unique(labels) if k > 0]
    progress.stage("islands", len(objects))
    bare = replace(gaussians, sh=gaussians.sh[:, :1])
    for k in objects:
        rows = np.flatnonzero(labels == k)
        own, weights = bare.take(rows), weight[rows].astype(np.float64)
        component = _components(own)
        if not weights.sum() > 0.0:
            weights = np.ones_like(weights)
        mass = np.bincount(component, weights)
        share = mass / mass.sum()
        parts = np.split(np.argsort(component, kind="stable"), np.cumsum(np.bincount(component))[:-1])
        largest = int(np.argmax(mass))
        for c in sorted(range(len(parts)), key=lambda c: (-share[c], int(parts[c][0]))):
            if c == largest:
                continue
            members = parts[c]
            w = weights[members] if mass[c] > 0.0 else np.ones(members.size)
            centre = (own.means[members].astype(np.float64) * w[:, None]).sum(axis=0) / w.sum()
            removed = bool(share[c] < SHARE)
            if removed:
                result[rows[members]] = 0
            found.append(Island(k, members.size, float(share[c]), centre.tolist(), removed))
        progress.step()
    return Islands(result, tuple(found))


def _components(own: Gaussians) -> NDArray[np.int32]:
    """[N] the connected component of every Gaussian of an object.

    A dense patch of a surface may have all of its K nearest neighbours inside of itself and be on nobody else's list.
    So each component is asked a second time, for neighbours outside of it.
    """
    from scipy.spatial import KDTree

    count = len(own)
    neighbours = min(NEIGHBOURS, count - 1)
    if neighbours < 1:
        return np.zeros(count, dtype=np.int32)
    means = own.means.astype(np.float64)
    tree = KDTree(means, compact_nodes=False, balanced_tree=False)
    found = tree.query(means, k=neighbours + 1, workers=-1)
    distance, index = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.int64)
    # Column 0 is the Gaussian itself, or its double at the same place: either way an edge of length 0.
    reach = REACH * float(np.median(distance[:, -1]))
    edges = np.stack([np.repeat(np.arange(count), neighbours), index[:, 1:].reshape(-1)])
    linked = [edges[:, _near(edges, reach, own)]]
    component = _connected(linked, count)
    for c in np.flatnonzero(np.bincount(component) <= LARGEST_PATCH):
        members = np.flatnonzero(component == c)
        nearest = np.asarray(tree.query(means[members], k=min(count, members.size + neighbours))[1], dtype=np.int64)
        source, target = np.repeat(members, nearest.shape[1]), nearest.reshape(-1)
        across = np.stack([source, target])[:, component[target] != c]
        linked.append(across[:, _near(across, reach, own)])
    return _connected(linked, count) if len(linked) > 1 else component


def _connected(edges: list[NDArray[np.int64]], count: int) -> NDArray[np.int32]:
    """[count] the connected component of every node of a graph with edges [2, E], in parts."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    source, target = np.concatenate(edges, axis=1)
    graph = coo_array((np.ones(source.size, dtype=np.int8), (source, target)), shape=(count, count))
    return np.asarray(connected_components(graph.tocsr(), directed=False)[1], dtype=np.int32)


def _near(edges: NDArray[np.int64], reach: float, own: Gaussians) -> NDArray[np.bool_]:
    """Which of the pairs [2, E] are closer than ``reach``, or have 2-sigma extents along the line between their centres
    that overlap."""
    result = np.zeros(edges.shape[1], dtype=bool)
    for start in range(0, edges.shape[1], 262144):
        a, b = edges[:, start : start + 262144]
        step = own.means[b].astype(np.float64) - own.means[a].astype(np.float64)
        length = np.linalg.norm(step, axis=1)
        near = length <= reach
        far = np.flatnonzero(~near)
        direction = step[far] / np.maximum(length[far], 1e-12)[:, None]
        extents = np.zeros(far.size)
        for end in (a[far], b[far]):
            local = np.einsum("nji,nj->ni", rotation_matrices(own.quats[end]), direction)
            extents += 2.0 * np.linalg.norm(local * np.exp(own.log_scales[end].astype(np.float64)), axis=1)
        near[far] = length[far] <= extents
        result[start : start + 262144] = near
    return result
