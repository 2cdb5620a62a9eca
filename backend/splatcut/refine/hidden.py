# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Clears objects of what no view showed of them: spikes, shells and leftovers that the scene hides (method: hidden
extents).

An object's Gaussian is labelled by what is seen of it, and may reach from there into space that is not the object:
into the ground it stands on, or out of its silhouette. The views are asked (``refine.evidence``) about points along its
three axes. A point is the object's when enough views support it and not too many refute it; what nothing supports is
not, even if nothing refutes it. Gaussians with points of both kinds are cut in two along the axis that tells them apart
best (``refine.split``: moments are kept, so the scene looks as before), and so are their children, some times over;
then those that lie mostly outside go to the background. None is deleted, and one whose parts all end on one side is
left whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from splatcut.lift.labelled import Labelled
from splatcut.lift.labels import labels_from_probability
from splatcut.lift.problem import Problem
from splatcut.progress import Progress
from splatcut.refine.evidence import Witness, depth_maps, evidence, interior
from splatcut.refine.split import split
from splatcut.scene.camera import View, pixel_sizes
from splatcut.scene.gaussians import F32, Gaussians, concatenate
from splatcut.scene.rotations import rotation_matrices

#: At most so many views are asked about each object, those that differ most.
VIEWS = 40
#: How often Gaussians and their children are cut.
ROUNDS = 3
#: Pixels by which the masks are widened first: edges are the optimisation's matter, and masks err.
WIDEN = 1
#: Share of the views that see a point that have to support it.
SUPPORTED = 0.02
#: Share of views in whose mask a point has to lie, however deep, to stay without support: what is inside of an object.
ENCLOSED = 0.9
#: Share of views that may refute a point in any case, and as a share of those that support it.
REFUTED, CONTESTED = 0.15, 0.5
#: Standard deviations to which a Gaussian is asked about.
REACH = 2.4
#: Standard deviation along an axis, in pixels of the closest view, below which it is not cut.
MIN_PIXELS = 1.0
#: Probability at most that what went to the background begins with: low, but the optimisation can still raise it.
GONE = 0.05
#: Where a Gaussian is asked about along its axes, as shares of the reach.
_STEPS = np.linspace(-1.0, 1.0, 7)
_CENTRE = len(_STEPS) // 2

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cleared:
    """The scene with the objects cleared.

    Attributes:
        gaussians: M Gaussians: children in their parents' rows first, the rest of the children at the end.
        labels: [M] int32, 0 the background, k the k-th object (from 1).
        parent: [M] int64, row of the input; changed: [M] bool, true for children.
        moved: [K] int64, input Gaussians of each object that went to the background whole; cut: [K] int64, those of
            which a part did.
    """

    gaussians: Gaussians
    labels: NDArray[np.int32]
    parent: NDArray[np.int64]
    changed: Bools
    moved: NDArray[np.int64]
    cut: NDArray[np.int64]


def call_witnesses(problem: Problem, progress: Progress) -> list[list[Witness]]:
    """For every object the views that are asked about it, as the scene is before anything is cut."""
    masks = problem.masks
    chosen = [_spread(problem.views, confidence) for confidence in masks.confidence.T]
    used = sorted({number for numbers in chosen for number in numbers})
    depths = dict(zip(used, depth_maps(problem.scene, [problem.views[n] for n in used], progress), strict=True))
    size = 2 * WIDEN + 1
    found: list[list[Witness]] = []
    for k, numbers in enumerate(chosen):
        found.append([])
        for n in numbers:
            mask = ndimage.grey_dilation(masks.probability[n][k], size=(size, size))
            confidence = float(masks.confidence[n, k])
            found[k].append(Witness(problem.views[n].camera, mask, confidence, depths[n], interior(mask)))
    return found


def clear_hidden(
    problem: Problem, labelled: Labelled, witnesses: Sequence[Sequence[Witness]], progress: Progress
) -> tuple[Labelled, dict[str, list[int]]]:
    """Gives to the background what of the objects no view supports, and counts it: input Gaussians of each object that
    were "moved" there whole, and those "cut" of which a part was.

    Args:
        witnesses: of every object, as ``call_witnesses`` gives them.
    """
    labels = labels_from_probability(labelled.probability)
    made = clear_objects(labelled.gaussians, labels, witnesses, problem.views, progress)
    probability: F32 = labelled.probability[made.parent]
    gone = (made.labels == 0) & (labels[made.parent] > 0)
    probability[gone] = np.minimum(probability[gone], GONE)
    variance = labelled.variance[made.parent]
    # The optimisation has the last word on what was cut.
    variance[made.changed | gone] = 1
    cleared = replace(
        labelled,
        gaussians=made.gaussians,
        parent=labelled.parent[made.parent],
        changed=labelled.changed[made.parent] | made.changed,
        split=labelled.split[made.parent] | made.changed,
        probability=probability,
        weight=labelled.weight[made.parent],
        variance=variance,
    )
    return cleared, {"moved": made.moved.tolist(), "cut": made.cut.tolist()}


def clear_objects(
    gaussians: Gaussians,
    labels: NDArray[np.integer],
    witnesses: Sequence[Sequence[Witness]],
    views: Sequence[View],
    progress: Progress,
) -> Cleared:
    """Cuts off and gives to the background what of the objects no view supports.

    Gaussians that are neither cut nor moved stay as they are, bit by bit; none changes from one object to another.

    Args:
        labels: [N], 0 the background, k the k-th object (from 1); witnesses: of every object.
    """
    labels = np.array(labels, np.int32)
    progress.stage("hidden", len(witnesses) * (ROUNDS + 1))
    whole, extra = gaussians.take(np.arange(len(gaussians))), [gaussians.take(slice(0))]  # indices: a copy
    result, extra_labels, parents = labels.copy(), [labels[:0]], [np.arange(len(labels), dtype=np.int64)]
    changed = np.zeros(len(labels), bool)
    moved, cut = np.zeros((2, len(witnesses)), np.int64)
    for k, asked in enumerate(witnesses):
        rows = np.flatnonzero(labels == k + 1)
        if not rows.size or not asked:
            progress.step(ROUNDS + 1)
            continue
        parts = _cut(gaussians.take(rows), pixel_sizes(gaussians.means[rows], views), asked, progress)
        first = len(rows)
        for name in ("means", "log_scales", "opacity_logits"):
            getattr(whole, name)[rows] = getattr(parts.gaussians, name)[:first]
        result[rows[~parts.kept[:first]]] = 0
        changed[rows] = parts.changed[:first]
        extra.append(parts.gaussians.take(slice(first, None)))
        extra_labels.append(np.where(parts.kept[first:], k + 1, 0).astype(np.int32))
        parents.append(rows[parts.parent[first:]])
        cut[k] = int(parts.changed[:first].sum())
        moved[k] = int((~parts.kept[:first] & ~parts.changed[:first]).sum())
    children = sum(len(part) for part in extra)
    return Cleared(
        concatenate([whole, *extra]),
        np.concatenate([result, *extra_labels]),
        np.concatenate(parents),
        np.concatenate([changed, np.ones(children, bool)]),
        moved,
        cut,
    )


def supported(gaussians: Gaussians, labels: NDArray[np.integer], witnesses: Sequence[Sequence[Witness]]) -> Bools:
    """[N] bool: objects' Gaussians whose centre the views take for the object's.

    Where such Gaussians are covered by something else, the object alone may cover more than its mask shows (L_alone).
    Arguments as for ``clear_objects``.
    """
    result = np.zeros(len(gaussians), bool)
    for k, asked in enumerate(witnesses):
        rows = np.flatnonzero(np.asarray(labels) == k + 1)
        if rows.size and asked:
            result[rows] = is_object(gaussians.means[rows].astype(np.float64), asked)
    return result


def is_object(points: NDArray[np.floating], witnesses: Sequence[Witness]) -> Bools:
    """Whether points [..., 3], world frame, are the object's that the witnesses are asked about."""
    found = evidence(points.reshape(-1, 3), witnesses)
    refuted = (found.refuted > CONTESTED * found.supported) & (found.refuted > REFUTED * found.seen)
    known = (found.supported > SUPPORTED * found.seen) | (found.inside >= ENCLOSED * found.seen)
    return (known & ~refuted & (found.seen > 0)).reshape(points.shape[:-1])


def _spread(views: Sequence[View], confidence: F32) -> list[int]:
    """Numbers of at most ``VIEWS`` trusted views, ascending: each one the farthest in place and direction from those
    before it."""
    trusted = np.flatnonzero(confidence > 0)
    if trusted.size <= VIEWS:
        return trusted.tolist()
    cameras = [views[int(number)].camera for number in trusted]
    places = np.array([camera.position for camera in cameras])
    size = float(np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=1).mean())) or 1.0
    poses = np.concatenate([places / size, np.array([c.camera_from_world[2, :3] for c in cameras])], axis=1)
    taken = [0]
    nearest = np.linalg.norm(poses - poses[0], axis=1)
    while len(taken) < VIEWS:
        taken.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(poses - poses[taken[-1]], axis=1))
    return np.sort(trusted[taken]).tolist()


@dataclass(frozen=True, eq=False)
class _Parts:
    """One object's Gaussians after cutting: as in ``Split``; ``kept``: [M] bool, those that stay with the object."""

    gaussians: Gaussians
    parent: NDArray[np.int64]
    changed: Bools
    kept: Bools


def _cut(some: Gaussians, pixel: F32, witnesses: Sequence[Witness], progress: Progress) -> _Parts:
    """Cuts one object's Gaussians; ``pixel``: [N] world units of a pixel at each in its closest view."""
    parts, parent = some, np.arange(len(some), dtype=np.int64)
    kept = np.ones(len(some), bool)
    todo = np.arange(len(some), dtype=np.int64)
    for number in range(ROUNDS + 1):
        progress.step()
        if not todo.size:
            continue
        chosen = parts.take(todo)
        least = MIN_PIXELS * pixel[parent[todo]] if number < ROUNDS else np.full(len(todo), np.inf)
        found = _best_cuts(chosen, witnesses, least)
        kept[todo[(found.axis < 0) & (found.own < 0.5)]] = False
        across = found.axis >= 0
        index, count = todo[across], len(parts)
        halves = split(parts, index, found.axis[across], found.towards[across], found.share[across])
        parts, parent = halves.gaussians, parent[halves.parent]
        kept = np.concatenate([kept, kept[index]])
        todo = np.concatenate([index, np.arange(count, len(parts))])
    return _mended(some, parts, parent, kept)


def _mended(some: Gaussians, parts: Gaussians, parent: NDArray[np.int64], kept: Bools) -> _Parts:
    """Puts those together again whose parts are all on one side."""
    count = len(some)
    pieces = np.bincount(parent, minlength=count)
    own = np.bincount(parent, weights=kept, minlength=count)
    cut = (own > 0) & (own < pieces)
    rows = np.concatenate([np.arange(count), count + np.flatnonzero(cut[parent[count:]])])
    result = parts.take(rows)
    for name in ("means", "log_scales", "opacity_logits"):
        getattr(result, name)[:count][~cut] = getattr(some, name)[~cut]
    return _Parts(result, parent[rows], cut[parent[rows]], kept[rows])


@dataclass(frozen=True, eq=False)
class _Cuts:
    """Best cuts of N Gaussians.

    Attributes:
        axis: [N] int64, 0 to 2; -1: none.
        towards: [N, 3] direction of the object along it; share: [N] of the Gaussian's mass on that side.
        own: [N] share of the Gaussian that is the object's, in [0, 1].
    """

    axis: NDArray[np.int64]
    towards: NDArray[np.float64]
    share: NDArray[np.float64]
    own: NDArray[np.float64]


def _best_cuts(some: Gaussians, witnesses: Sequence[Witness], least: NDArray[np.floating]) -> _Cuts:
    """Where cutting separates the object's points on the axes best from the others, weighted by the Gaussian's density.

    Args:
        least: [N] standard deviation, world units, below which an axis is not cut.
    """
    reach = REACH * _STEPS
    weight = np.exp(-0.5 * reach**2)
    weight /= weight.sum()
    axes = rotation_matrices(some.quats).transpose(0, 2, 1)
    scales = np.exp(some.log_scales.astype(np.float64))
    beside = np.arange(len(reach)) != _CENTRE
    points = np.empty((len(some), 1 + 3 * int(beside.sum()), 3))
    points[:, 0] = some.means
    points[:, 1:] = (some.means[:, None, None] + (axes * scales[:, :, None])[:, :, None] * reach[beside, None]).reshape(
        len(some), -1, 3
    )
    own = is_object(points, witnesses)
    mine = np.empty((len(some), 3, len(reach)), bool)
    mine[..., _CENTRE] = own[:, :1]
    mine[..., beside] = own[:, 1:].reshape(len(some), 3, -1)
    below, others = np.cumsum(mine * weight, axis=2), np.cumsum(~mine * weight, axis=2)
    total, foreign = below[..., -1:], others[..., -1:]
    # On the wrong side of a cut after each point but the last: with the object above it, and below it.
    wrong = np.stack([below + foreign - others, others + total - below])[..., :-1]
    gain = np.minimum(total, foreign)[..., 0] - wrong.min(axis=(0, 3))
    gain[scales < least[:, None]] = 0.0
    rows, axis = np.arange(len(some)), gain.argmax(axis=1)
    chosen = wrong[:, rows, axis]
    downwards, at = np.unravel_index(
        chosen.transpose(1, 0, 2).reshape(len(some), -1).argmin(axis=1), (2, len(reach) - 1)
    )
    threshold = 0.5 * (reach[at] + reach[at + 1])
    side = np.where(downwards == 1, -1.0, 1.0)
    return _Cuts(
        np.where(gain[rows, axis] > 1e-9, axis, -1),
        axes[rows, axis] * side[:, None],
        ndtr(-side * threshold),
        total[..., 0].mean(axis=1),
    )
