# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the viewport's shaders get: splats packed into texels, their order, their colours and tints.

Several splat objects are drawn as one list, so that they blend rightly where they overlap: splats are numbered through
all objects, and each knows the number of its object.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.scene.gaussians import CLASSIC, F32, PixelFilter
from splatcut.scene.rotations import rotation_rows
from splatcut.scene.sh import basis

#: Width of the textures that hold one thing after another.
TEXTURE_WIDTH = 4096
#: Texels of four numbers that a splat takes: position and opacity; covariance and the number of its object.
TEXELS = 3
#: Splats that can be drawn: the order goes to the GPU as float32, which counts no further without gaps.
MAX_SPLATS = 1 << 24
#: Share of the colour that a full tint takes.
TINT = 0.8
_CHUNK = 1 << 16


def pack(
    positions: F32,
    scales: F32,
    quats: F32,
    opacity: F32,
    number: int,
    out: F32 | None = None,
    pixel_filter: PixelFilter = CLASSIC,
) -> F32:
    """The splats of one object as the shader reads them.

    Args:
        positions: [N, 3] in the object's frame.
        scales: [N, 3] standard deviations along the own axes, object units.
        quats: [N, 4] wxyz, of any length.
        opacity: [N] in [0, 1].
        number: of the object among those drawn, from 0.
        out: [N, 12] float32 to write to.
        pixel_filter: of the object's scene.

    Returns:
        ``out``, or a new [N, 12] float32: position, opacity; covariance xx, xy, xz, yy; yz, zz, object's number,
        variance of an antialiased scene's pixel filter (0 in other scenes).
    """
    count = len(positions)
    result = np.empty((count, 4 * TEXELS), dtype=np.float32) if out is None else out
    result[:, 0:3], result[:, 3], result[:, 10] = positions, opacity, number
    result[:, 11] = pixel_filter.variance if pixel_filter.compensated else 0
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        q = quats[part]
        rows = rotation_rows(*(q / (np.linalg.norm(q, axis=1, keepdims=True) + np.float32(1e-12))).T)
        s0, s1, s2 = (scales[part] * scales[part]).T
        column = 4
        for i in range(3):
            for j in range(i, 3):
                a, b = rows[i], rows[j]
                result[part, column] = a[0] * b[0] * s0 + a[1] * b[1] * s1 + a[2] * b[2] * s2
                column += 1
    return result


def texture_rows(count: int) -> int:
    """Rows that ``count`` texels take in a texture of the standard width; at least 1."""
    return max(1, -(-count // TEXTURE_WIDTH))


def blank(count: int, channels: int) -> F32:
    """[rows * width * channels] zeros: the texels of a texture that holds ``count`` of them."""
    return np.zeros(texture_rows(count) * TEXTURE_WIDTH * channels, dtype=np.float32)


def padded(values: NDArray[np.floating], channels: int) -> F32:
    """[rows * width * channels] float32: values one after another, filled up to whole rows of a texture."""
    flat = np.ascontiguousarray(values, dtype=np.float32).ravel()
    result = blank(-(-flat.size // channels), channels)
    if flat.size == result.size:
        return flat
    result[: flat.size] = flat
    return result


def back_to_front(parts: Sequence[F32], view_rows: ArrayLike, step: int = 1) -> F32:
    """The order in which splats are blended.

    Args:
        parts: positions [N_k, 3] of each object, in its frame.
        view_rows: [K, 4] for each object the row of view_from_object that gives the view's z: OpenGL, so that what is
            further away has a smaller one.
        step: only every ``step``-th splat is drawn.

    Returns:
        [ceil(sum N / step)] float32, numbers of splats through all objects, the furthest first.
    """
    rows = np.asarray(view_rows, dtype=np.float64)
    depths, numbers, first = [], [], 0
    for points, row in zip(parts, rows, strict=True):
        skip = -first % step
        depths.append(points[skip::step] @ row[:3].astype(np.float32) + np.float32(row[3]))
        numbers.append(np.arange(first + skip, first + len(points), step, dtype=np.float32))
        first += len(points)
    if not depths:
        return np.zeros(0, dtype=np.float32)
    depth, number = (np.concatenate(depths), np.concatenate(numbers)) if len(depths) > 1 else (depths[0], numbers[0])
    if not depth.size:
        return number
    return number[np.argsort(_sixteen_bits(depth), kind="stable")]


def _sixteen_bits(depth: F32) -> NDArray[np.uint16]:
    """Sort keys: numpy sorts 16-bit integers by radix, ten times as fast as floats.

    In front of the viewer (negative z) the steps are equal in the logarithm, 0.02 % of the depth over thirteen octaves,
    so that a few splats far away do not coarsen the rest; behind it nothing is drawn.
    """
    distance = -depth
    furthest = float(distance.max())
    if not furthest > 0:
        return np.zeros(depth.shape, dtype=np.uint16)
    nearest = max(float(distance.min()), furthest * 2.0**-13)
    np.maximum(distance, np.float32(nearest), out=distance)
    key = np.log2(distance, out=distance)
    low, high = float(np.log2(nearest)), float(np.log2(furthest))
    key -= np.float32(high)
    key *= np.float32(-65535.0 / max(high - low, 1e-6))
    return np.clip(key, 0, 65535, out=key).astype(np.uint16)


def tint_codes(
    labels: NDArray[np.integer], probability: NDArray[np.floating], first: int, colours: int = 1 << 20
) -> F32:
    """What a splat is tinted with, as one number for the shader.

    Args:
        labels: [N] 0 = nothing, k = the object's k-th colour.
        probability: [N] in [0, 1], how surely.
        first: row of the palette that stands before the object's first colour.
        colours: how many colours the object has; labels above are not tinted.

    Returns:
        [N] float32: 0, or the row of the palette plus the probability, held under 1.
    """
    strength = np.clip(probability, 0.0, 0.999).astype(np.float32)
    there = (labels > 0) & (labels <= colours)
    return np.where(there, labels.astype(np.float32) + np.float32(first) + strength, np.float32(0))


def tinted(colours: NDArray[np.floating], codes: F32, palette: NDArray[np.floating]) -> NDArray[np.float64]:
    """Colours [N, 3] with the tints laid over, as the splats' shader does it.

    Args:
        colours: display-referred sRGB.
        codes: ``tint_codes`` [N].
        palette: [P, 4] display-referred sRGB and strength in [0, 1].
    """
    row = np.asarray(palette, dtype=np.float64)[codes.astype(np.int64)]
    share = (TINT * row[:, 3] * (codes % 1))[:, None] * (codes >= 1)[:, None]
    light = colours @ np.array([0.299, 0.587, 0.114])
    return colours * (1 - share) + row[:, :3] * (0.35 + 0.85 * light[:, None]) * share


def display_colour(linear: ArrayLike) -> NDArray[np.float64]:
    """Display-referred sRGB of Blender's scene-linear colour values (Rec. 709 primaries), in [0, 1]."""
    c = np.clip(np.asarray(linear, dtype=np.float64), 0.0, 1.0)
    return np.where(c <= 0.0031308, 12.92 * c, 1.055 * c ** (1 / 2.4) - 0.055)


def scene_linear(display: ArrayLike) -> NDArray[np.float64]:
    """The inverse of ``display_colour``; values above 1 go on along the curve."""
    c = np.maximum(np.asarray(display, dtype=np.float64), 0.0)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def seen_colours(base: F32, sh: F32 | None, positions: F32, camera: ArrayLike) -> F32:
    """The splats' colours as seen from a point.

    Args:
        base: [N, 3] colour of the constant term, display-referred sRGB.
        sh: [N, K, 3] coefficients of bands 1 and up, K = 3, 8, 15 or 24; or None.
        positions: [N, 3] object frame.
        camera: [3] the viewer in the object's frame.

    Returns:
        [N, 3] float32, not below 0.
    """
    if sh is None or not sh.shape[1]:
        return np.maximum(base, np.float32(0))
    degree = round((sh.shape[1] + 1) ** 0.5) - 1
    centre = np.asarray(camera, dtype=np.float32)
    result = np.empty((len(base), 3), dtype=np.float32)
    for start in range(0, len(base), _CHUNK):
        part = slice(start, start + _CHUNK)
        directions = positions[part] - centre
        directions[:, 2] += np.float32(1e-12) * (directions == 0).all(axis=1)
        values = basis(directions, degree)[:, 1:].astype(np.float32)
        np.matmul(values[:, None, :], sh[part], out=result[part].reshape(-1, 1, 3))
        result[part] += base[part]
    return np.maximum(result, np.float32(0), out=result)
