# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""An optimiser's state as arrays and JSON, so that it can be kept on disk and taken up again bit by bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_PREFIX = "state_"


def pack(value: Any) -> tuple[dict[str, NDArray[Any]], Any]:
    """Arrays by name, and a JSON-ready plan of ``value``, which ``unpack`` makes the same value of.

    The arrays share their memory with the value and have to be written before it changes: copies of all of an
    optimiser's state, made every few seconds, scatter the heap until it has grown by much more than one of them.

    Args:
        value: dictionaries (keys: texts or integers), lists and tuples of tensors, arrays and plain values.

    Raises:
        TypeError: anything else stands in it.
    """
    arrays: dict[str, NDArray[Any]] = {}

    def plan(item: Any) -> Any:
        if isinstance(item, (torch.Tensor, np.ndarray)):
            name = f"{_PREFIX}{len(arrays)}"
            arrays[name] = item.detach().cpu().numpy() if isinstance(item, torch.Tensor) else item
            return {"tensor" if isinstance(item, torch.Tensor) else "array": name}
        if isinstance(item, Mapping):
            return {"items": [[key, plan(held)] for key, held in item.items()]}
        if isinstance(item, (list, tuple)):
            return {"list" if isinstance(item, list) else "tuple": [plan(held) for held in item]}
        if item is None or isinstance(item, (bool, int, float, str)):
            return item
        raise TypeError(f"A state cannot hold {type(item).__name__}.")

    return arrays, plan(value)


def unpack(arrays: Mapping[str, NDArray[Any]], plan: Any) -> Any:
    """The inverse of ``pack``; ``arrays`` may hold others as well."""
    if not isinstance(plan, dict):
        return plan
    kind, held = next(iter(plan.items()))
    if kind == "tensor":
        return torch.from_numpy(arrays[held].copy())
    if kind == "array":
        return arrays[held].copy()
    if kind == "items":
        return {key: unpack(arrays, item) for key, item in held}
    made = [unpack(arrays, item) for item in held]
    return made if kind == "list" else tuple(made)
