# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of meshes and point clouds as numpy arrays, without the copies that Blender would keep."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core import layout, matched
from ..core.arrays import SplatArrays, base_colours
from ..core.facts import Facts

#: Custom properties of the data that hold ``Facts``.
FILE, BEFORE, AFTER = "splatcut_file", "splatcut_before", "splatcut_after"

#: Where an element of an attribute type keeps its numbers.
_VALUES = {"FLOAT_VECTOR": "vector", "FLOAT4": "vector", "FLOAT_COLOR": "color"}


class _Attributes:
    """The point attributes of a passing copy as a ``layout.Source``; each can be read once."""

    def __init__(self, data: Any, progress: Callable[[float], None] | None = None) -> None:
        self._data = data
        self._progress = progress
        self._read = 0
        self._types = {a.name: a.data_type for a in data.attributes if a.domain == "POINT"}

    @property
    def count(self) -> int:
        return count(self._data)

    def types(self) -> Mapping[str, str]:
        return self._types

    def get(self, name: str) -> NDArray[Any] | None:
        attribute = self._data.attributes.get(name)
        if attribute is None or attribute.domain != "POINT" or attribute.data_type not in layout.TYPES:
            return None
        number, width = layout.TYPES[attribute.data_type]
        values = np.empty(self.count * width, number)
        if len(values):
            attribute.data.foreach_get(_VALUES.get(attribute.data_type, "value"), values)
        self._read += 1
        if self._progress is not None:
            self._progress(min(self._read / len(self._types), 1.0))
        if name != layout.POSITION:  # which no geometry can be without
            self._data.attributes.remove(attribute)
        return values if width == 1 else values.reshape(-1, width)


@contextmanager
def reading(
    obj: bpy.types.Object, progress: Callable[[float], None] | None = None, *, shown: bool = False
) -> Iterator[layout.Source]:
    """For reading an object's attributes, each at most once.

    Of an object that is matched to Blender's light, the colours are the trained ones or, with ``shown``, Blender's.

    Blender's geometries share memory with the evaluated ones until somebody reads numbers, which makes a copy for good.
    Here that happens to a copy that ends soon, one attribute after the other.
    """
    if obj.type == "MESH":
        try:
            yield _colours(_Attributes(obj.to_mesh(), progress), shown)
        finally:
            obj.to_mesh_clear()
    else:
        copy = obj.data.copy()
        try:
            yield _colours(_Attributes(copy, progress), shown)
        finally:
            bpy.data.batch_remove([copy])


def _colours(source: layout.Source, shown: bool) -> layout.Source:
    return source if shown or matched.MATCHED not in source.types() else matched.AsTrained(source)


def drop_matched(data: Any) -> None:
    """Forgets the trained colours of a matched object: those that are shown count."""
    for name in [attribute.name for attribute in data.attributes if matched.is_ours(attribute.name)]:
        data.attributes.remove(data.attributes[name])


def editing(data: Any) -> bool:
    """Whether the data are in edit mode, where their attributes are not to be read."""
    return bool(getattr(data, "is_editmode", False))


def count(data: Any) -> int:
    return len(data.vertices if isinstance(data, bpy.types.Mesh) else data.points)


def write(data: Any, name: str, kind: str, values: NDArray[Any]) -> None:
    attribute = data.attributes.get(name)
    if attribute is not None and (attribute.data_type != kind or attribute.domain != "POINT"):
        data.attributes.remove(attribute)
        attribute = None
    if attribute is None:
        attribute = data.attributes.new(name, kind, "POINT")
    if len(values):
        # Only contiguous arrays of the attribute's own number type are copied as a whole.
        number, _ = layout.TYPES[kind]
        flat = np.ascontiguousarray(values, dtype=number).reshape(-1)
        attribute.data.foreach_set(_VALUES.get(kind, "value"), flat)


def write_facts(data: Any, facts: Facts) -> None:
    data[FILE] = facts.to_json()
    for key, content in ((BEFORE, facts.before), (AFTER, facts.after)):
        if content:
            data[key] = content


def read_facts(data: Any) -> Facts | None:
    """What is kept with the data; None where it is damaged or missing."""
    before, after = (bytes(data[key]) if isinstance(data.get(key), bytes) else b"" for key in (BEFORE, AFTER))
    text = data.get(FILE)
    return Facts.from_json(text, before, after) if isinstance(text, str) else None


def _numbers(source: layout.Source, name: str, width: int, otherwise: float = 0) -> NDArray[np.float32]:
    values = source.get(name)
    if values is None or values.shape != (source.count, width):
        return np.full((source.count, width), otherwise, np.float32)
    return values.astype(np.float32, copy=False)


def splat_arrays(source: layout.Source, with_sh: bool, key: Hashable) -> SplatArrays:
    """The Gaussians for drawing and picking; what is missing gets a plain value."""
    coefficients = layout.coefficient_count(source) - 1 if with_sh else 0
    sh = np.empty((source.count, coefficients, 3), np.float32) if coefficients else None
    if sh is not None:
        for k in range(coefficients):
            sh[:, k] = _numbers(source, layout.sh_name(k), 3)
    base = _numbers(source, layout.BASE, 4, 1)
    found = SplatArrays(
        positions=_numbers(source, layout.POSITION, 3),
        scales=_numbers(source, layout.SCALE, 3, 0.01),
        quats=_numbers(source, layout.ROTATION, 4),
        base=base_colours(base[:, :3]),
        opacity=np.ascontiguousarray(base[:, 3]),
        sh=sh,
        key=key,
    )
    for values in (found.positions, found.scales, found.quats, found.base, found.opacity, found.sh):
        if values is not None:
            values.flags.writeable = False
    return found


def agrees(known: SplatArrays, source: layout.Source) -> bool:
    """Whether arrays are what attributes say now."""

    def same(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
        return np.array_equal(a, b, equal_nan=True)

    coefficients = layout.coefficient_count(source) - 1
    if known.sh is not None and known.sh.shape[1] != coefficients:
        return False
    base = _numbers(source, layout.BASE, 4, 1)
    return (
        same(known.positions, _numbers(source, layout.POSITION, 3))
        and same(known.scales, _numbers(source, layout.SCALE, 3, 0.01))
        and same(known.quats, _numbers(source, layout.ROTATION, 4))
        and same(known.base, base_colours(base[:, :3]))
        and same(known.opacity, base[:, 3])
        and (
            known.sh is None
            or all(same(known.sh[:, k], _numbers(source, layout.sh_name(k), 3)) for k in range(coefficients))
        )
    )
