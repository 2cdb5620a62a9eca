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
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

#: Rows computed at a time on the CPU: small enough for the hidden values to stay in the cache.
_CHUNK = 4096


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


class Film(torch.nn.Module):
    """gamma and beta of every hidden layer, from the condition; both are 0 at first."""

    def __init__(self, condition: int, hidden: int, layers: int, film_hidden: int, generator: torch.Generator) -> None:
        """``film_hidden`` 0: linear in the condition."""
        super().__init__()
        self.width = hidden
        self.first = _linear(condition, film_hidden, generator) if film_hidden else None
        self.last = _linear(film_hidden or condition, 2 * hidden * layers, generator)
        torch.nn.init.zeros_(self.last.weight)
        torch.nn.init.zeros_(self.last.bias)

    def prepare(self, condition: Tensor) -> Tensor:
        """[M, .] what all layers' gamma and beta are linear in, for normalised conditions [M, C]."""
        return condition if self.first is None else torch.relu(self.first(condition))

    def modulate(self, layer: int, prepared: Tensor, h: Tensor) -> Tensor:
        """(1 + gamma) * h + beta of one layer, [M, hidden]. Rows of ``last``: layer by layer, gamma before beta."""
        weight, bias = (parameter.unflatten(0, (-1, self.width)) for parameter in (self.last.weight, self.last.bias))
        factor = functional.linear(prepared, weight[2 * layer], 1.0 + bias[2 * layer])
        return torch.addcmul(functional.linear(prepared, weight[2 * layer + 1], bias[2 * layer + 1]), factor, h)


class FieldNetwork(torch.nn.Module):
    """Code [M, E] and condition [M, C] to density, colour and K + 1 logits."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        encoding: int,
        condition: int,
        objects: int,
        *,
        film: bool = True,
        hidden: int = HIDDEN,
        layers: int = LAYERS,
        film_hidden: int = FILM_HIDDEN,
        mean: Tensor | None = None,
        std: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        """Args: encoding: E; condition: C; objects: K; film: whether the condition modulates; mean, std: [C], what the
        condition is normalised by (default 0 and 1; kept in the state_dict); seed: of the initial weights.
        """
        super().__init__()
        self.register_buffer("mean", torch.zeros(condition) if mean is None else mean.detach().clone())
        self.register_buffer("std", torch.ones(condition) if std is None else std.detach().clone())
        if self.mean.shape != (condition,) or self.std.shape != (condition,):
            raise ValueError(f"mean and std must have the shape [{condition}], the condition's.")
        generator = torch.Generator().manual_seed(seed)
        widths = [encoding] + [hidden] * layers
        self.hidden = torch.nn.ModuleList(_linear(a, b, generator) for a, b in pairwise(widths))
        self.head = _linear(hidden, 4 + objects + 1, generator)
        self.film = Film(condition, hidden, layers, film_hidden, generator) if film else None

    def forward(self, encoding: Tensor, condition: Tensor | None = None) -> FieldValues:
        """The values for codes [M, E] and conditions [M, C]; without a condition (or FiLM) no layer is modulated."""
        size = _CHUNK if encoding.device.type == "cpu" else max(len(encoding), 1)
        parts = encoding.split(size)
        theirs = [None] * len(parts) if condition is None or self.film is None else condition.split(size)
        out = torch.cat([self._rows(part, their) for part, their in zip(parts, theirs, strict=True)])
        return FieldValues(functional.softplus(out[:, 0]), torch.sigmoid(out[:, 1:4]), out[:, 4:])

    def _rows(self, encoding: Tensor, condition: Tensor | None) -> Tensor:
        prepared = None
        if self.film is not None and condition is not None:
            prepared = self.film.prepare((condition - self.mean) / self.std)
        h = encoding
        for number, layer in enumerate(self.hidden):
            h = torch.relu(layer(h))
            if self.film is not None and prepared is not None:
                h = self.film.modulate(number, prepared, h)
        return self.head(h)


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> torch.nn.Linear:
    layer = torch.nn.Linear(inputs, outputs, device="meta")  # torch's own draw would move its generator
    layer = layer.to_empty(device="cpu")
    bound = 1.0 / math.sqrt(inputs)
    with torch.no_grad():
        layer.weight.uniform_(-bound * math.sqrt(3.0), bound * math.sqrt(3.0), generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
