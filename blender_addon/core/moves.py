# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moved a splat object's points without their Gaussians.

Blender's Apply Transform, Join, edit mode and geometry nodes move points; rotations, scales and colours of the Gaussians
on them stay as they were. Each Gaussian therefore keeps where it was when all of it last agreed (``layout``: raw
position) and a number of what it came with (origin). Moves apart (a translation) are right as they are; where all moved
points of one origin follow one rotation, mirroring and scale, the rest of them can follow too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.scene.transform import apply_transform, decompose_similarity, split_mirror

from . import layout

_EPS = float(np.finfo(np.float32).eps)
#: Rows that a transform is fitted to; all are compared with it.
_SAMPLE = 20_000


@dataclass(frozen=True, eq=False)
class Move:
    """Points of one origin that were moved.

    Attributes:
        rows: [M] their numbers in the object.
        matrix: [4, 4] new_from_old of all of them; None where there is no such one.
        follows: whether Gaussians can follow it: a rotation or mirroring with one scale.
    """

    rows: NDArray[np.intp]
    matrix: NDArray[np.float64] | None
    follows: bool


def find_moves(source: layout.Source) -> tuple[Move, ...]:
    """The moves that the Gaussians did not follow; none where nothing is known of earlier places.

    Args:
        source: an object's attributes, of which positions, raw positions and origins are read.
    """
    raw, origin = source.get(layout.RAW_POSITION), source.get(layout.ORIGIN)
    if raw is None or origin is None or raw.shape != (source.count, 3) or origin.ndim != 1:
        return ()
    now = source.get(layout.POSITION)
    assert now is not None, "every geometry has positions"
    changed = (raw != now).any(axis=1) & (origin != 0)
    found = []
    for number in np.unique(origin[changed]):
        rows = np.flatnonzero(changed & (origin == number))
        move = _move(rows, raw[rows], now[rows])
        if move is not None:
            found.append(move)
    return tuple(found)


def sentence(name: str, moves: Sequence[Move]) -> str:
    """What has happened to an object, and what can be done."""
    count = sum(len(move.rows) for move in moves)
    what = "turned, mirrored or scaled"
    if any(move.matrix is None for move in moves):
        what = "moved one by one"
    elif not all(move.follows for move in moves):
        what = "stretched or sheared"
    text = f"{count:,} Gaussians of {name!r} were {what} without their rotations, scales and colours, as Blender's "
    text += "Apply Transform, Join, edit mode and geometry nodes do."
    if all(move.follows for move in moves):
        return f"{text} Repair Splats makes these follow."
    return f"{text} Gaussians cannot follow that; Repair Splats can put them back to where they were."


def follow(gaussians: Gaussians, moves: Sequence[Move]) -> None:
    """Has rotations, scales and colours follow the points, in place. Raises ``UserError`` where they cannot."""
    for move in moves:
        if move.matrix is None or not move.follows:
            raise UserError("Some Gaussians were moved in a way that they cannot follow.")
        part = gaussians.take(move.rows)
        moved = apply_transform(part, move.matrix)
        for name in ("log_scales", "quats", "sh"):
            getattr(gaussians, name)[move.rows] = getattr(moved, name)


def _move(rows: NDArray[np.intp], old: F32, new: F32) -> Move | None:
    """What moved these points, or None for a translation."""
    step = max(1, len(rows) // _SAMPLE)
    largest = float(max(np.abs(old).max(), np.abs(new).max()))
    if not np.isfinite(largest):
        return None
    extent = float(np.ptp(old[::step].astype(np.float64), axis=0).max())
    # Positions are rounded to single precision, some times over.
    noise = 16 * _EPS * largest
    matrix = _fit(old[::step].astype(np.float64), new[::step].astype(np.float64), noise, extent)
    moved = old.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    if float(np.abs(moved - new).max()) > 4 * noise:
        return Move(rows, None, follows=False)
    if np.array_equal(matrix[:3, :3], np.eye(3)):
        return None
    try:
        decompose_similarity(split_mirror(matrix)[1])
    except UserError:
        return Move(rows, matrix, follows=False)
    return Move(rows, matrix, follows=True)


def _fit(
    old: NDArray[np.float64], new: NDArray[np.float64], noise: float, extent: float
) -> NDArray[np.float64]:
    """[4, 4] the affine map nearest to the points; along what they do not span it changes as little as possible."""
    a, b = old.mean(axis=0), new.mean(axis=0)
    change = np.linalg.lstsq(old - a, (new - b) - (old - a), rcond=max(noise / max(extent, noise), 1e-12))[0]
    linear = np.eye(3) + change.T
    if np.linalg.matrix_rank(old - a, tol=noise * len(old) ** 0.5) < 3:
        linear = _rigid(old - a, new - b, linear, noise)
    # Quarter turns, mirrorings and no turn at all are meant exactly.
    simple = np.round(linear)
    if np.abs(linear - simple).max() <= 4 * noise / max(extent, noise) and np.abs(simple).max() <= 1:
        linear = simple
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, b - linear @ a
    return matrix


def _rigid(
    old: NDArray[np.float64], new: NDArray[np.float64], otherwise: NDArray[np.float64], noise: float
) -> NDArray[np.float64]:
    """The rotation with a scale that takes points of a plane, a line or one place to the new ones, if there is one."""
    size = float(np.sqrt((old**2).sum()))
    if size <= noise:
        return np.eye(3)
    u, _, vt = np.linalg.svd(new.T @ old)
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    linear = u @ vt * (float(np.sqrt((new**2).sum())) / size)
    return linear if np.abs(old @ linear.T - new).max() <= 4 * noise else otherwise


def put_back(source: layout.Source) -> tuple[F32, NDArray[np.float64] | None]:
    """Positions [N, 3] as they were before all moves; and the one move of all points, where there is such a one."""
    raw, origin, now = (source.get(name) for name in (layout.RAW_POSITION, layout.ORIGIN, layout.POSITION))
    assert raw is not None
    assert origin is not None
    assert now is not None
    known = origin != 0
    whole = _move(np.arange(len(now)), raw, now) if known.all() and len(np.unique(origin)) == 1 else None
    return np.where(known[:, None], raw, now).astype(np.float32), None if whole is None else whole.matrix


