# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The joint optimisation, an iteration at a time (method: joint optimisation)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut import raster
from splatcut.progress import Progress
from splatcut.refine.adam import RowAdam
from splatcut.refine.average import Average
from splatcut.refine.bands import Band, view_by_view
from splatcut.refine.losses import Drawn, total_loss
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import Moving
from splatcut.refine.subscene import SubScene
from splatcut.scene.gaussians import F32, Gaussians

#: Chance that L_alone may take an object of which the band has no mask (``choose_object``).
ANYWHERE = 0.2


class Partner(Protocol):
    """What is optimised together with the Gaussians: the continuous field (``refine.field_terms``)."""

    def loss(self, band: Band, sub: SubScene, drawn: Drawn, part: float, seed: tuple[int, ...]) -> Tensor:
        """What it adds to an iteration's loss; ``part`` in [0, 1) of the iterations are done."""
        ...

    def step(self) -> None:
        """Steps its own parameters."""

    def state(self) -> dict[str, Any]:
        """Everything that changes."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """The inverse of ``state``."""


class Optimiser:
    """The optimisation of the Gaussians that move, an iteration at a time.

    What an iteration draws at random depends on the seed and its number alone, so that a run which goes on from a saved
    state does what the undisturbed run does.

    Args:
        scene: N Gaussians; fixed_labels: [N, K] labels of those that do not move.
        moving: optimised in place; pixel: [M] world units of a pixel in each one's closest view.
        bands: of all views, at least one; iterations: how many there are in all.
        partner: optimised with them, or None.
    """

    def __init__(
        self,
        scene: Gaussians,
        fixed_labels: F32,
        moving: Moving,
        pixel: F32,
        bands: Sequence[Band],
        options: RefineOptions,
        device: raster.Device = "cpu",
        partner: Partner | None = None,
    ) -> None:
        self.scene, self.fixed_labels, self.moving, self.bands = scene, fixed_labels, moving, bands
        self.options, self.partner = options, partner
        self.device: raster.Device = device
        self.iterations = options.steps(len({band.name for band in bands}))
        self.adam = RowAdam(moving.tensors, pixel)
        self.done = 0
        #: Of the parameters over the last iterations (``RefineOptions.average``).
        self.average = Average()
        #: The loss of every iteration.
        self.history: list[float] = []

    def state(self) -> dict[str, Any]:
        """Everything that iterations change, as tensors and plain values."""
        return {
            "done": self.done,
            "history": self.history,
            "average": self.average.state(),
            "tensors": {name: tensor.detach() for name, tensor in self.moving.tensors.items()},
            "adam": self.adam.state(),
            "partner": None if self.partner is None else self.partner.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from a ``state``."""
        self.done, self.history = state["done"], list(state["history"])
        self.average.load(state["average"])
        with torch.no_grad():
            for name, tensor in self.moving.tensors.items():
                tensor.copy_(state["tensors"][name])
        self.adam.load(state["adam"])
        if self.partner is not None:
            self.partner.load(state["partner"])

    def step(self) -> float:
        """One iteration on one view; returns its loss."""
        seed, part = self.options.seed, self.done / self.iterations
        band = self._band(self.done)
        sub = SubScene(self.scene, self.fixed_labels, self.moving, band)
        drawn = sub.render(self.device)
        k = choose_object(band, np.random.default_rng((seed, 1, self.done)))
        coverage = sub.coverage(k, self.device) if self.options.alone > 0 else None
        loss = total_loss(band, drawn, k, coverage, self.options)
        if self.partner is not None:
            loss = loss + self.partner.loss(band, sub, drawn, part, (seed, 2, self.done))
        loss.backward()
        self.adam.step(band.moving)
        if self.partner is not None:
            self.partner.step()
        self.done += 1
        if self.done > (1 - self.options.average) * self.iterations:
            self.average.add(self.moving.tensors)
        self.history.append(float(loss.detach()))
        return self.history[-1]

    def _band(self, number: int) -> Band:
        """The band of an iteration."""
        epoch, place = divmod(number, len(self.bands))
        names = [band.name for band in self.bands]
        return self.bands[view_by_view(names, np.random.default_rng((self.options.seed, 0, epoch)))[place]]

    def finish(self) -> None:
        """Puts the average over the last iterations in place."""
        self.average.put_into(self.moving.tensors)


def choose_object(band: Band, rng: np.random.Generator) -> int:
    """The number of the object that stands for all in an iteration's L_alone: each costs a render of its own. It is
    mostly one of those with a mask in the band, and by the chance ``ANYWHERE`` any: leftovers lie where none is."""
    trusted = band.confidence > 0
    seen = trusted & (band.masks >= 128).any(axis=(1, 2))
    some = np.flatnonzero(trusted if rng.random() < ANYWHERE or not seen.any() else seen)
    return int(some[rng.integers(len(some))])


def optimise(optimiser: Optimiser, progress: Progress, save: Callable[[Optimiser], None] = lambda _: None) -> None:
    """Runs the optimisation to its end; ``save`` after every iteration."""
    progress.stage("refine", optimiser.iterations)
    progress.step(optimiser.done)
    while optimiser.done < optimiser.iterations:
        optimiser.step()
        progress.step()
        save(optimiser)
    optimiser.finish()


def moved(optimiser: Optimiser) -> NDArray[np.bool_]:
    """[M] bool: what has been shown at least once and is finite; the others are as they were, or unusable."""
    return (optimiser.adam.steps.numpy() > 0) & optimiser.moving.finite()
