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
from splatcut.gaussians import F32, Gaussians
from splatcut.progress import Progress
from splatcut.raster import autograd
from splatcut.refine.band import Band
from splatcut.refine.field_terms import FieldTerms
from splatcut.refine.losses import alone_loss, mask_loss, photo_loss
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import GEOMETRY, Moving, RowAdam

#: Share of a round in which the field learns from the Gaussians before they hear from it.
WARM_UP = 0.15
#: Share of a round that the field has for itself when field and Gaussians are optimised one after the other.
FIELD_FIRST = 0.5


class SubScene:
    """The Gaussians of one band as tensors, the moving ones differentiable."""

    def __init__(self, scene: Gaussians, fixed_labels: F32, moving: Moving, band: Band) -> None:
        place, rows = torch.from_numpy(band.place), torch.from_numpy(band.moving)

        def joined(static: np.ndarray, live: Tensor) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(static[band.subset])).index_copy(0, place, live[rows])

        t = moving.tensors
        self.geometry = [joined(getattr(scene, name), t[name]) for name in GEOMETRY]
        self.sh = joined(scene.sh, torch.cat([t["sh_dc"], t["sh_rest"]], dim=1))
        self.labels = joined(fixed_labels, moving.probability())

    def gaussians(self) -> Gaussians:
        """The Gaussians of the band as they are now, without gradients."""
        return Gaussians(*(np.ascontiguousarray(tensor.detach().numpy()) for tensor in (*self.geometry, self.sh)))

    def render(self, band: Band, device: raster.Device) -> tuple[Tensor, Tensor, Tensor]:
        """Colour, labels [H, W, K] and transmittance of the scene."""
        means, log_scales, quats, logits = self.geometry
        image, labels, transmittance = autograd.render(
            means,
            log_scales,
            quats,
            logits,
            self.sh,
            band.camera,
            features=self.labels,
            tiles=band.tiles,
            device=device,
        )
        assert labels is not None
        return image, labels, transmittance

    def coverage(self, band: Band, k: int, device: raster.Device) -> Tensor:
        """[H, W] alpha of object k alone."""
        some = torch.nonzero(self.labels[:, k].detach() > 1 / 255).squeeze(1)
        means, log_scales, quats, logits = (tensor[some] for tensor in self.geometry)
        _, _, transmittance = autograd.render(
            means, log_scales, quats, logits, self.sh[some, :1].detach(), band.camera,
            colour=False, opacity_scale=self.labels[some, k], tiles=band.tiles, device=device,
        )  # fmt: skip
        return 1 - transmittance


class Optimiser:
    """One round's optimisation, an iteration at a time.

    What an iteration draws at random depends on the seed, the round and its number alone, so that a run which goes on
    from a saved state does what the undisturbed run does.

    Args:
        scene: N Gaussians; fixed_labels: [N, K] labels of those that do not move.
        moving: optimised in place; pixel: [M] world units of a pixel in each one's closest view.
        boundary: [M] bool, which of them are boundary Gaussians (the field's domain).
        bands: of the views; turn: number of the round.
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
    ) -> None:
        self.scene, self.fixed_labels, self.moving, self.bands = scene, fixed_labels, moving, bands
        self.options, self.turn = options, turn
        self.device: raster.Device = device
        self.adam = RowAdam(moving.tensors, options.rates, torch.from_numpy(pixel))
        self.field = FieldTerms(moving, boundary, options) if options.field.on else None
        self.done = 0
        self.history: list[float] = []

    def state(self) -> dict[str, Any]:
        """Everything that iterations change, as tensors and plain values."""
        adam = {"first": self.adam.first, "second": self.adam.second, "steps": self.adam.steps}
        tensors = {name: tensor.detach() for name, tensor in self.moving.tensors.items()}
        field = None if self.field is None else self.field.state()
        return {"done": self.done, "history": self.history, "tensors": tensors, "adam": adam, "field": field}

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from a ``state``."""
        self.done, self.history = state["done"], list(state["history"])
        with torch.no_grad():
            for name, tensor in self.moving.tensors.items():
                tensor.copy_(state["tensors"][name])
        self.adam.first, self.adam.second = dict(state["adam"]["first"]), dict(state["adam"]["second"])
        self.adam.steps = state["adam"]["steps"].clone()
        if self.field is not None:
            self.field.load(state["field"])

    def step(self) -> float:
        """One iteration on one view; returns its loss."""
        options, number = self.options, self.done
        epoch, place = divmod(number, len(self.bands))
        order = np.random.default_rng((options.seed, self.turn, 0, epoch)).permutation(len(self.bands))
        band = self.bands[order[place]]
        rng = np.random.default_rng((options.seed, self.turn, 1, number))
        part = number / options.iterations
        sub = SubScene(self.scene, self.fixed_labels, self.moving, band)
        field_first = self.field is not None and not options.field.joint and part < FIELD_FIRST
        if field_first:
            loss = torch.zeros(())
            image, labels, transmittance = (t.detach() for t in sub.render(band, self.device))
        else:
            image, labels, transmittance = sub.render(band, self.device)
            loss = self._gaussians_loss(band, sub, image, labels, transmittance, rng)
        if self.field is not None:
            loss = loss + self._field_loss(self.field, band, sub, (image, labels, transmittance), rng)
        loss.backward()
        if not field_first:
            self.adam.step(torch.from_numpy(band.moving), part)
        if self.field is not None:
            self.field.step(part)
        for tensor in self.moving.tensors.values():
            tensor.grad = None
        self.done += 1
        self.history.append(float(loss.detach()))
        return self.history[-1]

    def _gaussians_loss(
        self, band: Band, sub: SubScene, image: Tensor, labels: Tensor, transmittance: Tensor, rng: np.random.Generator
    ) -> Tensor:
        w = self.options.weights
        valid = torch.from_numpy(band.valid)
        inside = valid.float()
        masks = torch.from_numpy(band.masks).float() / 255
        loss = image.new_zeros(())
        if w.mask > 0:
            trust = inside * float(band.trust.max())
            loss = loss + w.mask * mask_loss(_tiled(labels, band), _tiled(transmittance, band), masks, trust)
        if w.photo > 0:
            photo = torch.from_numpy(band.photo).float() / 255
            loss = loss + w.photo * photo_loss(_tiled(image, band), photo, valid)
        if w.alone > 0:
            # One object in turn stands for all of them: each costs a render of its own.
            trusted = np.flatnonzero(band.trust > 0)
            k = int(trusted[rng.integers(len(trusted))])
            weight = inside * (~torch.from_numpy(band.exempt[k])) * float(band.trust[k])
            coverage = _tiled(sub.coverage(band, k, self.device), band)
            loss = loss + w.alone * alone_loss(coverage, masks[k], weight)
        return loss

    def _field_loss(
        self,
        field: FieldTerms,
        band: Band,
        sub: SubScene,
        drawn: tuple[Tensor, Tensor, Tensor],
        rng: np.random.Generator,
    ) -> Tensor:
        w, part, joint = self.options.weights, self.done / self.options.iterations, self.options.field.joint
        count = min(len(band.pixels), max(1, self.options.field.rays // band.pixels.shape[1]))
        chosen = np.sort(rng.choice(len(band.pixels), size=count, replace=False))
        some = torch.from_numpy(chosen)
        seed = (self.options.seed, self.turn, 2, self.done)
        if not joint and part >= FIELD_FIRST:
            with torch.no_grad():
                made = field.render(band, sub.gaussians(), chosen, self.moving, seed, fixed=True)
        else:
            made = field.render(band, sub.gaussians(), chosen, self.moving, seed, fixed=not joint or part < WARM_UP)
        image, labels, transmittance = (_tiled(t, band)[some] for t in drawn)
        if part < WARM_UP:
            image, labels, transmittance = image.detach(), labels.detach(), transmittance.detach()
        loss = w.align * field.align_loss(made, image, 1 - transmittance, labels)
        masks = torch.from_numpy(band.masks[:, chosen]).float() / 255
        if joint or part < FIELD_FIRST:
            if w.field_mask > 0:
                loss = loss + w.field_mask * field.mask_loss(made, masks)
            if w.smoothness > 0:
                loss = loss + w.smoothness * field.smoothness_loss(made, self.moving, rng)
        if w.continuity > 0 and part >= WARM_UP:
            loss = loss + w.continuity * field.continuity_loss(self.moving, rng)
        return loss


def _tiled(image: Tensor, band: Band) -> Tensor:
    """[H, W, ...] -> [T, 256, ...], the pixels of the band's tiles."""
    return image.reshape(-1, *image.shape[2:])[torch.from_numpy(band.pixels)]


def optimise(optimiser: Optimiser, progress: Progress, save: Callable[[Optimiser], None] | None = None) -> None:
    """Runs a round to its end or until its loss settles (``RefineOptions.patience``);
    ``save`` after every iteration."""
    options = optimiser.options
    progress.stage("refine", options.iterations)
    progress.step(optimiser.done)
    while optimiser.done < options.iterations and not settled(optimiser.history, options.patience):
        optimiser.step()
        progress.step()
        if save is not None:
            save(optimiser)


def settled(history: Sequence[float], patience: int) -> bool:
    """Whether the mean loss of the last ``patience`` iterations is not 0.5% below that of the ones before."""
    if patience <= 0 or len(history) < 2 * patience:
        return False
    return float(np.mean(history[-patience:])) > 0.995 * float(np.mean(history[-2 * patience : -patience]))
