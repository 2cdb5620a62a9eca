# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled, coloured points on the demo scene's surfaces: where training starts, and what labels its Gaussians."""

from __future__ import annotations

from pathlib import Path

import capture
import numpy as np
from capture import Shot
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from model import Item

#: Points per item.
COUNTS = {
    "teapot": 26000,
    "bread": 20000,
    "plant": 34000,
    "pear": 10000,
    "book": 16000,
    "table": 26000,
    "backdrop": 9000,
}


def on_surface(item: Item, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions [count, 3] and unit normals [count, 3], uniform over the item's area, world frame."""
    shape = item.in_world()
    corners = shape.vertices[shape.triangles()]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1)
    pick = rng.choice(len(corners), size=count, p=area / area.sum())
    u, v = rng.uniform(size=(2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    chosen = corners[pick]
    points = chosen[:, 0] + u * (chosen[:, 1] - chosen[:, 0]) + v * (chosen[:, 2] - chosen[:, 0])
    return points, normal[pick] / np.maximum(area[pick], 1e-12)[:, None]


def _whole(items: list[Item]) -> BVHTree:
    vertices: list[list[float]] = []
    faces: list[tuple[int, ...]] = []
    for item in items:
        shape = item.in_world()
        faces += [tuple(i + len(vertices) for i in face) for face in shape.faces]
        vertices += shape.vertices.tolist()
    return BVHTree.FromPolygons(vertices, faces)


def sample(items: list[Item], shots: list[Shot], photos: dict[str, np.ndarray], path: Path) -> None:
    """Writes points.npz: points [N, 3] and normals [N, 3] float32, colours [N, 3] uint8 (median over the views that see
    the point; 0 where none does), labels [N] int32 (0 table and backdrop), seen [N] int32 (number of those views)."""
    rng = np.random.default_rng(3)
    tree = _whole(items)
    points, normals, labels = [], [], []
    for item in items:
        position, normal = on_surface(item, COUNTS[item.name], rng)
        points.append(position)
        normals.append(normal)
        labels.append(np.full(len(position), item.label, dtype=np.int32))
    point, normal, label = np.concatenate(points), np.concatenate(normals), np.concatenate(labels)

    colours = np.full((len(shots), len(point), 3), np.nan, dtype=np.float32)
    for index, shot in enumerate(shots):
        centre = shot.world_from_camera[:3, 3]
        local = (point - centre) @ shot.world_from_camera[:3, :3]
        x = np.floor(capture.FOCAL * local[:, 0] / local[:, 2] + capture.WIDTH / 2).astype(int)
        y = np.floor(capture.FOCAL * local[:, 1] / local[:, 2] + capture.HEIGHT / 2).astype(int)
        inside = (local[:, 2] > 0) & (x >= 0) & (x < capture.WIDTH) & (y >= 0) & (y < capture.HEIGHT)
        eye = Vector(centre.tolist())
        for i in np.flatnonzero(inside):
            ray = Vector((point[i] - centre).tolist())
            distance = ray.length
            hit = tree.ray_cast(eye, ray, distance - 0.006)
            if hit[0] is None:
                colours[index, i] = photos[shot.name][y[i], x[i]]
    seen = np.isfinite(colours[:, :, 0]).sum(axis=0)
    median = np.zeros((len(point), 3), dtype=np.float32)
    median[seen > 0] = np.nanmedian(colours[:, seen > 0], axis=0)
    np.savez_compressed(
        path,
        points=point.astype(np.float32),
        normals=normal.astype(np.float32),
        colours=np.clip(np.rint(median), 0, 255).astype(np.uint8),
        labels=label,
        seen=seen.astype(np.int32),
    )
