# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moved a splat object's points without their Gaussians.

Blender's Apply Transform, Join, edit mode and geometry nodes move points; rotations, scales and colours of their
Gaussians stay as they were. Each Gaussian therefore keeps where it was when all of it last agreed (``layout``: raw
position) and a number of what it came with (origin). A translation is right as it is; where all moved points of one
origin follow one rotation, mirroring and scale, the rest of the Gaussian can follow too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.errors import UserError
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.scene.transform import apply_transform, decompose_similarity, split_mirror

from . import layout

_EPS = float(np.finfo(np.float32).eps)
#: Rows that a transform is fitted to; all are compared with it.
_SAMPLE = 20_000
#: Of so many points one can tell whether one transform has moved them.
_FEWEST = 5


@dataclass(frozen=True, eq=False)
class Move:
    """Points of one origin that were moved.

    Attributes:
        rows: [M] their numbers in the object.
        matrix: [4, 4] new_from_old of all of them; None where there is no such one: they were moved one by one.
        follows: whether Gaussians can follow it: a rotation or mirroring with one scale.
        far: they were moved out to where the world offset is, which their object has besides.
    """

    rows: NDArray[np.intp]
    matrix: NDArray[np.float64] | None
    follows: bool
    far: bool = False

    @property
    def is_wrong(self) -> bool:
        """Whether the Gaussians certainly do not fit their places. Moved one by one, they may."""
        return self.matrix is not None


def find_moves(source: layout.Source, offset: ArrayLike = (0, 0, 0)) -> tuple[Move, ...]:
    """The moves that the Gaussians did not follow; none where nothing is known of earlier places.

    Args:
        source: an object's attributes, of which positions, raw positions and origins are read.
        offset: [3] its world offset.
    """
    raw: Any = source.get(layout.RAW_POSITION)
    origin = source.get(layout.ORIGIN)
    if raw is None or origin is None or raw.shape != (source.count, 3) or origin.ndim != 1:
        return ()
    now: Any = source.get(layout.POSITION)
    assert now is not None, "every geometry has positions"
    changed = (raw != now).any(axis=1) & (origin != 0)
    found = []
    for number in np.unique(origin[changed]):
        rows = np.flatnonzero(changed & (origin == number))
        old, new = raw[rows], now[rows]
        shift = np.median(new, axis=0) - np.median(old, axis=0)
        if np.linalg.norm(shift) > 0.5 * np.linalg.norm(offset) > 0:
            matrix = np.eye(4)
            matrix[:3, 3] = shift
            found.append(Move(rows, matrix, follows=False, far=True))
            continue
        move = _move(rows, old, new)
        if move is not None:
            found.append(move)
    return tuple(found)


def sentence(name: str, found: Sequence[Move]) -> str:
    """What has happened to an object, and what can be done; of moves that are wrong, or else of the others."""
    wrong = [move for move in found if move.is_wrong]
    count = sum(len(move.rows) for move in wrong or found)
    which = f"{count:,} Gaussians of {name!r} were"
    if not wrong:
        return f"{which} moved one by one; their rotations, scales and colours stayed as they were."
    if any(move.far for move in wrong):
        return (
            f"{which} moved to coordinates so large that their positions are rounded, and export would add the file's "
            "world offset a second time. Blender's Apply Transform does this. Repair Splats (Put Back) puts them back "
            "exactly."
        )
    follows = all(move.follows for move in wrong)
    what = "rotated, mirrored or scaled" if follows else "stretched or sheared"
    text = (
        f"{which} {what}, but their own rotations, scales and colours did not follow: Blender's Apply Transform, Join, "
        "edit mode and geometry nodes move only the centres. "
    )
    if follows:
        return f"{text}Repair Splats makes the rest follow."
    return f"{text}Gaussians cannot follow this; Repair Splats can put them back where they were."


def follow(gaussians: Gaussians, found: Sequence[Move]) -> None:
    """Has rotations, scales and colours follow the points, in place. Raises ``UserError`` where they cannot."""
    for move in found:
        if move.matrix is None:
            continue
        if not move.follows:
            raise UserError(
                "Some Gaussians were stretched or sheared, which they cannot follow. Repair Splats (Put Back) puts "
                "them back where they were."
            )
        moved = apply_transform(gaussians.take(move.rows), move.matrix)
        for name in ("log_scales", "quats", "sh"):
            getattr(gaussians, name)[move.rows] = getattr(moved, name)


def put_back(source: layout.Source) -> tuple[F32, NDArray[np.float64] | None]:
    """Positions [N, 3] as they were before all moves; and the move of all points, [4, 4], where there is one of all."""
    values: Any = [source.get(name) for name in (layout.RAW_POSITION, layout.ORIGIN, layout.POSITION)]
    raw, origin, now = values
    whole = _affine(raw, now) if len(now) and origin[0] != 0 and (origin == origin[0]).all() else None
    return np.where(origin[:, None] != 0, raw, now).astype(np.float32), whole


def _move(rows: NDArray[np.intp], old: F32, new: F32) -> Move | None:
    """What moved these points, or None for translations."""
    matrix = _affine(old, new)
    if matrix is None:
        # Parts may have been moved apart, in edit mode, and single points.
        alone = _moved_alone(old, new)
        if len(alone) < _FEWEST:
            return None
        rows = rows[alone]
        matrix = _affine(old[alone], new[alone])
    if matrix is None:
        return Move(rows, None, follows=False)
    if np.array_equal(matrix[:3, :3], np.eye(3)):
        return None
    try:
        decompose_similarity(split_mirror(matrix)[1])
    except UserError:
        return Move(rows, matrix, follows=False)
    return Move(rows, matrix, follows=True)


def _moved_alone(old: F32, new: F32) -> NDArray[np.intp]:
    """Numbers of the points that share their displacement with no other."""
    with np.errstate(invalid="ignore"):
        steps = np.round((new.astype(np.float64) - old) / (8 * _noise(old, new)))
    _, inverse, counts = np.unique(steps, axis=0, return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[inverse.reshape(-1)] == 1)


def _noise(old: F32, new: F32) -> float:
    """What rounding to single precision, some times over, does to positions."""
    largest = max((np.abs(p[np.isfinite(p)]).max(initial=0.0) for p in (old, new)), default=0.0)
    return 16 * _EPS * max(float(largest), 1e-30)


def _affine(old: F32, new: F32) -> NDArray[np.float64] | None:
    """[4, 4] the one affine map that takes all points [N, 3] to the new ones, or None."""
    if not (np.isfinite(old).all() and np.isfinite(new).all()):
        return None
    some = slice(None, None, max(1, len(old) // _SAMPLE))
    noise = _noise(old, new)
    matrix = _fit(old[some].astype(np.float64), new[some].astype(np.float64), noise)
    moved = old.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return matrix if float(np.abs(moved - new).max()) <= 4 * noise else None


def _fit(old: NDArray[np.float64], new: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """[4, 4] the affine map nearest to the points; along what they do not span it changes as little as possible."""
    a, b = old.mean(axis=0), new.mean(axis=0)
    old, new = old - a, new - b
    spread = np.linalg.svd(old, compute_uv=False)
    known = spread > noise * len(old) ** 0.5
    linear = np.eye(3)
    if known.any():
        share = noise * len(old) ** 0.5 / spread[0]
        linear += np.linalg.lstsq(old, new - old, rcond=max(share, 1e-12))[0].T
        if not known.all() or len(spread) < 3:
            linear = _rigid(old, new, linear, noise)
        # Quarter turns, mirrorings and no turn at all are meant exactly.
        simple = np.round(linear)
        if np.abs(linear - simple).max() * spread[known].min() <= noise * len(old) ** 0.5 and np.abs(simple).max() <= 1:
            linear = simple
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, b - linear @ a
    return matrix


def _rigid(
    old: NDArray[np.float64], new: NDArray[np.float64], otherwise: NDArray[np.float64], noise: float
) -> NDArray[np.float64]:
    """The rotation with a scale that takes points of a plane, a line or one place to the new ones, if there is one."""
    size = float(np.sqrt((old**2).sum()))
    u, _, vt = np.linalg.svd(new.T @ old)
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    linear = u @ vt * (float(np.sqrt((new**2).sum())) / size)
    return linear if np.abs(old @ linear.T - new).max() <= 4 * noise else otherwise
