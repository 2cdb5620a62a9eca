# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Meshes of the demo scene as plain arrays: surfaces of revolution, tubes, rings, leaves, boxes.

Every vertex carries a three-number surface coordinate ("param") that the procedural textures read.
Runs without Blender.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]


@dataclass
class Shape:
    """A polygon mesh.

    Attributes:
        vertices: [V, 3] float64, object frame, scene units.
        faces: vertex indices per face (triangles and quads).
        materials: [F] int, the face's material slot.
        param: [V, 3] float64, surface coordinate for textures (its meaning depends on the maker).
    """

    vertices: F64
    faces: list[tuple[int, ...]]
    materials: NDArray[np.int64]
    param: F64

    def transformed(self, world_from_object: F64) -> Shape:
        """The same mesh moved by a [4, 4] matrix."""
        moved = self.vertices @ world_from_object[:3, :3].T + world_from_object[:3, 3]
        return Shape(moved, self.faces, self.materials, self.param)

    def triangles(self) -> NDArray[np.int64]:
        """[T, 3] vertex indices, polygons fanned from their first vertex."""
        return np.array([(f[0], f[i], f[i + 1]) for f in self.faces for i in range(1, len(f) - 1)], dtype=np.int64)


def joined(parts: Sequence[Shape]) -> Shape:
    """One mesh of several."""
    faces: list[tuple[int, ...]] = []
    offset = 0
    for part in parts:
        faces += [tuple(i + offset for i in face) for face in part.faces]
        offset += len(part.vertices)
    return Shape(
        np.concatenate([p.vertices for p in parts]),
        faces,
        np.concatenate([p.materials for p in parts]),
        np.concatenate([p.param for p in parts]),
    )


def with_material(shape: Shape, material: int) -> Shape:
    """The same mesh with every face in one material slot."""
    return Shape(shape.vertices, shape.faces, np.full(len(shape.faces), material, dtype=np.int64), shape.param)


def spline(points: ArrayLike, count: int) -> F64:
    """[count, D]: a Catmull-Rom curve through ``points`` [P, D], ends included, evenly spread over the parameter."""
    p = np.asarray(points, dtype=np.float64)
    padded = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, len(p) - 1, count)
    i = np.minimum(t.astype(int), len(p) - 2)
    u = (t - i)[:, None]
    a, b, c, d = padded[i], padded[i + 1], padded[i + 2], padded[i + 3]
    return 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)


def _grid(points: F64, param: F64, wrap_columns: bool, wrap_rows: bool = False) -> Shape:
    """A quad mesh over a [rows, columns, 3] lattice of points."""
    rows, columns = points.shape[:2]
    faces = []
    for r in range(rows if wrap_rows else rows - 1):
        for c in range(columns if wrap_columns else columns - 1):
            r1, c1 = (r + 1) % rows, (c + 1) % columns
            faces.append((r * columns + c, r * columns + c1, r1 * columns + c1, r1 * columns + c))
    return Shape(points.reshape(-1, 3), faces, np.zeros(len(faces), dtype=np.int64), param.reshape(-1, 3))


def lathe(profile: ArrayLike, *, rows: int = 48, columns: int = 72, smooth: bool = True) -> Shape:
    """A surface of revolution about z. ``profile``: (radius, z) points, bottom to top. param: angle, row, radius."""
    curve = spline(profile, rows) if smooth else np.asarray(profile, dtype=np.float64)
    radius = np.maximum(curve[:, 0], 1e-4)
    angle = np.linspace(0, 2 * math.pi, columns, endpoint=False)
    points = np.stack(
        [
            radius[:, None] * np.cos(angle),
            radius[:, None] * np.sin(angle),
            np.broadcast_to(curve[:, 1:2], (len(curve), columns)),
        ],
        axis=-1,
    )
    row = np.linspace(0, 1, len(curve))[:, None]
    param = np.stack(np.broadcast_arrays(angle[None, :], row, radius[:, None]), axis=-1)
    return _grid(points, param, wrap_columns=True)


def tube(path: ArrayLike, radii: ArrayLike, *, rows: int = 40, columns: int = 16, flatten: float = 1.0) -> Shape:
    """A round tube along a smooth curve, closed at both ends. param: along (0..1), around (radians), 0.

    Args:
        path: [P, 3] points of the curve.
        radii: [R] radii, spread evenly along it.
        flatten: factor on the width across the curve's plane.
    """
    centre = spline(path, rows)
    radius = spline(np.asarray(radii, dtype=np.float64)[:, None], rows)[:, 0]
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.cross(tangent[0], [0.0, 1.0, 0.0])
    if np.linalg.norm(normal) < 0.1:
        normal = np.cross(tangent[0], [1.0, 0.0, 0.0])
    frames = []
    for direction in tangent:  # parallel transport: the frame never flips
        normal = normal - direction * (normal @ direction)
        normal = normal / np.linalg.norm(normal)
        frames.append((normal, np.cross(direction, normal) * flatten))
    side, up = (np.array(v) for v in zip(*frames, strict=True))
    around = np.linspace(0, 2 * math.pi, columns, endpoint=False)
    points = centre[:, None] + radius[:, None, None] * (
        np.cos(around)[None, :, None] * side[:, None] + np.sin(around)[None, :, None] * up[:, None]
    )
    along = np.linspace(0, 1, rows)[:, None]
    param = np.stack(np.broadcast_arrays(along, around[None, :], 0.0), axis=-1)
    shape = _grid(points, param, wrap_columns=True)
    caps = [tuple(reversed(range(columns))), tuple(range((rows - 1) * columns, rows * columns))]
    return Shape(shape.vertices, shape.faces + caps, np.zeros(len(shape.faces) + 2, dtype=np.int64), shape.param)


def ring(major: float, minor: float, offset: Callable[[F64], float], *, rows: int = 96, columns: int = 40) -> Shape:
    """A torus about z, its surface moved outwards by ``offset`` (of the unmoved point). param: the two angles."""
    u = np.linspace(0, 2 * math.pi, rows, endpoint=False)[:, None]
    v = np.linspace(0, 2 * math.pi, columns, endpoint=False)[None, :]
    normal = np.stack(np.broadcast_arrays(np.cos(u) * np.cos(v), np.sin(u) * np.cos(v), np.sin(v)), axis=-1)
    core = np.stack(np.broadcast_arrays(major * np.cos(u), major * np.sin(u), 0 * v), axis=-1)
    points = core + minor * normal
    points = points + normal * np.apply_along_axis(offset, 2, points)[..., None]
    param = np.stack(np.broadcast_arrays(u, v, 0.0), axis=-1)
    return _grid(points, param, wrap_columns=True, wrap_rows=True)


def ellipsoid(centre: ArrayLike, axes: F64, *, rows: int = 7, columns: int = 10) -> Shape:
    """An ellipsoid with half axes in the columns of ``axes`` [3, 3]."""
    theta = np.linspace(0.02, math.pi - 0.02, rows)[:, None]
    phi = np.linspace(0, 2 * math.pi, columns, endpoint=False)[None, :]
    unit = np.stack(np.broadcast_arrays(np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)), -1)
    return _grid(unit @ axes.T + np.asarray(centre, dtype=np.float64), unit, wrap_columns=True)


def leaf(path: ArrayLike, width: float, tint: float, *, rows: int = 14, columns: int = 7) -> Shape:
    """A pointed, slightly folded, thin closed blade along a curve. param: along (0..1), across (-1..1), ``tint``."""
    centre = spline(path, rows)
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.cross(tangent, [0.0, 0.0, 1.0])
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-6)
    up = np.cross(side, tangent)
    along = np.linspace(0, 1, rows)[:, None]
    across = np.linspace(-1, 1, columns)[None, :]
    half = width * np.sin(math.pi * along**0.75) ** 0.8 + 0.002
    blade = centre[:, None] + (half * across)[..., None] * side[:, None]
    blade = blade + (half * (np.abs(across) * 0.35))[..., None] * up[:, None]
    param = np.stack(np.broadcast_arrays(along, across, tint), axis=-1)
    # two faces a hair apart, so that the blade has an inside and both sides shade well
    shift = 0.003 * up[:, None]
    return joined([_grid(blade + shift, param, False), _grid((blade - shift)[:, ::-1], param[:, ::-1], False)])


def box(size: ArrayLike, bevel: float) -> Shape:
    """A box about the origin with chamfered edges. param: the point's position over the half size."""
    half = np.asarray(size, dtype=np.float64) / 2
    index: dict[tuple[tuple[int, int, int], int], int] = {}
    vertices = []
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    for corner in corners:
        for axis in range(3):  # the vertex on the face of this axis
            inner = half - bevel
            inner[axis] = half[axis]
            index[corner, axis] = len(vertices)
            vertices.append(np.array(corner) * inner)
    faces: list[tuple[int, ...]] = []

    def corner_of(axis: int, sign: int, a: int, b: int) -> tuple[int, int, int]:
        values = [0, 0, 0]
        values[axis], values[(axis + 1) % 3], values[(axis + 2) % 3] = sign, a, b
        return values[0], values[1], values[2]

    for axis in range(3):
        for sign in (-1, 1):
            loop = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
            loop = loop if sign > 0 else loop[::-1]
            faces.append(tuple(index[corner_of(axis, sign, a, b), axis] for a, b in loop))
    for corner in corners:
        face = tuple(index[corner, axis] for axis in range(3))
        faces.append(face if np.prod(corner) > 0 else face[::-1])
    for axis in range(3):  # edges along this axis
        first, second = (axis + 1) % 3, (axis + 2) % 3
        for a in (-1, 1):
            for b in (-1, 1):
                low, high = corner_of(axis, -1, a, b), corner_of(axis, 1, a, b)
                face = (index[low, first], index[high, first], index[high, second], index[low, second])
                faces.append(face if a * b < 0 else face[::-1])
    points = np.array(vertices)
    return Shape(points, faces, np.zeros(len(faces), dtype=np.int64), points / half)


def translation(x: float, y: float, z: float) -> F64:
    """[4, 4] translation."""
    matrix = np.eye(4)
    matrix[:3, 3] = (x, y, z)
    return matrix


def rotation(axis: str, degrees: float) -> F64:
    """[4, 4] rotation about a coordinate axis ("x", "y" or "z"), counter-clockwise seen from its tip."""
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.eye(4)
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
    return matrix
