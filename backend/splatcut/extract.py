# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From probabilities to objects: hard labels, stray islands, soft edges (method: objects out)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from splatcut.gaussians import Gaussians, rotation_matrices
from splatcut.messages.prompts import GROW_LOGIT
from splatcut.progress import Progress, Quiet

F32 = NDArray[np.float32]
Labels = NDArray[np.int32]


def background_probability(probability: F32) -> F32:
    """[N] float32 in [0, 1]: what the objects leave over, 1 - their sum.

    The objects' masks share the pixels out among them, so their probabilities add up: a Gaussian that is 0.4 one
    object and 0.4 its neighbour is 0.2 background, and belongs to an object. Where masks overlap the sum may exceed
    1; nothing is left for the background then.
    """
    total = probability.astype(np.float64).sum(axis=1)
    return np.clip(1.0 - total, 0.0, 1.0).astype(np.float32)


def labels_from_probability(probability: F32) -> Labels:
    """[N] int32 labels, 0 the background, k the k-th object (from 1): the largest of the objects' and the background's
    probability. A tie with the background goes to the background, one among objects to the first of them; a single
    object therefore needs more than 0.5.

    Args:
        probability: [N, K] float32 in [0, 1], of each object.

    Raises:
        ValueError: not [N, K], or a value that is not in [0, 1].
    """
    if probability.ndim != 2:
        raise ValueError(f"Probabilities must be [N, K], not {list(probability.shape)}.")
    if probability.shape[1] == 0:
        return np.zeros(probability.shape[0], dtype=np.int32)
    if not bool(np.all((probability >= 0.0) & (probability <= 1.0))):
        raise ValueError("Probabilities must lie in [0, 1].")
    best = np.argmax(probability, axis=1)
    value = np.take_along_axis(probability, best[:, None], axis=1)[:, 0]
    wins = value > background_probability(probability)
    return np.where(wins, best + 1, 0).astype(np.int32)


def grown(probability: F32, grow: Sequence[float]) -> F32:
    """[N, K] float32 in [0, 1]: probabilities with their logits shifted by ``GROW_LOGIT`` times each object's ``grow``.

    What is certain, 0 or 1, stays as it is.

    Args:
        probability: [N, K] float32 in [0, 1]; grow: K numbers in [-1, 1], the objects' ``ObjectPrompt.grow``.
    """
    if not any(grow):
        return probability
    odds = np.exp(GROW_LOGIT * np.asarray(grow, dtype=np.float64))
    share = probability * odds
    return np.clip(share / (share + (1.0 - probability)), 0.0, 1.0).astype(np.float32)


# ---------------------------------------------------------------------------------------------------------- islands


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
    count = rows.size
    neighbours = min(options.neighbours, count - 1)
    if neighbours < 1:
        return 1, np.zeros(count, dtype=np.int32)
    tree = KDTree(means, compact_nodes=False, balanced_tree=False)
    found = tree.query(means, k=neighbours + 1, workers=-1)
    distance, index = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.int64)
    # Column 0 is the Gaussian itself, or its double at the same place: either way an edge of length 0.
    spacing = float(np.median(distance[:, -1]))
    source = np.repeat(np.arange(count), neighbours)
    target = index[:, 1:].reshape(-1)
    length = distance[:, 1:].reshape(-1)
    connected = length <= options.reach * spacing
    far = np.flatnonzero(~connected)
    if far.size:
        connected[far] = _touch(means, rows, gaussians, source[far], target[far])
    source, target = source[connected], target[connected]
    graph = coo_array((np.ones(source.size, dtype=np.int8), (source, target)), shape=(count, count))
    components, component = connected_components(graph.tocsr(), directed=False)
    return int(components), np.asarray(component, dtype=np.int32)


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


# ------------------------------------------------------------------------------------------------------- soft edges


@dataclass(frozen=True)
class SoftEdgeOptions:
    """Which Gaussians straddle an edge.

    Attributes:
        least: a Gaussian goes to both sides when the smaller side's share is at least this, in (0, 0.5].
    """

    least: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 < self.least <= 0.5:
            raise ValueError(f"The least share of a side must lie in (0, 0.5], not {self.least}.")


@dataclass(frozen=True, eq=False)
class SoftEdges:
    """Gaussians of which those that straddle an edge were replaced by two, one on either side.

    Attributes:
        gaussians: M Gaussians; rows 0 to N - 1 are the input's, the twins follow.
        labels: [M] int32.
        parent: [M] int64, row of the input.
        changed: [M] bool, rows whose opacity differs from the parent's.
    """

    gaussians: Gaussians
    labels: Labels
    parent: NDArray[np.int64]
    changed: NDArray[np.bool_]


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


def soft_edges(
    gaussians: Gaussians, probability: F32, labels: Labels, options: SoftEdgeOptions | None = None
) -> SoftEdges:
    """Sends every Gaussian that straddles an edge to both sides, its opacity split by its probability.

    The two sides are the label's class and the most probable other one (objects and background). A Gaussian's share
    is taken between these two. One whose label is not its most probable class (a removed island) was put where it is
    on purpose and stays whole. All other rows are untouched.

    Args:
        gaussians: N Gaussians.
        probability: [N, K] float32 in [0, 1], of each object.
        labels: [N] int32, the hard labels.
    """
    options = options or SoftEdgeOptions()
    classes = np.concatenate([background_probability(probability)[:, None], probability], axis=1).astype(np.float64)
    rows = np.arange(len(gaussians))
    own = classes[rows, labels]
    others = classes.copy()
    others[rows, labels] = -1.0
    second = np.argmax(others, axis=1).astype(np.int32)
    other = np.maximum(others[rows, second], 0.0)
    share = own / np.maximum(own + other, 1e-12)
    straddles = np.flatnonzero((own >= other) & (1.0 - share >= options.least) & (own > 0.0)).astype(np.int64)
    first, twin = split_opacity(gaussians.opacity_logits[straddles], share[straddles])
    parent = np.concatenate([rows.astype(np.int64), straddles])
    result = gaussians.take(parent)
    logits = result.opacity_logits.copy()
    logits[straddles], logits[len(gaussians) :] = first, twin
    changed = np.zeros(parent.size, dtype=bool)
    changed[straddles] = True
    changed[len(gaussians) :] = True
    return SoftEdges(
        Gaussians(result.means, result.log_scales, result.quats, logits, result.sh),
        np.concatenate([labels, second[straddles]]).astype(np.int32),
        parent,
        changed,
    )
