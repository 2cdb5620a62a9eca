# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of an object that stand apart from it, and what it encloses (method: objects out)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.lift.enclosed import enclosed
from splatcut.lift.labels import Labels
from splatcut.progress import Progress, Quiet
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.scene.rotations import rotation_matrices

#: K of the K-NN graph.
NEIGHBOURS = 8
#: An island below this share of its object's weight is sent to the background.
SHARE = 0.01
#: Unless it holds a Gaussian that the masks support: of a higher probability, and shown by so many views.
SURE, SEVERAL = 0.9, 3
#: What the views show less of than this share of the median of an object's Gaussians may be enclosed by that object.
UNSEEN = 0.1
#: What islands have to make up of an object's weight before the user hears of them.
TOLD = 0.001
#: Neighbours are sought between places: cells of this many times the median Gaussian's largest standard deviation, for
#: which their largest Gaussian stands. Else the clones of a Gaussian would have nobody but each other for neighbours.
PLACE = 1.0
#: Two neighbours are connected when they are closer than this many times the object's median distance to the K-th
#: neighbour, or when their ellipsoids (2 standard deviations) touch. Without such a limit the K-NN graph would tie
#: every far-away floater to the object.
REACH = 3.0


@dataclass(frozen=True)
class Island:
    """A part of an object that hangs together and is apart from the object's largest part.

    Attributes:
        object: label of the object, from 1.
        count: number of its Gaussians.
        share: of the object's weight, in [0, 1].
        centre: weighted mean of the centres x, y, z, world frame.
        removed: whether it was sent to the background.
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
        sent: [N] int32, the label of the object that a Gaussian was sent away from, 0 where it was not.
        taken: [N] int32, the label of the object that a Gaussian was given to or left with because that encloses it, or
            0.
        found: islands of all objects, removed and kept, the heaviest of each object first; the largest part of an
            object is not among them.
    """

    labels: Labels
    sent: Labels
    taken: Labels
    found: tuple[Island, ...]

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """What ``from_arrays`` needs, as arrays and JSON-ready notes."""
        arrays = {"labels": self.labels, "sent": self.sent, "taken": self.taken}
        return arrays, {"found": [asdict(island) for island in self.found]}

    def told(self, names: Sequence[str]) -> list[str]:
        """Sentences about objects, by name, that lost more than a trace of what is seen of them."""
        sentences = []
        for k, name in enumerate(names, start=1):
            away = [island for island in self.found if island.object == k and island.removed]
            share = sum(island.share for island in away)
            if share >= TOLD:
                count = sum(island.count for island in away)
                sentences.append(
                    f"Small parts of {name!r} that stand apart from it went to the background: {count:,} Gaussians, "
                    f"{100 * share:.1f}% of what is seen of it. report.json and labels.npz list them; --keep-islands "
                    "(in Blender: Keep stray parts) keeps them."
                )
        return sentences

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> Islands:
        """The inverse of ``arrays``."""
        found = tuple(Island(**island) for island in notes["found"])
        return Islands(arrays["labels"], arrays["sent"], arrays["taken"], found)


def islands(
    gaussians: Gaussians,
    labels: Labels,
    weight: NDArray[np.floating],
    supported: NDArray[np.bool_],
    *,
    keep: bool = False,
    enclosing: bool = True,
    progress: Progress | None = None,
    device: raster.Device = "cpu",
) -> Islands:
    """Finds the connected components of every object's K-NN graph and sends the small ones to the background.

    An island's size is its share of the object's *visible weight*, not of its number of Gaussians: a hundred specks
    that nobody sees weigh less than ten large Gaussians that make up a hand. Neighbours are sought among the object's
    own Gaussians only. What holds a Gaussian that the masks support stays, and even a small component stays when it is
    the object's largest: an object never vanishes here.

    What an object encloses goes with it: islands that lie inside for the most part, and the background's Gaussians that
    no view really shows. What lies in an object in another one goes with the inner one.

    Args:
        gaussians: the scene, N Gaussians.
        labels: [N] int32, 0 the background.
        weight: [N] visible weight (sum over views and pixels of the blending weight).
        supported: [N] bool, what the masks of several views say is the object's (``supported`` below).
        keep: only list the islands; all of them stay.
        enclosing: whether to look for what objects enclose, which takes a few renders.

    Returns:
        The new labels and the list of islands; nothing is dropped silently, and a removed island's Gaussians are
        background, not gone.
    """
    progress = progress or Quiet()
    sent, taken = np.zeros((2, len(labels)), np.int32)
    found: list[Island] = []
    rows_of = {int(k): np.flatnonzero(labels == k) for k in np.unique(labels) if k > 0}
    progress.stage("islands", len(rows_of))
    bare = replace(gaussians, sh=gaussians.sh[:, :1])
    for k, rows in sorted(rows_of.items(), key=lambda item: float(gaussians.means[item[1]].std(axis=0).max())):
        own, weights = bare.take(rows), weight[rows].astype(np.float64)
        component = _components(own)
        if not weights.sum() > 0.0:
            weights = np.ones_like(weights)
        mass, count = np.bincount(component, weights), np.bincount(component)
        share = mass / mass.sum()
        removed = (share < SHARE) & (np.bincount(component, supported[rows]) == 0)
        largest = int(np.argmax(mass))
        removed[largest] = False
        removed &= not keep
        if enclosing:
            away = removed[component]
            loose = np.flatnonzero((weight < UNSEEN * np.median(weights)) & (labels == 0) & (taken == 0))
            candidates = np.concatenate([own.means[away], bare.means[loose]])
            inside = enclosed(own.take(~away), candidates, device)
            taken[loose[inside[away.sum() :]]] = k
            within = 2 * np.bincount(component[away], inside[: away.sum()], len(count)) > count
            taken[rows[within[component]]] = k
            removed &= ~within
        sent[rows[removed[component]]] = k
        parts = np.split(np.argsort(component, kind="stable"), np.cumsum(count)[:-1])
        for c in sorted(range(len(parts)), key=lambda c: (-share[c], int(parts[c][0]))):
            if c == largest:
                continue
            members = parts[c]
            w = weights[members] if mass[c] > 0.0 else np.ones(members.size)
            centre = (own.means[members].astype(np.float64) * w[:, None]).sum(axis=0) / w.sum()
            found.append(Island(k, members.size, float(share[c]), centre.tolist(), bool(removed[c])))
        progress.step()
    result = np.where(sent > 0, 0, np.where(taken > 0, taken, labels)).astype(np.int32)
    return Islands(result, sent, taken, tuple(found))


def supported(probability: F32, views: NDArray[np.integer]) -> NDArray[np.bool_]:
    """[N] bool: what the masks support, with a probability [N, K] of above ``SURE`` and ``SEVERAL`` ``views`` [N] or
    more that show it."""
    return (probability.max(axis=1, initial=0) > SURE) & (views >= SEVERAL)


def _components(own: Gaussians) -> NDArray[np.int32]:
    """[N] the connected component of every Gaussian of an object; those of one place are together."""
    from scipy.spatial import KDTree

    size = np.exp(own.log_scales.astype(np.float64)).max(axis=1, initial=0)
    side = max(PLACE * float(np.median(size)), 1e-30)
    cells = np.floor(own.means.astype(np.float64) / side)
    order = np.argsort(-size, kind="stable")
    _, first, inverse = np.unique(cells[order], axis=0, return_index=True, return_inverse=True)
    place = np.empty(len(own), np.int64)
    place[order] = inverse.reshape(-1)
    own = own.take(order[first])
    count = len(own)
    neighbours = min(NEIGHBOURS, count - 1)
    if neighbours < 1:
        return np.zeros(len(place), dtype=np.int32)
    means = own.means.astype(np.float64)
    found = KDTree(means, compact_nodes=False, balanced_tree=False).query(means, k=neighbours + 1, workers=-1)
    distance, index = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.int64)
    reach = REACH * float(np.median(distance[:, -1]))
    edges = np.stack([np.repeat(np.arange(count), neighbours), index[:, 1:].reshape(-1)])
    return _connected(edges[:, _near(edges, reach, own)], count)[place]


def _connected(edges: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    """[count] the connected component of every node of a graph with edges [2, E]."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(edges.shape[1], dtype=np.int8), (edges[0], edges[1])), shape=(count, count))
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
