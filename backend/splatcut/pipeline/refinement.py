# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds of detecting, splitting and jointly optimising the Gaussians about the edges (method: joint optimisation).

A run that is stopped goes on where it was last saved, and ends with the same bits: what a round began with and what its
iterations have changed is kept, everything else follows from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from splatcut import memory, raster
from splatcut.cameras import load_photo
from splatcut.lift.labelled import Labelled, lift_again
from splatcut.lift.labels import labels_from_probability
from splatcut.pipeline.checkpoints import Arrays
from splatcut.pipeline.labelling import split_boundary
from splatcut.progress import Progress
from splatcut.refine.evidence import accumulate_alone, edge_share
from splatcut.refine.hidden import HiddenOptions, clear_hidden, supported
from splatcut.refine.loop import Optimiser, optimise
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import Moving
from splatcut.refine.rounds import input_error, make_bands, pixel_sizes
from splatcut.refine.state import pack, unpack
from splatcut.refine.subscene import with_label_images
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.scene.masks import MaskSet

#: Names under which a round's start and the states of its optimisation and of the picture's are kept.
ROUND, STATE, PICTURE = "refine-round", "refine-state", "refine-picture"
#: What the end of the last round is called as a stage (``refine.options.Picture``).
PICTURE_STAGE = "picture"
#: Iterations at each end of a round whose mean loss is told.
_TOLD = 30
#: Iterations after which freed memory is returned to the system.
_TIDY = 25
#: Probability that cleared Gaussians begin with: low, but such that the optimisation can raise it again.
GONE = 0.05
#: Probability below which a Gaussian along an edge is the background's alone and stays as it is.
MINE = 0.02


class Store(Protocol):
    """Where a refinement keeps what it needs to go on (``Checkpoints``)."""

    def load(self, stage: str) -> tuple[Arrays, dict[str, Any]] | None:
        """What was kept under a name."""

    def save(
        self, stage: str, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any], compress: bool = True
    ) -> None:
        """Keeps arrays, as they are now and will not stay, and JSON-ready notes under a name."""


@dataclass(frozen=True)
class Saving:
    """How often the state is kept: after so many iterations or seconds, whichever comes first."""

    store: Store | None = None
    iterations: int = 50
    seconds: float = 20.0


@dataclass(frozen=True, eq=False)
class Refined:
    """The refined scene, and JSON-ready what was done for the report."""

    labelled: Labelled
    summary: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Round:
    """What a round begins with: the scene, labelled; [M] rows that may move; what the rounds before it did,
    what was cleared for it."""

    number: int
    labelled: Labelled
    rows: NDArray[np.int64]
    told: list[dict[str, Any]]
    hidden: dict[str, list[int]] | None


def refine_scene(
    scene: Gaussians,
    labelled: Labelled,
    views: Sequence[View],
    masks: MaskSet,
    options: RefineOptions,
    progress: Progress,
    device: raster.Device = "cpu",
    *,
    saving: Saving | None = None,
    photo: Callable[[View], NDArray[np.uint8] | None] = load_photo,
) -> Refined:
    """Refines the scene about the objects' edges. Gaussians that are not touched stay bit by bit the same.

    Args:
        scene: the input scene, whose rows ``labelled.parent`` names.
        labelled: the scene lifted.
        views: the views of ``masks``, in its order.
        photo: reads a view's photo [H, W, 3] uint8 at the size of the view's camera; None if it cannot be used.

    Raises:
        Cancelled: through ``progress``; what was kept last goes on with the same call.
    """
    saving = Saving() if saving is None else saving
    begun = _load_round(scene, saving, options)
    told: list[dict[str, Any]] = []
    if begun is not None:
        labelled, told = begun.labelled, begun.told
    for number in range(0 if begun is None else begun.number, options.rounds):
        if begun is None:
            begun = _begin(number, labelled, views, masks, options, progress, device, told)
            _save_round(begun, saving)
        labelled, said = _finish(begun, views, masks, options, progress, device, saving, photo)
        told, begun = [*told, said], None
    summary: dict[str, Any] = {
        "rounds": told,
        "iterations": sum(entry["iterations"] for entry in told),
        "changed": int(labelled.changed.sum()),
        "split": int(labelled.split.sum()),
    }
    return Refined(labelled, summary)


def _begin(
    number: int,
    labelled: Labelled,
    views: Sequence[View],
    masks: MaskSet,
    options: RefineOptions,
    progress: Progress,
    device: raster.Device,
    told: list[dict[str, Any]],
) -> _Round:
    """Detects and splits anew; chooses the Gaussians that may move."""
    hidden: dict[str, list[int]] | None = None
    if number > 0:
        labelled = lift_again(labelled, views, masks, options.tau, progress, device)
    if options.split:
        labelled = split_boundary(labelled, views, masks, options.tau, progress, device)
    if options.hidden:
        labelled, hidden = _clear(labelled, views, masks, progress, device)
    alone = accumulate_alone(labelled.gaussians, _hard(labelled), views, masks, progress, device)
    outside = 1 - alone.inside / np.maximum(alone.weight, 1e-6)
    # What the views hardly show has a variance, too, but nothing that could be optimised.
    unsure = labelled.variance.max(axis=1, initial=0) > options.tau_move
    if options.edge < 1:
        along = edge_share(labelled.gaussians, views, masks, progress, device) > options.edge
        unsure |= along & (labelled.probability.max(axis=1, initial=0) > MINE)
    moves = (unsure & (labelled.weight > 1)) | ((alone.weight > 1) & (outside > options.outside))
    return _Round(number, labelled, np.flatnonzero(moves), told, hidden)


def _finish(
    begun: _Round,
    views: Sequence[View],
    masks: MaskSet,
    options: RefineOptions,
    progress: Progress,
    device: raster.Device,
    saving: Saving,
    photo: Callable[[View], NDArray[np.uint8] | None],
) -> tuple[Labelled, dict[str, Any]]:
    """Optimises a round to its end, from its kept state if there is one."""
    labelled, rows, gaussians = begun.labelled, begun.rows, begun.labelled.gaussians
    said: dict[str, Any] = {"movable": len(rows), "moved": 0, "iterations": 0, "stopped_early": False}
    said.update(hidden=begun.hidden, input_error=0.0)
    if not rows.size:
        return labelled, said
    hard = _hard(labelled)
    probability = hard.copy()
    probability[rows] = labelled.probability[rows]
    labels = labels_from_probability(labelled.probability)
    own = supported(gaussians, labels, views, masks, HiddenOptions(), progress)
    bands = make_bands(gaussians, rows, probability, own, views, masks, options, progress, device, photo)
    seen = {band.name for band in bands if band.held}
    if not seen:
        return labelled, said
    said["input_error"] = error = input_error(bands)
    options = options.for_error(error).for_views(len(seen), 1 if all(band.held for band in bands) else 2)
    moving = Moving.of(gaussians, rows, probability)
    boundary = np.any(labelled.variance[rows] > options.tau, axis=1) | labelled.split[rows]
    make = partial(Optimiser, gaussians, hard, moving, pixel_sizes(gaussians.means[rows], views), boundary)
    main = make(bands, options, begun.number, device)
    _run(main, progress, _Keeper(saving, begun.number, STATE))
    shown = main.adam.steps.numpy() > 0
    said.update(_told(main), moved=int(shown.sum()))
    if begun.number == options.rounds - 1 and (late := options.for_picture()) is not None:
        sure = np.nan_to_num(labelled.probability[rows]).sum(axis=1) < 1 - options.picture.sure
        background = sure & (labels_from_probability(_share(moving)) == 0)
        if late.weights.hold > 0:
            bands = with_label_images(bands, gaussians, hard, moving, device)
        picture = make(bands, late, begun.number, device, background, PICTURE_STAGE)
        _run(picture, progress, _Keeper(saving, begun.number, PICTURE))
        said["picture_iterations"] = picture.done
    return _apply(labelled, moving, shown), said


def _run(optimiser: Optimiser, progress: Progress, keep: _Keeper) -> None:
    """Runs an optimisation to its end, from its kept state if there is one, and keeps that."""
    if (state := keep.load()) is not None:
        optimiser.load(state)

    def after(optimiser: Optimiser) -> None:
        keep(optimiser)
        if optimiser.done % _TIDY == 0:
            memory.give_back()

    memory.give_back()
    optimise(optimiser, progress, after)
    if optimiser.done > 0:
        keep.now(optimiser)


def _told(optimiser: Optimiser) -> dict[str, Any]:
    """JSON-ready what an optimisation has done."""
    history, held = optimiser.history, optimiser.held
    told, masked = (min(_TOLD, max(1, len(some) // 2)) for some in (history, held))
    return {
        "iterations": optimiser.done,
        "stopped_early": optimiser.done < optimiser.options.iterations,
        "loss_start": float(np.mean(history[:told])),
        "loss_end": float(np.mean(history[-told:])),
        "mask_loss_start": float(np.mean(held[:masked])) if held else None,
        "mask_loss_end": float(np.mean(held[-masked:])) if held else None,
    }


def _share(moving: Moving) -> F32:
    """[M, K] in [0, 1]: the probabilities of those that move, 0 where there are none."""
    return np.clip(np.nan_to_num(moving.probability().detach().numpy()), 0, 1)


def _apply(labelled: Labelled, moving: Moving, shown: NDArray[np.bool_]) -> Labelled:
    """The scene with what has moved of the ``shown`` [M], and its labels."""
    rows, before = moving.rows, labelled.gaussians
    # A Gaussian that no view has shown is as it was.
    good = shown.copy()
    for tensor in moving.tensors.values():
        good &= np.isfinite(tensor.detach().numpy()).reshape(len(rows), -1).all(axis=1)
    after = moving.put_into(before, good)
    changed = labelled.changed.copy()
    changed[rows] |= _differs(before.take(rows), after.take(rows))
    probability = labelled.probability.copy()
    probability[rows[good]] = _share(moving)[good]
    return replace(labelled, gaussians=after, changed=changed, probability=probability)


def _clear(
    labelled: Labelled, views: Sequence[View], masks: MaskSet, progress: Progress, device: raster.Device
) -> tuple[Labelled, dict[str, list[int]]]:
    """Hands to the background what of the objects no view supports (method: hidden extents), and counts it."""
    labels = labels_from_probability(labelled.probability)
    made = clear_hidden(labelled.gaussians, labels, views, masks, HiddenOptions(), progress, device)
    probability = labelled.probability[made.parent]
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


def _differs(a: Gaussians, b: Gaussians) -> NDArray[np.bool_]:
    """[N] bool: rows of which any bit differs."""
    found = np.zeros(len(a), bool)
    for item in fields(Gaussians):
        one, other = (getattr(x, item.name).reshape(len(a), -1).view(np.uint32) for x in (a, b))
        found |= (one != other).any(axis=1)
    return found


def _hard(labelled: Labelled) -> F32:
    """[N, K] float32, 1 for the object that a Gaussian belongs to."""
    labels = labels_from_probability(labelled.probability)
    return (labels[:, None] == np.arange(1, labelled.probability.shape[1] + 1)).astype(np.float32)


def _save_round(begun: _Round, saving: Saving) -> None:
    if saving.store is not None:
        arrays = {**begun.labelled.arrays(), "rows": begun.rows}
        notes = {"round": begun.number, "told": begun.told, "boundary": list(begun.labelled.boundary)}
        notes["hidden"] = begun.hidden
        saving.store.save(ROUND, arrays, notes)


def _load_round(scene: Gaussians, saving: Saving, options: RefineOptions) -> _Round | None:
    stored = None if saving.store is None else saving.store.load(ROUND)
    if stored is None or stored[1]["round"] >= options.rounds:
        return None
    arrays, notes = stored
    labelled = Labelled.from_arrays(scene, arrays, tuple(notes["boundary"]))
    return _Round(notes["round"], labelled, arrays["rows"], notes["told"], notes["hidden"])


class _Keeper:
    """Keeps an optimiser's state every so often."""

    def __init__(self, saving: Saving, number: int, name: str) -> None:
        self.saving, self.number, self.name = saving, number, name
        self.last_done, self.last_time = 0, time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The state kept of this round under this name."""
        stored = None if self.saving.store is None else self.saving.store.load(self.name)
        if stored is None or stored[1]["round"] != self.number:
            return None
        state = unpack(stored[0], stored[1]["plan"])
        self.last_done = state["done"]
        return state

    def __call__(self, optimiser: Optimiser) -> None:
        waited = time.monotonic() - self.last_time
        if optimiser.done - self.last_done >= self.saving.iterations or waited >= self.saving.seconds:
            self.now(optimiser)

    def now(self, optimiser: Optimiser) -> None:
        """Keeps the state, unless it is kept already."""
        if self.saving.store is None or optimiser.done == self.last_done:
            return
        arrays, plan = pack(optimiser.state())
        # Compressing would take longer than the iterations in between.
        self.saving.store.save(self.name, arrays, {"round": self.number, "plan": plan}, compress=False)
        self.last_done, self.last_time = optimiser.done, time.monotonic()
