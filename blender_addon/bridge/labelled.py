# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last cut left with each Gaussian of a splat object: label, probability, mask variance, island."""

from __future__ import annotations

from typing import Any, NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core import layout
from . import attributes, native


class Labelled(NamedTuple):
    """What a cut left, by Gaussian.

    Attributes:
        labels: [N] int32, 0 the background, k the k-th object of the list.
        probability: [N] float32 in [0, 1], of the label; of an island's Gaussians, of the object that they were taken
            from.
        variance: [N] float32 mask variances in [0, 1], or None where the cut left none.
        island: [N] int32, the object (as in ``labels``) that a Gaussian of the background was taken from because it
            stands apart, 0 elsewhere; or None.
    """

    labels: NDArray[np.int32]
    probability: NDArray[np.float32]
    variance: NDArray[np.float32] | None = None
    island: NDArray[np.int32] | None = None


_KINDS = {"labels": (layout.OBJECT, "INT", np.int32), "probability": (layout.PROBABILITY, "FLOAT", np.float32),
          "variance": (layout.VARIANCE, "FLOAT", np.float32), "island": (layout.ISLAND, "INT", np.int32)}  # fmt: skip

#: By session_uid of the object's data; with how many of its Gaussians are islands'.
_known: dict[int, tuple[Labelled, int]] = {}


def write(obj: bpy.types.Object, left: Labelled) -> None:
    """Keeps what a cut left with the object, as attributes, in place of what an earlier one did."""
    data: Any = obj.data
    count = attributes.count(data)
    for name, values in left._asdict().items():
        if values is not None and values.shape != (count,):
            raise ValueError(f"{count} Gaussians need as many values of {name}, not {values.shape}.")
    for (attribute, kind, dtype), values in zip(_KINDS.values(), left, strict=True):
        if values is not None:
            attributes.write(data, attribute, kind, np.asarray(values, dtype=dtype))
        elif attribute in data.attributes:
            data.attributes.remove(data.attributes[attribute])
    forget(data.session_uid)
    data.update_tag()
    native.share_drawing(obj)


def read(obj: bpy.types.Object) -> Labelled | None:
    """What the last cut left with the object, or None; nobody may write to the arrays."""
    known = _read(obj)
    return None if known is None else known[0]


def island_count(obj: bpy.types.Object) -> int:
    """How many Gaussians the last cut sent to the background because they stand apart from their objects."""
    known = _read(obj)
    return 0 if known is None else known[1]


def forget(number: int | None = None) -> None:
    """Has the data with this session_uid, or all, read again before their next use."""
    if number is None:
        _known.clear()
    else:
        _known.pop(number, None)


def _read(obj: bpy.types.Object) -> tuple[Labelled, int] | None:
    data = obj.data
    number = data.session_uid
    known = _known.get(number)
    if attributes.editing(data):
        return known
    if known is not None and len(known[0].labels) != attributes.count(data):
        known = None
    if known is None and layout.OBJECT in data.attributes:
        found: dict[str, Any] = {}
        with attributes.reading(obj) as source:
            for name, (attribute, _, dtype) in _KINDS.items():
                values = source.get(attribute)
                found[name] = None if values is None else values.astype(dtype, copy=False)
        if found["labels"] is None:
            return None
        if found["probability"] is None:
            found["probability"] = np.ones(len(found["labels"]), np.float32)
        left = Labelled(**found)
        known = left, 0 if left.island is None else int(np.count_nonzero(left.island))
        _known[number] = known
    return known
