# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Clears objects of what no view showed of them: spikes, shells and leftovers that the scene hides (method: hidden
extents).

An object's Gaussian is labelled by what is seen of it, and may reach from there into space that is not the object: into
the ground it stands on, or out of its silhouette. The views are asked (``refine.hull``) about points along its three
axes. A point is the object's when enough views support it and not too many refute it; what nothing supports is not,
even if nothing refutes it. Gaussians with points of both kinds are cut in two along the axis that tells them apart best
(``splatcut.split``: moments are kept, so the scene looks as before), and so are their children, some times over; then
those that lie mostly outside go to the background. None is deleted, and one whose parts all end on one side is left
whole.

The settings were chosen on training views alone (two captures and the demo scene: extracted and visible IoU, and
coverage outside of the training masks' hull from new angles). Of lifting's coverage beyond 2 px of that silhouette at
most two fifths are left on each of the seven objects; what lies nearer is soft edges, which are the optimisation's.
Asking more of support (``supported`` 0.04, or a thickness of 1) or not widening the masks costs 0.2 to 0.4 points of
one object's visible IoU; widening them by 2 px leaves a tenth more outside on one capture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from splatcut import raster
from splatcut.progress import Progress
from splatcut.refine.hull import HullOptions, depth_maps, evidence, interior
from splatcut.refine.rounds import pixel_sizes
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians, concatenate
from splatcut.scene.masks import MaskSet
from splatcut.scene.rotations import rotation_matrices
from splatcut.split import split

#: Where a Gaussian is asked about along its axes, as shares of the reach.
_STEPS = np.linspace(-1.0, 1.0, 7)
_CENTRE = len(_STEPS) // 2

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class HiddenOptions:
    """What counts as the object's, and how finely Gaussians are cut. Shares are of the views that see a point.

    Attributes:
        views: at most so many are asked about each object, those that differ most.
        rounds: how often Gaussians and their children are cut.
        widen: pixels by which the masks are widened first: edges are the optimisation's matter, and masks err.
        supported: share of views that have to support a point, in [0, 1].
        enclosed: share of views in whose mask a point has to lie, however deep, so that it stays without support:
            what is inside of an object. Above 1: such points go, too.
        refuted: share of views that may refute a point in any case; contested: and as a share of those that support it.
        reach: standard deviations to which a Gaussian is asked about; above 0.
        min_pixels: standard deviation along an axis, in pixels of the closest view, below which it is not cut.
        hull: how the views are read.
    """

    views: int = 40
    rounds: int = 3
    widen: int = 1
    supported: float = 0.02
    enclosed: float = 0.9
    refuted: float = 0.15
    contested: float = 0.5
    reach: float = 2.4
    min_pixels: float = 1.0
    hull: HullOptions = field(default_factory=HullOptions)

    def __post_init__(self) -> None:
        if self.views < 1:
            raise ValueError("At least 1 view has to be asked.")
        if self.rounds < 0 or self.widen < 0:
            raise ValueError("rounds and widen must not be negative.")
        if not (0.0 <= self.supported <= 1.0 and 0.0 <= self.refuted <= 1.0):
            raise ValueError("supported and refuted must lie in [0, 1]: they are shares of views.")
        if not (self.contested >= 0.0 and self.enclosed >= 0.0):
            raise ValueError("contested and enclosed must be 0 or above.")
        if not (self.reach > 0.0 and self.min_pixels > 0.0):
            raise ValueError("reach and min_pixels must be above 0.")


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


def clear_hidden(
    gaussians: Gaussians,
    labels: NDArray[np.integer],
    views: Sequence[View],
    masks: MaskSet,
    options: HiddenOptions,
    progress: Progress,
    device: raster.Device = "cpu",
) -> Cleared:
    """Cuts off and hands to the background what of the objects no view supports.

    Gaussians that are neither cut nor moved stay as they are, bit by bit; none changes from one object to another.

    Args:
        labels: [N], 0 the background, k the k-th object of the masks (from 1).
        views: among them all of ``masks.views``.
        device: of the rest of the refinement; this part runs on the CPU anyway (``hull.depth_maps``).
    """
    del device
    labels = np.array(labels, np.int32)
    by_name = {view.name: view for view in views}
    asked = [by_name[name] for name in masks.views]
    chosen = [_spread(asked, masks.confidence[:, k], options.views) for k in range(len(masks.objects))]
    used = sorted({int(number) for numbers in chosen for number in numbers})
    depths = dict(zip(used, depth_maps(gaussians, [asked[n] for n in used], options.hull, progress), strict=True))
    progress.stage("hidden", len(masks.objects) * (options.rounds + 1))
    whole, extra = gaussians.take(np.arange(len(gaussians))), [gaussians.take(slice(0))]  # indices: a copy
    result, extra_labels, parents = labels.copy(), [labels[:0]], [np.arange(len(labels), dtype=np.int64)]
    changed = np.zeros(len(labels), bool)
    moved, cut = np.zeros((2, len(masks.objects)), np.int64)
    for k, numbers in enumerate(chosen):
        rows = np.flatnonzero(labels == k + 1)
        if not rows.size or not numbers.size:
            progress.step(options.rounds + 1)
            continue
        witnesses = _witnesses(k, numbers, asked, masks, [depths[int(n)] for n in numbers], options)
        parts = _cut(gaussians.take(rows), pixel_sizes(gaussians.means[rows], asked), witnesses, progress)
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


def supported(
    gaussians: Gaussians,
    labels: NDArray[np.integer],
    views: Sequence[View],
    masks: MaskSet,
    options: HiddenOptions,
    progress: Progress,
) -> Bools:
    """[N] bool: objects' Gaussians whose centre the views take for the object's.

    Where such Gaussians are covered by something else, the object alone may cover more than its mask shows (L_alone).
    Arguments as for ``clear_hidden``.
    """
    by_name = {view.name: view for view in views}
    asked = [by_name[name] for name in masks.views]
    chosen = [_spread(asked, masks.confidence[:, k], options.views) for k in range(len(masks.objects))]
    used = sorted({int(number) for numbers in chosen for number in numbers})
    depths = dict(zip(used, depth_maps(gaussians, [asked[n] for n in used], options.hull, progress), strict=True))
    result = np.zeros(len(gaussians), bool)
    for k, numbers in enumerate(chosen):
        rows = np.flatnonzero(np.asarray(labels) == k + 1)
        if rows.size and numbers.size:
            witnesses = _witnesses(k, numbers, asked, masks, [depths[int(n)] for n in numbers], options)
            result[rows] = witnesses.own(gaussians.means[rows].astype(np.float64))
    return result


def _spread(views: Sequence[View], trust: F32, count: int) -> NDArray[np.int64]:
    """Numbers of at most ``count`` trusted views, ascending: each one the farthest in place and direction from those
    before it."""
    trusted = np.flatnonzero(trust > 0)
    if trusted.size <= count:
        return trusted
    cameras = [views[int(number)].camera for number in trusted]
    places = np.array([camera.position for camera in cameras])
    size = float(np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=1).mean())) or 1.0
    poses = np.concatenate([places / size, np.array([c.camera_from_world[2, :3] for c in cameras])], axis=1)
    taken = [0]
    nearest = np.linalg.norm(poses - poses[0], axis=1)
    while len(taken) < count:
        taken.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(poses - poses[taken[-1]], axis=1))
    return np.sort(trusted[taken])


@dataclass(frozen=True, eq=False)
class _Witnesses:
    """What is asked about one object: views, their masks of it alone and widened, depths and distances to outlines."""

    views: list[View]
    masks: MaskSet
    depths: list[F32]
    interiors: list[F32]
    options: HiddenOptions

    def own(self, points: NDArray[np.floating]) -> Bools:
        """Whether points [..., 3] are the object's."""
        options = self.options
        found = evidence(points.reshape(-1, 3), self.views, self.masks, 0, self.depths, options.hull, self.interiors)
        refuted = (found.refuted > options.contested * found.supported) & (found.refuted > options.refuted * found.seen)
        known = (found.supported > options.supported * found.seen) | (found.inside >= options.enclosed * found.seen)
        return (known & ~refuted & (found.seen > 0)).reshape(points.shape[:-1])


def _witnesses(
    k: int,
    numbers: NDArray[np.int64],
    views: Sequence[View],
    masks: MaskSet,
    depths: list[F32],
    options: HiddenOptions,
) -> _Witnesses:
    chosen = [int(number) for number in numbers]
    size = 2 * options.widen + 1
    widened = [ndimage.grey_dilation(masks.probability[n][k], size=(size, size))[None] for n in chosen]
    alone = MaskSet(
        (masks.objects[k],),
        tuple(masks.views[n] for n in chosen),
        widened,
        np.ascontiguousarray(masks.confidence[chosen, k : k + 1]),
    )
    return _Witnesses([views[n] for n in chosen], alone, depths, [interior(mask[0]) for mask in widened], options)


@dataclass(frozen=True, eq=False)
class _Parts:
    """One object's Gaussians after cutting: as in ``Split``; ``kept``: [M] bool, those that stay with the object."""

    gaussians: Gaussians
    parent: NDArray[np.int64]
    changed: Bools
    kept: Bools


def _cut(some: Gaussians, pixel: F32, witnesses: _Witnesses, progress: Progress) -> _Parts:
    """Cuts one object's Gaussians; ``pixel``: [N] world units of a pixel at each in its closest view."""
    options = witnesses.options
    parts, parent = some, np.arange(len(some), dtype=np.int64)
    kept = np.ones(len(some), bool)
    todo = np.arange(len(some), dtype=np.int64)
    for number in range(options.rounds + 1):
        progress.step()
        if not todo.size:
            continue
        chosen = parts.take(todo)
        least = options.min_pixels * pixel[parent[todo]] if number < options.rounds else np.full(len(todo), np.inf)
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


def _best_cuts(some: Gaussians, witnesses: _Witnesses, least: NDArray[np.floating]) -> _Cuts:
    """Where cutting separates the object's points on the axes best from the others, weighted by the Gaussian's density.

    Args:
        least: [N] standard deviation, world units, below which an axis is not cut.
    """
    reach = witnesses.options.reach * _STEPS
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
    own = witnesses.own(points)
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
