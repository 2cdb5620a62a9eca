# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The mean of the parameters over the last iterations, which stands for them in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Average:
    """The running mean of tensors by name: what single views pull to and fro cancels out in it."""

    def __init__(self) -> None:
        self.means: dict[str, Tensor] = {}
        self.count = 0

    @torch.no_grad()
    def add(self, tensors: Mapping[str, Tensor]) -> None:
        """Counts the tensors as they are now."""
        self.count += 1
        for name, tensor in tensors.items():
            if name in self.means:
                # What does not change keeps its bits: its difference is zero.
                self.means[name] += (tensor - self.means[name]) / self.count
            else:
                self.means[name] = tensor.detach().clone()

    @torch.no_grad()
    def put_into(self, tensors: Mapping[str, Tensor]) -> None:
        """Gives the tensors their means, if any were counted."""
        for name, mean in self.means.items():
            tensors[name].copy_(mean)

    def state(self) -> dict[str, Any]:
        """Everything that changes."""
        return {"means": self.means, "count": self.count}

    def load(self, state: Mapping[str, Any]) -> None:
        """The inverse of ``state``."""
        self.means, self.count = dict(state["means"]), state["count"]
