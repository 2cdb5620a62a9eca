# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of a splat object (design: splat object in Blender) and the splat file that they stand for.

People see and edit standard deviations, opacities and normalised quaternions; files hold logarithms, logits and
quaternions of any length, in many types and orders. What a file said is kept beside what is seen (``raw``, ``exact``)
and counts as long as both still agree, Gaussian by Gaussian: untouched ones come back bit by bit, edited ones as they
are now, and Gaussians that another object brought in by joining as that object has them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from splatcut.formats import PlyTable, SplatFile
from splatcut.formats.antialiasing import FILTER, fuse, marked
from splatcut.formats.layout import FLAT_LOG_RATIO, Layout, extract, find_layout
from splatcut.formats.ply import BLOCK_ROWS
from splatcut.formats.world import absolute, relative
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.transform import apply_transform

from . import seen
from .facts import Facts

F32 = NDArray[np.float32]

POSITION = "position"
SCALE = "scale"
ROTATION = "rotation"
BASE = "radiance:base"
OBJECT = "splatcut:object"
PROBABILITY = "splatcut:probability"
VARIANCE = "splatcut:variance"
ISLAND = "splatcut:island"
RAW_SCALE = "splatcut:raw_scale"
RAW_ROTATION = "splatcut:raw_rotation"
RAW_OPACITY = "splatcut:raw_opacity"
#: Where a Gaussian was when all of it last agreed, and a number of what it came with (``core.moves``).
RAW_POSITION = "splatcut:raw_position"
ORIGIN = "splatcut:origin"

#: Number type and numbers per element of the attribute types that are used.
TYPES: Mapping[str, tuple[type[np.generic], int]] = {
    "FLOAT": (np.float32, 1),
    "INT": (np.int32, 1),
    "INT8": (np.int8, 1),
    "BOOLEAN": (np.bool_, 1),
    "FLOAT_VECTOR": (np.float32, 3),
    "QUATERNION": (np.float32, 4),
    "FLOAT_COLOR": (np.float32, 4),
    "FLOAT4": (np.float32, 4),
    "INT32_2D": (np.int32, 2),
}

#: Attributes that Blender gives a meaning (and often a type or domain) of their own.
_RESERVED = frozenset(
    {"position", "scale", "rotation", "radius", "id", "normal", "velocity", "tilt", "resolution", "cyclic", "radiance"}
    | {"material_index", "sharp_face", "sharp_edge", "crease_vert", "crease_edge", "bevel_weight_vert"}
    | {"bevel_weight_edge", "freestyle_edge", "freestyle_face", "custom_normal", "shade_smooth", "uv_seam"}
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME = 50  # Blender takes 63 bytes in older versions
_FOREIGN = "ply:"


class Attribute(NamedTuple):
    """A named attribute: type (a key of ``TYPES``) and values [N] or [N, width]."""

    name: str
    type: str
    values: NDArray[np.generic]


class Source(Protocol):
    """Where attributes are read from."""

    @property
    def count(self) -> int:
        """How many elements there are."""
        ...

    def types(self) -> Mapping[str, str]:
        """The type of each attribute by name."""
        ...

    def get(self, name: str) -> NDArray[np.generic] | None:
        """A new array of an attribute's values, [N] or [N, width]; None when there is none of a known type."""
        ...


def sh_name(index: int) -> str:
    """The attribute of the SH coefficient ``index``, counted from 0 behind the constant term (as Blender 5.3 does)."""
    return f"radiance:sh_{index}"


def attribute_name(name: str) -> str:
    """The attribute in which a PLY property that Gaussians do not have rides along."""
    if _PLAIN_NAME.fullmatch(name) and name not in _RESERVED and len(name) <= _LONGEST_NAME:
        return name
    return _FOREIGN + _short(name)


def _exact_name(name: str) -> str:
    return f"splatcut:exact_{_short(name)}"


def _short(name: str) -> str:
    if name.isascii() and name.isprintable() and len(name) <= _LONGEST_NAME - 16:
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]


# --------------------------------------------------------------------------------------------------- file to object


def attributes_of(
    splats: SplatFile, *, origin: int = 1, rotation_type: str = "QUATERNION", base_type: str = "FLOAT_COLOR"
) -> Iterator[Attribute]:
    """The attributes of a splat object, one at a time, so that only one is held twice.

    Args:
        splats: what to show.
        origin: a number that no other splats have, 1 to 2^31 - 1.
        rotation_type: attribute type of quaternions; base_type: that of the colour with opacity.
    """
    g = splats.stored()
    yield Attribute(POSITION, "FLOAT_VECTOR", g.means)
    yield Attribute(SCALE, "FLOAT_VECTOR", seen.scales(g.log_scales))
    yield Attribute(ROTATION, rotation_type, seen.normalised(g.quats))
    yield Attribute(BASE, base_type, np.column_stack([g.sh[:, 0], seen.opacities(g.opacity_logits)]))
    for k in range(1, g.sh.shape[1]):
        yield Attribute(sh_name(k - 1), "FLOAT_VECTOR", g.sh[:, k])
    rows = splats.table.rows
    found = find_layout(rows.dtype, "the file")
    if found.filtered:  # what is seen contains the 3D filter, what the file says does not
        g = extract(rows, dataclasses.replace(found, filtered=False), splats.offset)
    yield Attribute(RAW_SCALE, "FLOAT_VECTOR", g.log_scales)
    yield Attribute(RAW_ROTATION, rotation_type, g.quats)
    yield Attribute(RAW_OPACITY, "FLOAT", g.opacity_logits)
    yield from agreement(g.means, origin)
    known = found.names
    for name in rows.dtype.names or ():
        if name in known and rows.dtype[name].itemsize <= 4:
            continue
        values = np.ascontiguousarray(rows[name])
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        if values.dtype.itemsize == 8:
            yield Attribute(_exact_name(name), "INT32_2D", values.view(np.int32).reshape(-1, 2))
        if name in known or not values.view(f"u{values.dtype.itemsize}").any():
            continue  # a missing attribute reads as zero
        if values.dtype.kind == "f":
            with np.errstate(over="ignore"):
                yield Attribute(attribute_name(name), "FLOAT", values.astype(np.float32, copy=False))
        elif values.dtype == np.uint32:
            yield Attribute(attribute_name(name), "INT", values.view(np.int32))
        else:
            yield Attribute(attribute_name(name), "INT", values.astype(np.int32, copy=False))


def agreement(positions: F32, origin: int) -> Iterator[Attribute]:
    """Attributes that say that the Gaussians at ``positions`` [N, 3] agree as they are."""
    yield Attribute(RAW_POSITION, "FLOAT_VECTOR", positions)
    yield Attribute(ORIGIN, "INT", np.full(len(positions), origin, np.int32))


# --------------------------------------------------------------------------------------------------- object to file


def splats_from(
    source: Source,
    facts: Facts | None,
    matrix: NDArray[np.float64] | None = None,
    change: Callable[[Gaussians], None] | None = None,
) -> SplatFile:
    """The splat file that attributes stand for; bit by bit the one they came from, where nothing was edited.

    Args:
        source: the attributes.
        facts: what the file said beside its rows; None makes a file in the reference 3DGS layout.
        matrix: [4, 4] new_from_old, applied to positions, scales, rotations and colours; see ``apply_transform``.
        change: is given the Gaussians to change before that.

    Raises:
        UserError: ``matrix`` is not a rotation with a uniform scale and a translation.
    """
    sizes = _Sizes.of(source)
    gaussians = _gaussians(source, sizes)
    degree = gaussians.sh_degree
    facts = facts or Facts.standard(degree)
    names = facts.property_names
    drawn = facts.pixel_filter
    facts = facts.with_degree(degree).with_properties(_further_properties(source, names))
    dtype = facts.dtype
    layout = find_layout(dtype, "the object")
    if len(layout.sh) > gaussians.sh.shape[1]:
        gaussians = _padded(gaussians, len(layout.sh))
    if layout.flat:
        gaussians.log_scales[:, 2] = gaussians.log_scales[:, :2].min(axis=1) + FLAT_LOG_RATIO
    if change is not None:
        change(gaussians)
    if matrix is not None and not np.array_equal(matrix, np.eye(4)):
        facts, matrix = facts.moved(matrix)
        _transform(gaussians, matrix)
    rows = np.zeros(source.count, dtype)
    _fill_foreign(rows, source, layout)
    _fill_gaussians(rows, gaussians, source, layout, facts.offset)
    if layout.filtered:
        _restore_unfiltered(rows, gaussians, sizes, source, layout)
    # Another object may have brought the 3D filter, which alone would say something else.
    header = marked(facts.header, drawn.compensated, layout.filtered)
    table = PlyTable(header, rows, facts.before, facts.after)
    if source.count != facts.count:
        table = table.with_rows(rows)
    made = dataclasses.replace(gaussians, pixel_filter=drawn).computable()
    return SplatFile(made, table, facts.source_format, offset=np.array(facts.offset))


def _gaussians(source: Source, sizes: _Sizes) -> Gaussians:
    """The Gaussians that attributes stand for, in arrays of their own; what is missing gets a plain value."""
    count = source.count
    coefficients = coefficient_count(source)
    sh = np.zeros((count, coefficients, 3), np.float32)
    base = _numbers(source, BASE, 4)
    if base is None:
        base = np.zeros((count, 4), np.float32)
        base[:, 3] = 1
    sh[:, 0] = base[:, :3]
    opacity = base[:, 3].copy()
    del base
    for k in range(1, coefficients):
        values = _numbers(source, sh_name(k - 1), 3)
        if values is not None:
            sh[:, k] = values
    scale = _numbers(source, SCALE, 3)
    if scale is None:
        scale = np.full((count, 3), 0.01, np.float32)
    log_scales, logits = seen.raw_log_scales(scale, sizes.seen_scale), seen.raw_logits(opacity, sizes.seen_opacity)
    if sizes.deviation is not None:  # which may be the ones that changes are found by
        log_scales, logits = log_scales.copy(), logits.copy()
    del scale
    rotation = _numbers(source, ROTATION, 4)
    if rotation is None:
        rotation = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    quats = seen.raw_quats(rotation, _numbers(source, RAW_ROTATION, 4))
    means = _numbers(source, POSITION, 3)
    assert means is not None, "every geometry has positions"
    return Gaussians(means, log_scales, quats, logits, sh)


class _Sizes(NamedTuple):
    """What the file said about scales and opacities, each None where it said nothing.

    Attributes:
        scale: [N, 3] logarithms; opacity: [N] logits; deviation: [N] of the 3D filter.
        seen_scale, seen_opacity: the first two with the filter, as it is seen.
    """

    scale: F32 | None
    opacity: F32 | None
    deviation: F32 | None
    seen_scale: F32 | None
    seen_opacity: F32 | None

    @staticmethod
    def of(source: Source) -> _Sizes:
        scale, opacity = _numbers(source, RAW_SCALE, 3), _numbers(source, RAW_OPACITY, 1)
        if FILTER not in source.types() or scale is None or opacity is None:
            return _Sizes(scale, opacity, None, scale, opacity)
        deviation = _numbers(source, FILTER, 1)
        if deviation is None:
            return _Sizes(scale, opacity, None, scale, opacity)
        return _Sizes(scale, opacity, deviation, *fuse(scale, opacity, deviation))


def coefficient_count(source: Source) -> int:
    """How many SH coefficients the attributes hold, whole bands only, the constant term included."""
    types = source.types()
    count = 1
    while sh_name(count - 1) in types:
        count += 1
    return max(k for k in (1, 4, 9, 16, 25) if k <= count)


def _numbers(source: Source, name: str, width: int) -> F32 | None:
    values = source.get(name)
    if values is None:
        return None
    if values.ndim != (1 if width == 1 else 2) or (width > 1 and values.shape[1] != width):
        return None
    return values.astype(np.float32, copy=False)


def _padded(gaussians: Gaussians, coefficients: int) -> Gaussians:
    sh = np.zeros((len(gaussians), coefficients, 3), np.float32)
    sh[:, : gaussians.sh.shape[1]] = gaussians.sh
    return dataclasses.replace(gaussians, sh=sh)


def _transform(gaussians: Gaussians, matrix: NDArray[np.float64]) -> None:
    """Transforms in place, in blocks, because the rotation of colours is computed in double precision."""
    for start in range(0, max(len(gaussians), 1), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        moved = apply_transform(gaussians.take(part), matrix)
        for name in ("means", "log_scales", "quats", "sh"):
            getattr(gaussians, name)[part] = getattr(moved, name)


def _further_properties(source: Source, known: tuple[str, ...]) -> list[tuple[str, str]]:
    """(name, PLY type) of attributes that the file did not have: people or joined objects brought them."""
    ours = {attribute_name(name) for name in known} | {POSITION, SCALE, ROTATION}
    types = {"FLOAT": "float", "INT": "int", "INT8": "char", "BOOLEAN": "uchar"}
    found = []
    for name, kind in source.types().items():
        if name in ours or kind not in types or name in _RESERVED:
            continue
        plain = name.removeprefix(_FOREIGN)
        if _PLAIN_NAME.fullmatch(plain) and plain not in known and not plain.startswith("f_rest_"):
            found.append((plain, types[kind]))
    return found


def _fill_foreign(rows: NDArray[np.void], source: Source, layout: Layout) -> None:
    known = {*layout.names, *([FILTER] if layout.filtered else [])}
    for name in rows.dtype.names or ():
        if name in known:
            continue
        values = source.get(attribute_name(name))
        if values is None or values.ndim != 1:
            continue
        target = rows[name]
        kind = target.dtype
        if kind.kind == "f":
            target[:] = values
            if kind.itemsize == 8:
                _restore_exact(target, values, source, name)
        elif kind.kind == "u" and kind.itemsize == 4 and values.dtype == np.int32:
            target[:] = values.view(np.uint32)
        else:
            limits = np.iinfo(kind)
            with np.errstate(invalid="ignore"):
                target[:] = np.clip(values, limits.min, limits.max)


def _restore_exact(
    target: NDArray[Any], values: NDArray[np.generic], source: Source, name: str, shift: float = 0.0
) -> None:
    """Puts the doubles of the file where single precision cannot tell them, less ``shift``, from what is there now."""
    stored = source.get(_exact_name(name))
    if stored is None or stored.dtype != np.int32 or stored.ndim != 2:
        return
    exact = np.ascontiguousarray(stored).view(np.float64).reshape(-1)
    rounded = relative(exact, shift)
    same = (rounded == values) | (np.isnan(rounded) & np.isnan(np.asarray(values, np.float32)))
    target[same] = exact[same]


def _restore_unfiltered(
    rows: NDArray[np.void], gaussians: Gaussians, sizes: _Sizes, source: Source, layout: Layout
) -> None:
    """Puts what the file said of sizes where they are the same still; the others contain their 3D filter, now 0."""
    rows[FILTER] = 0
    if sizes.deviation is None or sizes.scale is None or sizes.opacity is None:
        return
    same = (gaussians.log_scales == sizes.seen_scale).all(axis=1) & (gaussians.opacity_logits == sizes.seen_opacity)
    columns = [*zip(layout.scales, sizes.scale.T, strict=False), ("opacity", sizes.opacity), (FILTER, sizes.deviation)]
    for name, values in columns:
        rows[name][same] = values[same]
        if rows.dtype[name].itemsize == 8:
            _restore_exact(rows[name], np.where(same, values, np.nan), source, name)


def _fill_gaussians(
    rows: NDArray[np.void], gaussians: Gaussians, source: Source, layout: Layout, offset: Sequence[float]
) -> None:
    places, shifts = layout.places(gaussians), dict(zip("xyz", offset, strict=True))
    step = BLOCK_ROWS // 8  # blocks that stay in the cache
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        block = rows[part]
        for name, values in places:
            block[name] = absolute(values[part], shifts.get(name, 0.0))
    unfiltered = (*layout.scales, "opacity") if layout.filtered else ()  # which an attribute is read for only once
    for name, values in places:
        if rows.dtype[name].itemsize == 8 and name not in unfiltered:
            _restore_exact(rows[name], values, source, name, shifts.get(name, 0.0))
