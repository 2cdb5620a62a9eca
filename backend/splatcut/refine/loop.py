# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The optimisation itself: one round over the bands of all views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut import raster
from splatcut.progress import Progress
from splatcut.refine.band import Band
from splatcut.refine.field_terms import FieldTerms
from splatcut.refine.losses import alone_loss, between_loss, mask_loss, photo_loss
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import Moving, RowAdam
from splatcut.refine.subscene import SubScene, tiled
from splatcut.scene.gaussians import F32, Gaussians

#: Share of a round in which the field learns from the Gaussians before they hear from it.
WARM_UP = 0.15
#: Share of a round that the field has for itself when field and Gaussians are optimised one after the other.
FIELD_FIRST = 0.5
#: Chance that L_alone may take an object of which the band has no mask (``chosen_object``).
ANYWHERE = 0.2


class Optimiser:
    """One round's optimisation, an iteration at a time.

    What an iteration draws at random depends on the seed, the round and its number alone, so that a run which goes on
    from a saved state does what the undisturbed run does.

    Args:
        scene: N Gaussians; fixed_labels: [N, K] labels of those that do not move.
        moving: optimised in place; pixel: [M] world units of a pixel in each one's closest view.
        boundary: [M] bool, which of them are boundary Gaussians (the field's domain).
        bands: of the views and of those between them, each kind in turn; turn: number of the round.
        free: [M] bool, those whose means, scales, rotations and opacities may change; None: of all.
        stage: its name for ``Progress``.
    """

    def __init__(
        self,
        scene: Gaussians,
        fixed_labels: F32,
        moving: Moving,
        pixel: F32,
        boundary: NDArray[np.bool_],
        bands: Sequence[Band],
        options: RefineOptions,
        turn: int = 0,
        device: raster.Device = "cpu",
        free: NDArray[np.bool_] | None = None,
        stage: str = "refine",
    ) -> None:
        self.stage = stage
        self.scene, self.fixed_labels, self.moving, self.bands = scene, fixed_labels, moving, bands
        self.options, self.turn = options, turn
        self.device: raster.Device = device
        self.held_bands = [band for band in bands if band.held]
        self.bands_between = [band for band in bands if not band.held]
        loose = None if free is None else torch.from_numpy(free)
        self.adam = RowAdam(moving.tensors, options.rates, torch.from_numpy(pixel), loose)
        self.field = FieldTerms(moving, boundary, options) if options.field.on else None
        self.done = 0
        #: Means of the parameters over the last iterations (``RefineOptions.average``), and of how many.
        self.means: dict[str, Tensor] = {}
        self.averaged = 0
        #: Losses of all iterations, and of those that held Gaussians to masks their part that does.
        self.history: list[float] = []
        self.held: list[float] = []

    def state(self) -> dict[str, Any]:
        """Everything that iterations change, as tensors and plain values."""
        adam = {"first": self.adam.first, "second": self.adam.second, "steps": self.adam.steps}
        tensors = {name: tensor.detach() for name, tensor in self.moving.tensors.items()}
        field = None if self.field is None else self.field.state()
        losses = {"history": self.history, "held": self.held}
        means = {"means": self.means, "averaged": self.averaged}
        return {"done": self.done, **losses, **means, "tensors": tensors, "adam": adam, "field": field}

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from a ``state``."""
        self.done, self.history, self.held = state["done"], list(state["history"]), list(state["held"])
        self.means, self.averaged = dict(state["means"]), state["averaged"]
        with torch.no_grad():
            for name, tensor in self.moving.tensors.items():
                tensor.copy_(state["tensors"][name])
        self.adam.first, self.adam.second = dict(state["adam"]["first"]), dict(state["adam"]["second"])
        self.adam.steps = state["adam"]["steps"].clone()
        if self.field is not None:
            self.field.load(state["field"])

    def settled(self) -> bool:
        """Whether the loss on the masks has stopped falling; told after whole turns through the views, so that the
        same views are compared."""
        count = len({band.name for band in self.held_bands})
        if self.options.patience == 0 or not self.held or len(self.held) % count:
            return False
        return settled(self.held, -(-self.options.patience // count) * count)

    def step(self) -> float:
        """One iteration on one view; returns its loss."""
        options, number = self.options, self.done
        band = self._band(number)
        rng = np.random.default_rng((options.seed, self.turn, 1, number))
        part = number / options.iterations
        sub = SubScene(self.scene, self.fixed_labels, self.moving, band)
        field_first = self.field is not None and not options.field.joint and part < FIELD_FIRST
        if field_first:
            loss = torch.zeros(())
            image, labels, transmittance = (t.detach() for t in sub.render(self.device))
        else:
            image, labels, transmittance = sub.render(self.device)
            loss = self._gaussians_loss(band, sub, image, labels, transmittance, rng)
        if self.field is not None:
            loss = loss + self._field_loss(self.field, band, sub, (image, labels, transmittance), rng)
        loss.backward()
        if not field_first:
            self.adam.step(torch.from_numpy(band.moving.astype(np.int64)), part)
        if self.field is not None:
            self.field.step(part)
        for tensor in self.moving.tensors.values():
            tensor.grad = None
        self.done += 1
        if self.done > (1 - options.average) * options.iterations:
            self._average()
        self.history.append(float(loss.detach()))
        return self.history[-1]

    def _band(self, number: int) -> Band:
        """The band of an iteration: in turn one that masks hold and one between the views."""
        pool = self.held_bands
        if self.bands_between:
            number, between = divmod(number, 2)
            pool = self.bands_between if between else pool
        epoch, place = divmod(number, len(pool))
        names = [band.name for band in pool]
        return pool[view_by_view(names, np.random.default_rng((self.options.seed, self.turn, 0, epoch)))[place]]

    @torch.no_grad()
    def _average(self) -> None:
        self.averaged += 1
        for name, tensor in self.moving.tensors.items():
            if name in self.means:
                # What does not change keeps its bits: its difference is zero.
                self.means[name] += (tensor - self.means[name]) / self.averaged
            else:
                self.means[name] = tensor.detach().clone()

    @torch.no_grad()
    def finish(self) -> None:
        """Puts the means over the last iterations in place: what single views pull to and fro cancels out."""
        for name, mean in self.means.items():
            self.moving.tensors[name].copy_(mean)

    def _gaussians_loss(
        self, band: Band, sub: SubScene, image: Tensor, labels: Tensor, transmittance: Tensor, rng: np.random.Generator
    ) -> Tensor:
        w = self.options.weights
        valid = torch.from_numpy(band.valid)
        photo = torch.from_numpy(band.photo).float() / 255
        inside = valid.float()
        if not band.held:
            loss = w.between * between_loss(tiled(image, band), photo, valid, band.error)
            if w.hold > 0:
                stay = torch.from_numpy(band.masks).float() / 255
                loss = loss + w.hold * mask_loss(tiled(labels, band), tiled(transmittance, band), stay, inside)
            return loss
        masks = torch.from_numpy(band.masks).float() / 255
        held, loss = image.new_zeros(()), image.new_zeros(())
        if w.mask > 0:
            trust = inside * float(band.trust.max())
            held = held + w.mask * mask_loss(tiled(labels, band), tiled(transmittance, band), masks, trust)
        if w.photo > 0:
            loss = loss + w.photo * photo_loss(tiled(image, band), photo, valid)
        if w.alone > 0:
            k = chosen_object(band, rng)
            weight = inside * (~torch.from_numpy(band.exempt[k])) * float(band.trust[k])
            emphasis = 1 + (w.far - 1) * torch.from_numpy(band.far[k]).float()
            coverage = tiled(sub.coverage(k, self.device), band)
            held = held + w.alone * alone_loss(coverage, masks[k], weight, w.spill, emphasis)
        self.held.append(float(held.detach()))
        return loss + held

    def _field_loss(
        self,
        field: FieldTerms,
        band: Band,
        sub: SubScene,
        drawn: tuple[Tensor, Tensor, Tensor],
        rng: np.random.Generator,
    ) -> Tensor:
        w, part, joint = self.options.weights, self.done / self.options.iterations, self.options.field.joint
        tiles, inner = band.photo.shape[:2]
        count = min(tiles, max(1, self.options.field.rays // inner))
        chosen = np.sort(rng.choice(tiles, size=count, replace=False))
        some = torch.from_numpy(chosen)
        seed = (self.options.seed, self.turn, 2, self.done)
        if not joint and part >= FIELD_FIRST:
            with torch.no_grad():
                made = field.render(band, sub, chosen, self.moving, seed, fixed=True)
        else:
            made = field.render(band, sub, chosen, self.moving, seed, fixed=not joint or part < WARM_UP)
        image, labels, transmittance = (tiled(t, band)[some] for t in drawn)
        if part < WARM_UP:
            image, labels, transmittance = image.detach(), labels.detach(), transmittance.detach()
        loss = w.align * field.align_loss(made, image, 1 - transmittance, labels)
        masks = torch.from_numpy(band.masks[:, chosen]).float() / 255
        if joint or part < FIELD_FIRST:
            if w.field_mask > 0 and band.held:
                loss = loss + w.field_mask * field.mask_loss(made, masks)
            if w.smoothness > 0:
                loss = loss + w.smoothness * field.smoothness_loss(made, self.moving, rng)
        if w.continuity > 0 and part >= WARM_UP:
            loss = loss + w.continuity * field.continuity_loss(self.moving, rng)
        return loss


def chosen_object(band: Band, rng: np.random.Generator) -> int:
    """The number of the object that stands for all in an iteration's L_alone: each costs a render of its own. It is
    mostly one of those with a mask in the band, and by the chance ``ANYWHERE`` any: leftovers lie where none is."""
    trusted = band.trust > 0
    seen = trusted & (band.masks >= 128).any(axis=(1, 2))
    some = np.flatnonzero(trusted if rng.random() < ANYWHERE or not seen.any() else seen)
    return int(some[rng.integers(len(some))])


def view_by_view(names: Sequence[str], rng: np.random.Generator) -> list[int]:
    """A random order of the bands, whose views have these names, in which all views have their turn, then all again."""
    mixed: list[int] = rng.permutation(len(names)).tolist()
    turns: dict[str, int] = {}
    keys: list[int] = []
    for number in mixed:
        keys.append(turns.get(names[number], 0))
        turns[names[number]] = keys[-1] + 1
    return [mixed[place] for place in np.argsort(keys, kind="stable").tolist()]


def optimise(optimiser: Optimiser, progress: Progress, save: Callable[[Optimiser], None] | None = None) -> None:
    """Runs a round to its end or until its mask loss settles (``RefineOptions.patience``);
    ``save`` after every iteration."""
    options = optimiser.options
    progress.stage(optimiser.stage, options.iterations)
    progress.step(optimiser.done)
    while optimiser.done < options.iterations and not optimiser.settled():
        optimiser.step()
        progress.step()
        if save is not None:
            save(optimiser)
    optimiser.finish()


def settled(history: Sequence[float], patience: int) -> bool:
    """Whether the mean loss of the last ``patience`` iterations is not 0.5% below that of as many before."""
    if patience <= 0 or len(history) < 2 * patience:
        return False
    return float(np.mean(history[-patience:])) > 0.995 * float(np.mean(history[-2 * patience : -patience]))
