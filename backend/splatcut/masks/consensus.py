# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Masks corrected where the other views contradict them (method: masks that disagree).

Every mask votes once. What the vote makes of a view, rendered, is what all views together say about its mask, and the
mistakes that a single mask makes stand out against it: an edge moved to one side, drawn in or blown up by a few pixels,
a part missing, a part too many. Moved edges are put back by fitting a shift and a margin to the distances between the
two edges; parts that the other views contradict are taken from the render. What all masks have in common cannot be
told from the truth and stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut.lift.labelled import Labelled, label_images, lift, lift_again
from splatcut.lift.problem import Problem
from splatcut.progress import Progress
from splatcut.scene.gaussians import F32
from splatcut.scene.masks import MaskSet, share_bytes

Bool = NDArray[np.bool_]

#: Views with masks of an object that there must be at least.
VIEWS = 8
#: Pixels of an edge that a fit takes.
FEWEST = 50
#: Pixels that a mask's edge may lie from the consensus' to take part in the fit.
REACH = 6.0
#: Pixels that an edge must be off (below, masks and their consensus are no better than each other), and by which it is
#: moved at most.
LEAST, MOST = 0.75, 6.0
#: Share of the robust loss that may be left after moving the edge.
GAIN = 0.75
#: The same for a fit with both a shift and a margin against the better one of the two alone.
SIMPLER = 0.7
#: Probability below which the consensus denies what the mask shows, and 1 - SURE above which it misses it.
SURE = 0.2
#: Pixels from the consensus' edge that a wrong part must reach at least.
DEPTH = 5.0
#: Share of the consensus' area that a wrong part must have at least.
PART = 0.01
#: Share of the masks above which the user is told that they contradict each other.
MANY = 0.25


@dataclass(frozen=True)
class Change:
    """What was done to one mask: its edge moved back by ``shift`` (x, y) and in by ``margin``, pixels; the number of
    pixels ``replaced``."""

    shift: tuple[float, float] = (0.0, 0.0)
    margin: float = 0.0
    replaced: int = 0


@dataclass(frozen=True, eq=False)
class Consensus:
    """The corrected masks, and per (number of the view, number of the object) what was done where anything was."""

    masks: MaskSet
    changes: dict[tuple[int, int], Change] = field(default_factory=dict)

    def told(self) -> list[dict[str, Any]]:
        """JSON-ready, for the report."""
        return [
            {
                "view": self.masks.views[view],
                "object": self.masks.objects[k],
                "shift": [round(value, 2) for value in change.shift],
                "margin": round(change.margin, 2),
                "replaced": change.replaced,
            }
            for (view, k), change in sorted(self.changes.items())
        ]


@dataclass(frozen=True, eq=False)
class Edge:
    """Where a mask's edge runs near the consensus': [P, 2] outward normals (x, y) of the latter, [P] pixels by which
    the mask reaches farther."""

    normals: F32
    beyond: F32


def box_around(found: Bool, pad: int) -> tuple[slice, slice]:
    """Rows and columns around what is ``found`` [H, W], and ``pad`` more on all sides where the image has them."""
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - pad), int(rows[-1]) + pad + 1),
        slice(max(0, int(columns[0]) - pad), int(columns[-1]) + pad + 1),
    )


def signed_distance(inside: Bool) -> F32:
    """[H, W] pixels to the edge of ``inside``, negative inside; half a pixel on both sides of it."""
    if not inside.any() or inside.all():
        return np.full(inside.shape, -1e6 if inside.any() else 1e6, np.float32)
    out = ndimage.distance_transform_edt(~inside)
    within = ndimage.distance_transform_edt(inside)
    return np.where(inside, 0.5 - within, out - 0.5).astype(np.float32)


def edge_between(mask: F32, consensus: F32) -> Edge:
    """Compares two edges, given as signed distances [H, W] to them."""
    smooth = ndimage.gaussian_filter(consensus, 1.5)
    down, right = (np.asarray(axis) for axis in np.gradient(smooth))
    near = (np.abs(mask) < 1) & (np.abs(consensus) < REACH)
    # The picture's border cuts masks off: no edge.
    near[:3], near[-3:], near[:, :3], near[:, -3:] = False, False, False, False
    normals = np.stack([right[near], down[near]], axis=1)
    length = np.linalg.norm(normals, axis=1)
    good = length > 0.3
    return Edge(
        (normals[good] / length[good, None]).astype(np.float32), (consensus[near] - mask[near])[good].astype(np.float32)
    )


def fit(columns: F32, beyond: F32) -> tuple[F32, float]:
    """Robust linear fit (Cauchy loss at a scale of one pixel): coefficients, and the mean loss that is left."""
    weight = np.ones(len(beyond), np.float64)
    found = np.zeros(columns.shape[1])
    for _ in range(30):
        root = np.sqrt(weight)
        before, found = found, np.linalg.lstsq(columns * root[:, None], beyond * root, rcond=1e-3)[0]
        weight = 1 / (1 + (beyond - columns @ found) ** 2)
        if np.abs(found - before).max() < 1e-3:
            break
    return found.astype(np.float32), float(np.log1p((beyond - columns @ found) ** 2).mean())


def offset(edge: Edge) -> F32:
    """[3] shift in x and y and margin, pixels, of a mask against the consensus; zeros unless that explains most of what
    lies between them."""
    nothing = np.zeros(3, np.float32)
    if len(edge.beyond) < FEWEST:
        return nothing
    ones = np.ones((len(edge.beyond), 1), np.float32)
    left = float(np.log1p(edge.beyond**2).mean())
    margin, margin_left = fit(ones, edge.beyond)
    shift, shift_left = fit(edge.normals, edge.beyond)
    both, both_left = fit(np.hstack([edge.normals, ones]), edge.beyond)
    best = np.array([0, 0, margin[0]]) if margin_left < shift_left else np.array([shift[0], shift[1], 0])
    best_left = min(margin_left, shift_left)
    if both_left < SIMPLER * best_left:
        best, best_left = both, both_left
    size = max(float(np.hypot(best[0], best[1])), abs(float(best[2])))
    if best_left > GAIN * left or not LEAST <= size <= MOST:
        return nothing
    return best.astype(np.float32)


def replace_parts(soft: F32, expected: F32, moved: F32) -> tuple[F32, int]:
    """One mask corrected.

    Args:
        soft, expected: [H, W] in [0, 1], the mask and what the consensus shows.
        moved: [3] of ``offset``.

    Returns:
        [H, W] in [0, 1], and the number of pixels taken from the consensus.
    """
    if moved.any():
        distance = signed_distance(soft > 0.5)
        distance = ndimage.shift(distance, (-float(moved[1]), -float(moved[0])), order=1, mode="nearest")
        soft = np.clip(0.5 - distance - moved[2], 0, 1).astype(np.float32)
    inside, shown = soft > 0.5, expected > 0.5
    differs = inside != shown
    deep = np.abs(signed_distance(shown)) > DEPTH
    denied = differs & deep & np.where(inside, expected < SURE, expected > 1 - SURE)
    if not denied.any():
        return soft, 0
    part = ndimage.binary_dilation(denied, iterations=round(DEPTH) + 1, mask=differs)
    number, _ = ndimage.label(part)
    large = np.bincount(number.ravel()) >= max(3 * DEPTH**2, PART * float(shown.sum()))
    large[0] = False
    wrong = ndimage.binary_dilation(large[number], iterations=2)
    return np.where(wrong, expected, soft).astype(np.float32), int(large[number].sum())


@dataclass(frozen=True, eq=False)
class _Compared:
    """A mask beside the consensus: where in the picture, what the consensus shows there (0 to 255), the edges."""

    box: tuple[slice, slice]
    expected: NDArray[np.uint8]
    edge: Edge


def correct_masks(masks: MaskSet, expected: Callable[[int], F32], step: Callable[[], None] = lambda: None) -> Consensus:
    """Corrects masks that the other views contradict; all others stay bit by bit.

    Args:
        expected: of a view's number, [H, W, K] in [0, 1]: the label image that the vote of all masks gives.
        step: called after each view.
    """
    if (masks.confidence > 0).sum(axis=0).max(initial=0) < VIEWS:
        return Consensus(masks)
    compared: dict[int, dict[int, _Compared]] = {k: {} for k in range(len(masks.objects))}
    for view in range(len(masks.views)):
        trusted = np.flatnonzero(masks.confidence[view] > 0).tolist()
        shown = expected(view) if trusted else None
        for k in trusted:
            assert shown is not None
            found = _compare(masks.probability[view][k], shown[..., k])
            if found is not None:
                compared[k][view] = found
        step()
    probability, changes = list(masks.probability), {}
    for k, items in compared.items():
        if len(items) < VIEWS:
            continue
        common = _common([item.edge for item in items.values()])
        for view, item in items.items():
            normals, beyond = item.edge.normals, item.edge.beyond
            moved = offset(Edge(normals, beyond - normals @ common[:2] - common[2]))
            soft = masks.probability[view][k][item.box].astype(np.float32) / np.float32(255)
            made, replaced = replace_parts(soft, item.expected.astype(np.float32) / np.float32(255), moved)
            if moved.any() or replaced:
                if probability[view] is masks.probability[view]:
                    probability[view] = probability[view].copy()
                probability[view][k][item.box] = np.rint(made * 255)
                changes[view, k] = Change((float(moved[0]), float(moved[1])), float(moved[2]), replaced)
    for view in {view for view, _ in changes}:
        probability[view] = share_bytes(probability[view])
    return Consensus(replace(masks, probability=probability), changes)


def _compare(mask: NDArray[np.uint8], shown: F32) -> _Compared | None:
    """None if neither shows the object."""
    inside, agreed = mask > 127, shown > 0.5
    if not (inside | agreed).any():
        return None
    box = box_around(inside | agreed, int(REACH + MOST))
    edge = edge_between(signed_distance(inside[box]), signed_distance(agreed[box]))
    return _Compared(box, np.rint(np.clip(shown[box], 0, 1) * 255).astype(np.uint8), edge)


def _common(edges: Sequence[Edge]) -> F32:
    """[3] the usual shift and margin of all masks: the consensus' own error, not theirs."""
    fits = [
        fit(np.hstack([edge.normals, np.ones((len(edge.beyond), 1), np.float32)]), edge.beyond)[0]
        for edge in edges
        if len(edge.beyond) >= FEWEST
    ]
    return np.median(fits, axis=0).astype(np.float32) if fits else np.zeros(3, np.float32)


def lift_agreeing(problem: Problem, tau: float, progress: Progress) -> tuple[Labelled, Consensus]:
    """As ``lift``, and again after correcting the masks that the others contradict, if there are any.

    Returns:
        The scene lifted, and the masks as they were lifted in the end.
    """
    first = lift(problem, tau, progress)
    progress.stage("reconcile", len(problem.views))
    shown = label_images(problem, first.probability)
    found = correct_masks(problem.masks, shown, progress.step)
    if not found.changes:
        return first, found
    return lift_again(first, replace(problem, masks=found.masks), tau, progress), found


def contradictions(changes: Sequence[Mapping[str, Any]], masks: MaskSet) -> list[str]:
    """A sentence for the user when many masks contradict the others; ``changes`` as ``Consensus.told`` gives them."""
    if len(changes) <= MANY * max(1, int((masks.confidence > 0).sum())):
        return []
    moved = sum(1 for change in changes if change["margin"] or any(change["shift"]))
    replaced = sum(1 for change in changes if change["replaced"])
    done = [
        f"{moved} edge{' was' if moved == 1 else 's were'} moved by a few pixels" if moved else "",
        f"wrong parts of {replaced} mask{'' if replaced == 1 else 's'} were replaced" if replaced else "",
    ]
    return [
        f"{len(changes)} masks contradicted those of the other views: {' and '.join(part for part in done if part)}. "
        "Check the contact sheet, and that the masks belong to these views."
    ]
