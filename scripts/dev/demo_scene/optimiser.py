# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters of Gaussians under Adam, and density control: what training a scene from points needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from splatcut.scene.gaussians import SH_C0, Gaussians
from splatcut.scene.rotations import rotation_matrices

NAMES = ("means", "log_scales", "quats", "opacity_logits", "sh_dc", "sh_rest")


@dataclass(frozen=True)
class Rates:
    """Learning rates; each falls exponentially from ``start`` to ``start * end_factor`` over the run.

    The means' rate is in world units per step; the others are in the units of the stored parameters.
    """

    means: float = 5e-4
    means_end_factor: float = 0.01
    log_scales: float = 7e-3
    quats: float = 2e-3
    opacity_logits: float = 4e-2
    sh_dc: float = 5e-3
    sh_rest: float = 4e-4
    end_factor: float = 0.2

    def at(self, name: str, progress: float) -> float:
        """The rate of a parameter at ``progress`` 0..1."""
        factor = self.means_end_factor if name == "means" else self.end_factor
        return float(getattr(self, name)) * math.exp(math.log(factor) * progress)


class Adam:
    """Adam over a dictionary of tensors whose rows can be taken and copied together with their moments."""

    def __init__(self, parameters: dict[str, Tensor], rates: Rates) -> None:
        self.parameters = {name: tensor.clone().requires_grad_() for name, tensor in parameters.items()}
        self.rates = rates
        self.first = {name: torch.zeros_like(tensor) for name, tensor in parameters.items()}
        self.second = {name: torch.zeros_like(tensor) for name, tensor in parameters.items()}
        self.steps = 0

    def step(self, progress: float) -> None:
        """One step from the gradients, which are cleared."""
        self.steps += 1
        b1, b2 = 0.9, 0.999
        correction = math.sqrt(1 - b2**self.steps) / (1 - b1**self.steps)
        for name, parameter in self.parameters.items():
            gradient = parameter.grad
            if gradient is None:
                continue
            m, v = self.first[name], self.second[name]
            m.lerp_(gradient, 1 - b1)
            v.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
            with torch.no_grad():
                parameter.addcdiv_(m, v.sqrt().add_(1e-15), value=-self.rates.at(name, progress) * correction)
            parameter.grad = None

    def rearrange(self, keep: Tensor, extra: dict[str, Tensor], parents: Tensor) -> None:
        """Keeps the rows ``keep`` (indices) and appends the rows ``extra``.

        Those start at rest but with the second moments of ``parents`` (indices): from zero, the first steps after long
        training would be three times too long, the correction for a young average being over.
        """
        for name, parameter in self.parameters.items():
            added = extra[name]
            self.parameters[name] = torch.cat([parameter.detach()[keep], added]).requires_grad_()
            self.first[name] = torch.cat([self.first[name][keep], torch.zeros_like(added)])
            self.second[name] = torch.cat([self.second[name][keep], self.second[name][parents]])

    def gaussians(self) -> Gaussians:
        """The present state as arrays."""
        p = {name: tensor.detach() for name, tensor in self.parameters.items()}
        sh = torch.cat([p["sh_dc"], p["sh_rest"]], dim=1)
        unit = p["quats"] / p["quats"].norm(dim=1, keepdim=True)
        return Gaussians(
            p["means"].numpy(), p["log_scales"].numpy(), unit.numpy(), p["opacity_logits"].numpy(), sh.numpy()
        )


def from_points(
    points: np.ndarray, normals: np.ndarray, colours: np.ndarray, spacing: np.ndarray, sh_degree: int
) -> dict[str, Tensor]:
    """Flat Gaussians on a surface.

    Args:
        points, normals: [N, 3] world frame; normals of length 1.
        colours: [N, 3] uint8 sRGB.
        spacing: [N] distance to the neighbours, world units.
    """
    count = len(points)
    scales = np.stack([spacing * 0.75, spacing * 0.75, spacing * 0.2], axis=1)
    # the rotation that takes the own z axis to the normal: half-way quaternion
    quats = np.concatenate([(1 + normals[:, 2:3]), -normals[:, 1:2], normals[:, 0:1], np.zeros((count, 1))], axis=1)
    quats[np.linalg.norm(quats, axis=1) < 1e-3] = (0.0, 1.0, 0.0, 0.0)
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    tensors = {
        "means": points,
        "log_scales": np.log(scales),
        "quats": quats,
        "opacity_logits": np.full(count, math.log(0.7 / 0.3)),
        "sh_dc": ((colours / 255.0 - 0.5) / SH_C0)[:, None, :],
        "sh_rest": np.zeros((count, (sh_degree + 1) ** 2 - 1, 3)),
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)) for name, array in tensors.items()}


@dataclass(frozen=True)
class Density:
    """When Gaussians are split, doubled or dropped.

    Attributes:
        limit: largest number of Gaussians.
        share: share of all Gaussians that may be refined at a time: those with the strongest screen gradients.
        large: Gaussians whose largest standard deviation exceeds this (world units) are split, others doubled.
        faint: Gaussians below this opacity are dropped.
    """

    limit: int = 45_000
    share: float = 0.04
    large: float = 0.02
    faint: float = 0.02

    def apply(self, adam: Adam, score: Tensor, generator: torch.Generator) -> tuple[int, int]:
        """Drops faint Gaussians and refines those with the highest ``score`` [N]. Returns (refined, dropped)."""
        state = {name: tensor.detach() for name, tensor in adam.parameters.items()}
        count = len(score)
        alive = torch.sigmoid(state["opacity_logits"]) >= self.faint
        room = self.limit - int(alive.sum())
        amount = max(0, min(room, int(self.share * count)))
        order = torch.argsort(torch.where(alive, score, torch.zeros_like(score)), descending=True)[:amount]
        order = order[score[order] > 0]
        chosen = {name: tensor[order].clone() for name, tensor in state.items()}
        split = chosen["log_scales"].exp().amax(dim=1) > self.large
        halves = []
        axes = torch.from_numpy(rotation_matrices(chosen["quats"].numpy()).astype(np.float32))
        offset = torch.randn(len(order), 3, generator=generator) * chosen["log_scales"].exp()
        offset = torch.einsum("nij,nj->ni", axes, offset)
        smaller = torch.where(split[:, None], math.log(1.6), 0.0)
        for sign in (1.0, -1.0):
            part = {name: tensor.clone() for name, tensor in chosen.items()}
            part["means"] = part["means"] + sign * torch.where(split[:, None], offset, 0.3 * offset)
            part["log_scales"] = part["log_scales"] - smaller
            # two in one place cover as much as one: 1 - (1 - a)^2 = opacity
            opacity = torch.sigmoid(part["opacity_logits"]).clamp(max=0.995)
            shared = 1 - (1 - opacity).sqrt()
            part["opacity_logits"] = torch.where(split, part["opacity_logits"], torch.logit(shared))
            halves.append(part)
        alive[order] = False
        keep = torch.nonzero(alive)[:, 0]
        dropped = count - len(keep) - len(order)
        adam.rearrange(
            keep, {name: torch.cat([half[name] for half in halves]) for name in NAMES}, torch.cat([order, order])
        )
        return len(order), dropped
