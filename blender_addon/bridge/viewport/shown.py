# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which splat objects a viewport shows, and how they are tinted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core import drawing
from ...core.arrays import SplatArrays
from .. import labelled, native, splats, state

#: Tint of Gaussians along the objects' edges, as ``Tint.colours``; no object's colour is near it.
BOUNDARY = np.array([[1.0, 0.0, 1.0, 1.0]])
#: Strength of tints that no longer answer to the prompts.
STALE = 0.45


@dataclass(frozen=True, eq=False)
class Tint:
    """What a splat object is tinted with.

    Attributes:
        key: equal for equal tints.
        labels: [N] int32, 0 = none, k = the k-th colour; probability: [N] in [0, 1].
        colours: [K, 4] display-referred sRGB and strength in [0, 1].
    """

    key: Any
    labels: NDArray[np.int32]
    probability: NDArray[np.floating]
    colours: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shown:
    """A splat object that a viewport shows.

    Attributes:
        over: drawn over everything, as Blender draws the same splats, and their depth is the only one there is.
    """

    uid: str
    as_points: bool
    arrays: SplatArrays
    matrix_world: NDArray[np.float64]
    tint: Tint | None
    over: bool = False


def shown_in(context: bpy.types.Context) -> list[Shown]:
    """The splat objects that this add-on draws in a 3D view: none that are hidden or not in its local view."""
    found = []
    space: Any = context.space_data
    # There Blender shows what it renders, however objects are displayed.
    rendered = space is not None and space.shading.type == "RENDERED"
    for obj in context.view_layer.objects:
        if not splats.is_splat(obj) or not native.drawn_here(obj) or not obj.visible_get(viewport=space):
            continue
        settings: Any = obj.splatcut
        if settings.display == "OFF":
            continue
        arrays = splats.arrays(obj)
        if not len(arrays.positions):
            continue
        tint, over = tint_of(obj, arrays), rendered and native.is_native(obj)
        if over and tint is None:
            continue
        matrix = np.array(obj.matrix_world, dtype=np.float64)
        found.append(Shown(settings.uid, settings.display == "POINTS", arrays, matrix, tint, over))
    return found


def tint_of(obj: bpy.types.Object, arrays: SplatArrays) -> Tint | None:
    """The tint of the preview where there is one, otherwise of the labels that a run has left.

    With ``show_boundary``, once there was a run, the Gaussians whose mask variance is above ``tau``, in its place; with
    ``show_islands`` those that the run sent to the background as islands, as the objects that they were taken from.
    """
    settings: Any = obj.splatcut
    count = len(arrays.positions)
    left = labelled.read(obj)
    if left is not None and len(left.labels) != count:
        left = None
    if left is not None:
        if settings.show_boundary and left.variance is not None:
            above = (left.variance > settings.tau).astype(np.int32)
            return Tint((_Same(left.variance), settings.tau), above, np.ones_like(left.variance), BOUNDARY)
        if settings.show_islands and left.island is not None and settings.objects:
            return _objects_tint(settings, left.island, left.probability)
    preview = state.preview(settings.uid)
    if preview is not None and len(preview.labels) == count:
        by_uid = {item.uid: item for item in settings.objects}
        colours = _colours([by_uid.get(uid) for uid in preview.objects], STALE if preview.stale else 1.0)
        return Tint((preview, colours.tobytes()), preview.labels, preview.probability, colours)
    if left is None or not settings.objects:
        return None
    return _objects_tint(settings, left.labels, left.probability)


def _objects_tint(settings: Any, labels: NDArray[np.int32], probability: NDArray[np.float32]) -> Tint:
    colours = _colours(list(settings.objects), 1.0)
    return Tint((_Same(labels), _Same(probability), colours.tobytes()), labels, probability, colours)


class _Same:
    """Equal for the same array only; holds on to it, so that no other one can take its place in memory."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._array is other._array

    def __hash__(self) -> int:
        return id(self._array)


def _colours(items: list[Any], strength: float) -> NDArray[np.float64]:
    result = np.zeros((len(items), 4))
    for row, item in zip(result, items, strict=True):
        if item is not None and item.visible:
            row[:3], row[3] = drawing.display_colour(item.colour), strength
    return result
