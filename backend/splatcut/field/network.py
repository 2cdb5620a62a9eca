# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The small network that turns a point's code into density, colour and object probabilities.

Each hidden layer is modulated by what the Gaussians around the point are like (FiLM, Perez et al. 2018):
    h <- relu(W h + b),    h <- (1 + gamma(c)) * h + beta(c),
c being the interpolated, normalised properties. The last layer that gives gamma and beta starts at zero, so that at
first the condition changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

#: Width and number of the hidden layers.
HIDDEN, LAYERS = 64, 2
#: Width of the hidden layer that gamma and beta are computed from.
FILM_HIDDEN = 16


@dataclass(frozen=True, eq=False)
class FieldValues:
    """What the field is at M points.

    Attributes:
        density: [M], at least 0, per unit of length (the network's own unit; ``Field`` makes it the world's).
        colour: [M, 3] in [0, 1], display-referred sRGB.
        logits: [M, K + 1], background first; see ``probability``.
    """

    density: Tensor
    colour: Tensor
    logits: Tensor

    @property
    def probability(self) -> Tensor:
        """[M, K + 1] in [0, 1], each row summing to 1: softmax of the logits, background first."""
        return torch.softmax(self.logits, dim=-1)


class FieldNetwork(torch.nn.Module):
    """Code [M, E] and condition [M, C] to density, colour and K + 1 logits."""

    def __init__(self, encoding: int, condition: int, objects: int, *, film: bool = True, seed: int = 0) -> None:
        """Args: encoding: E; condition: C; objects: K; film: whether the condition modulates; seed: of the initial
        weights.
        """
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.hidden = torch.nn.ModuleList(
            _linear(HIDDEN if layer else encoding, HIDDEN, generator) for layer in range(LAYERS)
        )
        self.head = _linear(HIDDEN, 4 + objects + 1, generator)
        self.film = None
        if film:
            first = _linear(condition, FILM_HIDDEN, generator)
            last = _linear(FILM_HIDDEN, 2 * HIDDEN * LAYERS, generator)
            torch.nn.init.zeros_(last.weight)
            torch.nn.init.zeros_(last.bias)
            self.film = torch.nn.Sequential(first, torch.nn.ReLU(), last)

    def forward(self, encoding: Tensor, condition: Tensor | None = None) -> FieldValues:
        """The values for codes [M, E] and normalised conditions [M, C]; without them (or FiLM) nothing modulates."""
        # Layer by layer, gamma before beta.
        film = None if self.film is None or condition is None else self.film(condition).split(HIDDEN, dim=1)
        h = encoding
        for number, layer in enumerate(self.hidden):
            h = torch.relu(layer(h))
            if film is not None:
                h = torch.addcmul(film[2 * number + 1], 1.0 + film[2 * number], h)
        out = self.head(h)
        return FieldValues(functional.softplus(out[:, 0]), torch.sigmoid(out[:, 1:4]), out[:, 4:])


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> torch.nn.Linear:
    layer = torch.nn.Linear(inputs, outputs, device="meta")  # torch's own draw would move its generator
    layer = layer.to_empty(device="cpu")
    bound = 1.0 / math.sqrt(inputs)
    with torch.no_grad():
        layer.weight.uniform_(-bound * math.sqrt(3.0), bound * math.sqrt(3.0), generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
