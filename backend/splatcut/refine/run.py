# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The refinement from start to end (method: joint optimisation).

A run that is stopped goes on where it was last saved, and ends with the same bits: what the optimisation began with and
what its iterations have changed is kept, everything else follows from them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from splatcut import memory
from splatcut.cameras import load_photo
from splatcut.lift.labelled import Arrays, Labelled
from splatcut.lift.problem import Problem
from splatcut.lift.variance import boundary
from splatcut.progress import Progress
from splatcut.refine.bands import Movable, ReadPhoto, make_bands, photo_error, photo_weight
from splatcut.refine.movers import VISIBLE, choose_movers
from splatcut.refine.optimise import Optimiser, moved, optimise
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import Moving, pixel_sizes
from splatcut.refine.state import pack, unpack
from splatcut.refine.translucent import Translucent, find_translucent
from splatcut.scene.gaussians import ARRAYS, Gaussians

#: Names under which the start and the state of the optimisation are kept.
START, STATE = "refine-start", "refine-state"
#: Iterations at each end whose mean loss is reported.
_REPORTED = 30
#: Iterations after which freed memory is returned to the system.
_TIDY = 25


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
    """The refined scene, and JSON-ready what was done, for the report."""

    labelled: Labelled
    summary: dict[str, Any]


def refine(
    problem: Problem,
    labelled: Labelled,
    options: RefineOptions,
    progress: Progress,
    *,
    saving: Saving | None = None,
    read_photo: ReadPhoto = load_photo,
) -> Refined:
    """Optimises the Gaussians about the objects' edges. All others stay bit by bit the same.

    Args:
        labelled: the problem's scene lifted.
        read_photo: reads a view's photo [H, W, 3] uint8 at the size of the view's camera; None if it cannot be used.

    Raises:
        Cancelled: through ``progress``; what was kept last goes on with the same call.
    """
    saving = Saving() if saving is None else saving
    rows = _movers(problem, labelled, options, progress, saving)
    translucent = find_translucent(problem, labelled, progress)
    if translucent is not None:
        rows = rows[~translucent.rows[rows]]
    summary: dict[str, Any] = {"movable": len(rows), "moved": 0, "iterations": 0, "changed": 0}
    optimiser = None
    if rows.size:
        optimiser = _optimiser(problem, labelled, rows, options, progress, read_photo, translucent)
    if optimiser is not None:
        summary["photo_error"] = photo_error(optimiser.bands)
        _run(optimiser, progress, _Keeper(saving))
        good, history = moved(optimiser), optimiser.history
        labelled = _apply(labelled, optimiser.moving, good)
        ends = min(_REPORTED, max(1, len(history) // 2))
        summary |= {"moved": int(good.sum()), "iterations": optimiser.done}
        summary |= {"loss_start": float(np.mean(history[:ends])), "loss_end": float(np.mean(history[-ends:]))}
    summary["changed"] = int(labelled.changed.sum())
    return Refined(labelled, summary)


def _movers(
    problem: Problem, labelled: Labelled, options: RefineOptions, progress: Progress, saving: Saving
) -> NDArray[np.int64]:
    """[M] rows that move, as kept if they are."""
    stored = None if saving.store is None else saving.store.load(START)
    if stored is not None:
        return stored[0]["rows"]
    rows = choose_movers(problem, labelled, options.tau, progress)
    if saving.store is not None:
        saving.store.save(START, {"rows": rows}, {})
    return rows


def _optimiser(
    problem: Problem,
    labelled: Labelled,
    rows: NDArray[np.int64],
    options: RefineOptions,
    progress: Progress,
    read_photo: ReadPhoto,
    translucent: Translucent | None,
) -> Optimiser | None:
    """The optimisation before its first iteration; None where no trusted view shows anything that moves."""
    gaussians, fixed = labelled.gaussians, labelled.hard()
    probability = fixed.copy()
    probability[rows] = labelled.probability[rows]
    movable = Movable(gaussians, rows, probability)
    bands = make_bands(movable, problem, options, progress, read_photo, translucent)
    if not bands:
        return None
    options = replace(options, photo=options.photo * photo_weight(bands))
    # Held against one that hardly shows is only what sticks out of the masks alone, and something hides that: where an
    # object stands on something, that is the object's own underside.
    moving = Moving.of(gaussians, rows, probability, labelled.weight[rows] > VISIBLE)
    partner = None
    if options.field != "off":
        from splatcut.refine.field_terms import FieldTerms

        straddles = np.any(boundary(labelled.variance[rows], options.tau), axis=1)
        partner = FieldTerms(moving, straddles, options)
    pixel = pixel_sizes(gaussians.means[rows], problem.views)
    return Optimiser(gaussians, fixed, moving, pixel, bands, options, problem.device, partner)


def _run(optimiser: Optimiser, progress: Progress, keep: _Keeper) -> None:
    """Runs the optimisation to its end, from its kept state if there is one, and keeps that."""
    if (state := keep.load()) is not None:
        optimiser.load(state)

    def after(optimiser: Optimiser) -> None:
        keep(optimiser)
        if optimiser.done % _TIDY == 0:
            memory.give_back()

    memory.give_back()
    optimise(optimiser, progress, after)
    keep.now(optimiser)


def _apply(labelled: Labelled, moving: Moving, good: NDArray[np.bool_]) -> Labelled:
    """The scene with the ``good`` [M] of those that moved, and its labels."""
    rows, before = moving.rows, labelled.gaussians
    after = moving.put_into(before, good)
    changed = labelled.changed.copy()
    changed[rows] |= _differs(before.take(rows), after.take(rows))
    probability = labelled.probability.copy()
    share = np.clip(np.nan_to_num(moving.probability().detach().numpy()), 0, 1)
    probability[rows[good]] = share[good]
    return replace(labelled, gaussians=after, changed=changed, probability=probability)


def _differs(a: Gaussians, b: Gaussians) -> NDArray[np.bool_]:
    """[N] bool: rows of which any bit differs."""
    found = np.zeros(len(a), bool)
    for name in ARRAYS:
        one, other = (getattr(x, name).reshape(len(a), -1).view(np.uint32) for x in (a, b))
        found |= (one != other).any(axis=1)
    return found


class _Keeper:
    """Keeps an optimiser's state every so often."""

    def __init__(self, saving: Saving) -> None:
        self.saving = saving
        self.last_done, self.last_time = 0, time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The state that was kept."""
        stored = None if self.saving.store is None else self.saving.store.load(STATE)
        if stored is None:
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
        self.saving.store.save(STATE, arrays, {"plan": plan}, compress=False)
        self.last_done, self.last_time = optimiser.done, time.monotonic()
