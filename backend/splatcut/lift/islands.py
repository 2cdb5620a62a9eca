# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of an object that stand apart from it (method: objects out)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from splatcut.lift.labels import Labels
from splatcut.progress import Progress, Quiet
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import rotation_matrices

#: Components of more Gaussians than this are asked for neighbours once only.
LARGEST_PATCH = 2000


@dataclass(frozen=True)
class IslandOptions:
    """What counts as a stray island.

    Attributes:
        neighbours: K of the K-NN graph.
        share: an island below this share of its object's weight goes back to the background; 0 keeps everything.
        reach: two neighbours are connected when they are closer than ``reach`` times the object's median distance to
            the K-th neighbour, or when their ellipsoids (2 standard deviations) touch. Without such a limit the K-NN
            graph would tie every far-away floater to the object.
    """

    neighbours: int = 8
    share: float = 0.01
    reach: float = 3.0

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ValueError(f"The number of neighbours must be at least 1, not {self.neighbours}.")
        if not 0.0 <= self.share < 1.0:
            raise ValueError(f"The share below which an island is removed must lie in [0, 1), not {self.share}.")
        if not self.reach > 0.0:
            raise ValueError(f"The reach must be above 0, not {self.reach}.")


@dataclass(frozen=True, eq=False)
class Island:
    """A part of an object that hangs together and is apart from the object's largest part.

    Attributes:
        object: label of the object, from 1.
        members: [M] int64, rows of its Gaussians.
        share: of the object's weight, in [0, 1].
        centre: [3] float64, weighted mean of the centres, world frame.
        removed: whether it went back to the background.
    """

    object: int
    members: NDArray[np.int64]
    share: float
    centre: NDArray[np.float64]
    removed: bool

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return self.members.shape[0]


@dataclass(frozen=True, eq=False)
class Islands:
    """Labels after the clean-up, and every island that was found, the heaviest first.

    Attributes:
        labels: [N] int32.
        found: islands of all objects, removed and kept; the largest part of an object is not among them.
    """

    labels: Labels
    found: tuple[Island, ...]

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """What ``from_arrays`` needs, as arrays and JSON-ready notes."""
        members = [island.members for island in self.found]
        arrays: dict[str, NDArray[Any]] = {
            "labels": self.labels,
            "members": np.concatenate([np.empty(0, np.int64), *members]),
            "counts": np.array([len(rows) for rows in members], np.int64),
            "centres": np.array([island.centre for island in self.found], np.float64).reshape(-1, 3),
            "shares": np.array([island.share for island in self.found], np.float64),
        }
        return arrays, {
            "objects": [island.object for island in self.found],
            "removed": [island.removed for island in self.found],
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> Islands:
        """The inverse of ``arrays``."""
        ends = np.cumsum(arrays["counts"])
        rows = zip(
            notes["objects"], notes["removed"], ends, arrays["counts"], arrays["shares"], arrays["centres"], strict=True
        )
        found = tuple(
            Island(label, arrays["members"][end - count : end], float(share), centre, removed)
            for label, removed, end, count, share, centre in rows
        )
        return Islands(arrays["labels"], found)

    @property
    def removed(self) -> tuple[Island, ...]:
        """The islands that went back to the background."""
        return tuple(island for island in self.found if island.removed)


def visual_weight(gaussians: Gaussians) -> NDArray[np.float64]:
    """[N] float64: opacity times the product of the two larger standard deviations, a stand-in for how much of an
    object a Gaussian shows when what the views saw of it is not known."""
    scales = np.sort(gaussians.scales().astype(np.float64), axis=1)
    return gaussians.opacities().astype(np.float64) * scales[:, 1] * scales[:, 2]


def islands(
    gaussians: Gaussians,
    labels: Labels,
    options: IslandOptions | None = None,
    *,
    weight: NDArray[np.floating] | None = None,
    progress: Progress | None = None,
) -> Islands:
    """Finds the connected components of every object's K-NN graph and sends the small ones back to the background.

    An island's size is its share of the object's *visible weight*, not of its number of Gaussians: a hundred specks
    that nobody sees weigh less than ten large Gaussians that make up a hand. Neighbours are sought among the object's
    own Gaussians only.

    Args:
        gaussians: the scene, N Gaussians.
        labels: [N] int32, 0 the background.
        weight: [N] visible weight (sum over views and pixels of the blending weight); ``visual_weight`` when None.

    Returns:
        The new labels and the list of islands; nothing is dropped silently, and a removed island's Gaussians are
        background, not gone.
    """
    options = options or IslandOptions()
    progress = progress or Quiet()
    weights = visual_weight(gaussians) if weight is None else np.asarray(weight, dtype=np.float64)
    result = labels.astype(np.int32, copy=True)
    found: list[Island] = []
    objects = [int(k) for k in np.unique(labels) if k > 0]
    progress.stage("islands", len(objects))
    for k in objects:
        rows = np.flatnonzero(labels == k).astype(np.int64)
        for island in _object_islands(k, rows, gaussians, weights[rows], options):
            if island.removed:
                result[island.members] = 0
            found.append(island)
        progress.step()
    return Islands(result, tuple(sorted(found, key=lambda i: (i.object, -i.share, int(i.members[0])))))


def _object_islands(
    label: int, rows: NDArray[np.int64], gaussians: Gaussians, weights: NDArray[np.float64], options: IslandOptions
) -> list[Island]:
    means = gaussians.means[rows].astype(np.float64)
    count, component = _components(means, rows, gaussians, options)
    if count == 1:
        return []
    if not weights.sum() > 0.0:
        weights = np.ones_like(weights)
    mass = np.bincount(component, weights, minlength=count)
    share = mass / mass.sum()
    # Even a component that is small stays when it is the object's largest: an object never vanishes here.
    largest = int(np.argmax(mass))
    order = np.argsort(component, kind="stable")
    starts = np.searchsorted(component[order], np.arange(count + 1))
    result = []
    for c in range(count):
        if c == largest:
            continue
        members = order[starts[c] : starts[c + 1]]
        w = weights[members] if mass[c] > 0.0 else np.ones(members.size)
        centre = (means[members] * w[:, None]).sum(axis=0) / w.sum()
        result.append(Island(label, rows[members], float(share[c]), centre, bool(share[c] < options.share)))
    return result


def _components(
    means: NDArray[np.float64], rows: NDArray[np.int64], gaussians: Gaussians, options: IslandOptions
) -> tuple[int, NDArray[np.int32]]:
    """Number of the connected components and the component [N] of every Gaussian.

    A dense patch of a surface may have all of its K nearest neighbours inside of itself and be on nobody else's list.
    So each component is asked a second time, for neighbours outside of it.
    """
    count = rows.size
    neighbours = min(options.neighbours, count - 1)
    if neighbours < 1:
        return 1, np.zeros(count, dtype=np.int32)
    tree = KDTree(means, compact_nodes=False, balanced_tree=False)
    found = tree.query(means, k=neighbours + 1, workers=-1)
    distance, index = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.int64)
    # Column 0 is the Gaussian itself, or its double at the same place: either way an edge of length 0.
    reach = options.reach * float(np.median(distance[:, -1]))
    edges = np.stack([np.repeat(np.arange(count), neighbours), index[:, 1:].reshape(-1)])
    edges = edges[:, _near(edges, reach, means, rows, gaussians)]
    components, component = _connected(edges, count)
    sizes = np.bincount(component)
    outwards = [edges]
    for c in np.flatnonzero(sizes <= LARGEST_PATCH):
        members = np.flatnonzero(component == c)
        nearest = np.asarray(tree.query(means[members], k=min(count, members.size + neighbours))[1], dtype=np.int64)
        source, target = np.repeat(members, nearest.shape[1]), nearest.reshape(-1)
        across = np.stack([source, target])[:, component[target] != c]
        outwards.append(across[:, _near(across, reach, means, rows, gaussians)])
    return _connected(np.concatenate(outwards, axis=1), count) if len(outwards) > 1 else (components, component)


def _connected(edges: NDArray[np.int64], count: int) -> tuple[int, NDArray[np.int32]]:
    graph = coo_array((np.ones(edges.shape[1], dtype=np.int8), (edges[0], edges[1])), shape=(count, count))
    components, component = connected_components(graph.tocsr(), directed=False)
    return int(components), np.asarray(component, dtype=np.int32)


def _near(
    edges: NDArray[np.int64], reach: float, means: NDArray[np.float64], rows: NDArray[np.int64], gaussians: Gaussians
) -> NDArray[np.bool_]:
    """Which of the pairs [2, E] are closer than ``reach`` or touch."""
    near = np.linalg.norm(means[edges[0]] - means[edges[1]], axis=1) <= reach
    far = np.flatnonzero(~near)
    if far.size:
        near[far] = _touch(means, rows, gaussians, edges[0, far], edges[1, far])
    return near


def _touch(
    means: NDArray[np.float64],
    rows: NDArray[np.int64],
    gaussians: Gaussians,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether the 2-sigma extents of two Gaussians along the line between their centres overlap."""
    result = np.zeros(source.size, dtype=bool)
    for start in range(0, source.size, 262144):
        part = slice(start, start + 262144)
        a, b = source[part], target[part]
        step = means[b] - means[a]
        length = np.linalg.norm(step, axis=1)
        direction = step / np.maximum(length, 1e-12)[:, None]
        reach = np.zeros(a.size)
        for end in (a, b):
            rotation = rotation_matrices(gaussians.quats[rows[end]])
            local = np.einsum("nji,nj->ni", rotation, direction) * np.exp(
                gaussians.log_scales[rows[end]].astype(np.float64)
            )
            reach += 2.0 * np.linalg.norm(local, axis=1)
        result[part] = length <= reach
    return result
