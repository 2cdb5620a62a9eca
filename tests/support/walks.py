# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Walking along a line in small steps, to see whether a function of space jumps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def stations(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """[steps + 1, D] evenly spaced points from ``start`` to ``end`` [D]."""
    share = torch.linspace(0.0, 1.0, steps + 1, dtype=start.dtype)[:, None]
    return start + share * (end - start)


def largest_jump(function: Callable[[Tensor], Tensor], start: Tensor, end: Tensor, steps: int) -> float:
    """The largest change of any output between neighbouring points of the walk."""
    with torch.no_grad():
        values = function(stations(start, end, steps))
    return float((values[1:] - values[:-1]).abs().max())


def jump_ratio(function: Callable[[Tensor], Tensor], start: Tensor, end: Tensor, steps: int, finer: int) -> float:
    """Largest jump in steps ``finer`` times smaller, over the largest jump; 1 / finer where the slope is bounded.

    A function that jumps somewhere on the line jumps as far in smaller steps: the ratio stays near 1.
    """
    return largest_jump(function, start, end, steps * finer) / largest_jump(function, start, end, steps)
