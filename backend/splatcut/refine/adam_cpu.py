# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Adam's step of some rows of a parameter in one pass over them (numba)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

F = np.float32


@njit(cache=True, nogil=True)
def adam_rows(
    rows: Any, rate: Any, left: Any, b1: Any, b2: Any, gradient: Any, first: Any, second: Any, parameter: Any
) -> None:
    """One step (Kingma and Ba 2015, algorithm 1) of the rows, in place.

    Args:
        rows: [S] int64, every row at most once.
        rate: [S] float32, step size divided by what corrects the first moment's bias.
        left: [S] float32, what corrects the second moment's bias (1 - b2^steps).
        gradient, first, second, parameter: [M, D] float32, contiguous.
    """
    for s in range(rows.size):
        i = rows[s]
        for d in range(parameter.shape[1]):
            g = gradient[i, d]
            m = first[i, d] + (F(1) - b1) * (g - first[i, d])
            v = second[i, d] + (F(1) - b2) * (g * g - second[i, d])
            first[i, d] = m
            second[i, d] = v
            parameter[i, d] -= rate[s] * m / (math.sqrt(v / left[s]) + F(1e-15))
