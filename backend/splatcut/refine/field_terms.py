# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the continuous field adds to the optimisation (method: joint optimisation; paper: equations 14 to 19).

On some tiles of a view's band the field is rendered along the rays of all their pixels and held to the masks, and the
Gaussians' render and the field's are held to each other. The field covers all of space (far points are contracted), but
it is fine only inside the boundary set's box: a pixel counts by the share of its samples inside that box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import cKDTree
from torch import Tensor

from splatcut.field.field import Field, conditions
from splatcut.field.neighbours import NeighbourIndex
from splatcut.field.rays import sample_rays
from splatcut.field.volume import volume_render
from splatcut.raster.rule import TILE
from splatcut.refine.bands import Band
from splatcut.refine.losses import EPSILON, mask_loss
from splatcut.refine.optimise import Drawn
from splatcut.refine.options import WARM_UP, RefineOptions
from splatcut.refine.parameters import Moving
from splatcut.refine.subscene import SubScene

#: Side of the window of the residual's local variance, pixels (paper: equation 16).
WINDOW = 7
#: Share of the colour residual's gradient that reaches the Gaussians.
COLOUR_PULL = 0.05
#: Points and neighbouring pairs that the smoothness and the continuity look at in an iteration.
POINTS = 1024
#: Rays per iteration, and samples along each.
RAYS, SAMPLES = 1024, 12
#: Weights of L_align, the field's L_mask, L_cont and L_smth.
ALIGN, FIELD_MASK, CONTINUITY, SMOOTHNESS = 0.3, 1.0, 0.01, 0.03
#: Adam's step sizes of the field's network and of its hash tables.
NETWORK_RATE, TABLE_RATE = 0.005, 0.02


@dataclass(frozen=True, eq=False)
class FieldRendered:
    """The field on R tiles of a band; a tile has 256 pixels.

    Attributes:
        colour: [R, 256, 3] blended over black; alpha: [R, 256]; labels: [R, 256, K] blended; inside: [R, 256] in
            [0, 1], share of the samples inside the field's box, 0 outside the image and on empty rays.
        points: [P, 3], values of the field there, for the smoothness.
    """

    colour: Tensor
    alpha: Tensor
    labels: Tensor
    inside: Tensor
    points: Tensor
    probability: Tensor


class FieldTerms:
    """The field of one round, its optimiser, and the losses that it takes part in.

    Args:
        moving: the Gaussians that may change; those of ``boundary`` [M] bool among them (B and its children) span the
            field's box.
    """

    def __init__(self, moving: Moving, boundary: np.ndarray, options: RefineOptions) -> None:
        self.moving = moving
        means = moving.tensors["means"].detach()
        span = means[torch.from_numpy(boundary)] if boundary.any() else means
        # A few stray Gaussians far off must not make the cells coarse.
        lo, hi = torch.quantile(span, 0.02, dim=0), torch.quantile(span, 0.98, dim=0)
        self.box = torch.stack([lo, hi])
        self.rbf = options.field != "no-rbf"
        use_hash = options.field != "no-hash"
        self.field = Field(lo, hi, self._conditions(moving), use_rbf=self.rbf, use_hash=use_hash, seed=options.seed)
        groups = [{"params": list(self.field.network.parameters()), "lr": NETWORK_RATE}]
        if self.field.encoding is not None:
            groups.append({"params": list(self.field.encoding.parameters()), "lr": TABLE_RATE})
        self.adam = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-15, fused=True)
        self._index(means.numpy())
        self.pairs = self._pairs(means.numpy())

    def loss(self, band: Band, sub: SubScene, drawn: Drawn, part: float, seed: tuple[int, ...]) -> Tensor:
        """L_align + L_mask + L_cont + L_smth, weighted, on some tiles of the band; see ``refine.optimise.Partner``."""
        rng = np.random.default_rng((*seed, 1))
        tiles, inner = band.photo.shape[:2]
        chosen = np.sort(rng.choice(tiles, size=min(tiles, max(1, RAYS // inner)), replace=False))
        some = torch.from_numpy(chosen)
        learning = part < WARM_UP
        made = self.render(band, sub, chosen, self.moving, seed, fixed=learning)
        image, labels, transmittance = (tensor[some].detach() if learning else tensor[some] for tensor in drawn)
        masks = torch.from_numpy(band.masks[:, chosen]).float() / 255
        loss = ALIGN * self.align_loss(made, image, 1 - transmittance, labels)
        loss = loss + FIELD_MASK * self.mask_loss(made, masks)
        loss = loss + SMOOTHNESS * self.smoothness_loss(made, self.moving, rng)
        return loss if learning else loss + CONTINUITY * self.continuity_loss(self.moving, rng)

    @staticmethod
    def _conditions(moving: Moving) -> Tensor:
        t = moving.tensors
        return conditions(t["log_scales"], t["opacity_logits"], t["sh_dc"][:, 0], t["label_logits"])

    @staticmethod
    def _pairs(means: np.ndarray) -> Tensor:
        """[P, 2] int64: every moving Gaussian with its nearest few."""
        count = min(7, len(means))
        if count < 2:
            return torch.zeros((0, 2), dtype=torch.int64)
        near = np.asarray(cKDTree(means).query(means, k=count)[1])
        first = np.repeat(np.arange(len(means)), count - 1)
        return torch.from_numpy(np.stack([first, near[:, 1:].ravel()], axis=1).astype(np.int64))

    def state(self) -> dict[str, object]:
        """Everything that changes, for a checkpoint."""
        return {"field": self.field.state_dict(), "adam": self.adam.state_dict(), "centres": self.centres}

    def load(self, state: dict[str, object]) -> None:
        """The inverse of ``state``."""
        self.field.load_state_dict(state["field"])  # type: ignore[arg-type]
        self.adam.load_state_dict(state["adam"])  # type: ignore[arg-type]
        self._index(state["centres"])  # type: ignore[arg-type]

    def _index(self, centres: np.ndarray) -> None:
        """Neighbours from now on among these centres [M, 3]."""
        self.centres = centres.copy()
        self.index = NeighbourIndex(self.centres)

    def step(self) -> None:
        """One step of the field."""
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)

    def _at(self, points: Tensor, moving: Moving, values: Tensor, fixed: bool):
        means = moving.tensors["means"]
        if fixed:
            means, values = means.detach(), values.detach()
        if self.index.stale(moving.tensors["means"].detach().numpy()):
            self._index(moving.tensors["means"].detach().numpy())
        index = torch.from_numpy(self.index.query(points.detach().numpy())) if self.rbf else None
        return self.field(points, means, values, index)

    def render(
        self, band: Band, sub: SubScene, chosen: np.ndarray, moving: Moving, seed: tuple[int, ...], fixed: bool
    ) -> FieldRendered:
        """Renders the field on the tiles ``chosen`` [R] of the band.

        Args:
            sub: the band's Gaussians as they are now; fixed: no gradient into the Gaussians through the
                field's conditions.
        """
        flat, valid = band.pixels[chosen].ravel(), band.valid[chosen].ravel()
        pixels = np.stack([flat % band.camera.width, flat // band.camera.width], axis=1).astype(np.int32)
        rays = sample_rays(sub.prepared, sub.gaussians, pixels, SAMPLES, seed, box=self.box.numpy())
        points = torch.from_numpy(rays.points())
        shape = points.shape[:2]
        values = self._conditions(moving)
        found = self._at(points.reshape(-1, 3), moving, values, fixed)
        probability = found.probability
        kinds = probability.shape[1] - 1
        drawn = volume_render(
            found.density.reshape(shape),
            torch.from_numpy(rays.delta),
            found.colour.reshape(*shape, 3),
            probability[:, 1:].reshape(*shape, kinds),
        )
        near = ((points >= self.box[0]) & (points <= self.box[1])).all(dim=2).float().mean(dim=1)
        near = near * torch.from_numpy((valid & (rays.weight > 0)).astype(np.float32))
        tiles = len(chosen)
        return FieldRendered(
            drawn.values[0].reshape(tiles, -1, 3),
            drawn.alpha.reshape(tiles, -1),
            drawn.values[1].reshape(tiles, -1, kinds),
            near.reshape(tiles, -1),
            points.reshape(-1, 3),
            probability,
        )

    def align_loss(self, drawn: FieldRendered, colour: Tensor, alpha: Tensor, labels: Tensor) -> Tensor:
        """L_align: colour, alpha and labels of both renders, and the colour residual's variance over 7x7 pixels.

        Args:
            colour [R, 256, 3], alpha [R, 256], labels [R, 256, K]: of the Gaussians, on the same tiles.
        """
        weight = drawn.inside
        total = weight.sum().clamp(min=1)
        # The field's colours are blurred ones: they follow the Gaussians, and pull them back only a little.
        colour = COLOUR_PULL * colour + (1 - COLOUR_PULL) * colour.detach()
        residual = (colour - drawn.colour) * weight[..., None]
        loss = residual.abs().sum() / 3 + ((alpha - drawn.alpha).abs() * weight).sum()
        loss = loss + ((labels - drawn.labels).abs().sum(dim=-1) * weight).sum()
        maps = residual.permute(0, 2, 1).reshape(len(residual), 3, TILE, TILE)
        mean = F.avg_pool2d(maps, WINDOW, stride=1)
        variance = (F.avg_pool2d(maps * maps, WINDOW, stride=1) - mean * mean).clamp(min=0)
        return loss / total + variance.mean()

    def mask_loss(self, drawn: FieldRendered, masks: Tensor) -> Tensor:
        """L_mask of the field: cross-entropy with masks [K, R, 256], weighted by its rendered density (detached)."""
        weight = drawn.inside * drawn.alpha.detach()
        safe = drawn.alpha.detach().clamp(min=EPSILON)[..., None]
        return mask_loss(drawn.labels / safe, masks, weight)

    def smoothness_loss(self, drawn: FieldRendered, moving: Moving, rng: np.random.Generator) -> Tensor:
        """L_smth: squared differences of the field over a step of one finest cell, relaxed where the label changes."""
        count = len(drawn.points)
        some = torch.from_numpy(rng.integers(count, size=min(POINTS, count)))
        step = torch.from_numpy(rng.normal(size=(len(some), 3)).astype(np.float32))
        step = step / step.norm(dim=1, keepdim=True).clamp(min=1e-6) * self.field.unit
        moved = self._at(drawn.points[some] + step, moving, self._conditions(moving), True)
        difference = moved.probability - drawn.probability[some]
        edge = 1 - difference.detach().abs().amax(dim=1)
        return (difference.square().sum(dim=1) * edge).mean()

    def continuity_loss(self, moving: Moving, rng: np.random.Generator) -> Tensor:
        """L_cont: kernel-weighted |c_i - c_j|^2 of neighbours, switched off across the objects' edges."""
        if not len(self.pairs):
            return torch.zeros(())
        pairs = self.pairs[torch.from_numpy(rng.integers(len(self.pairs), size=POINTS))]
        i, j = pairs[:, 0], pairs[:, 1]
        means, colour = moving.tensors["means"].detach(), moving.tensors["sh_dc"][:, 0]
        distance = (means[i] - means[j]).square().sum(dim=1)
        kernel = torch.exp(-distance / distance.mean().clamp(min=1e-20))
        share = torch.softmax(moving.tensors["label_logits"].detach(), dim=1)
        same = (share[i] * share[j]).sum(dim=1)
        return ((colour[i] - colour[j]).square().sum(dim=1) * kernel * same).mean()
