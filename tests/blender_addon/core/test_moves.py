# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that were moved without their Gaussians: found, told apart, and followed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import odd_plys
import pytest
from blender_addon.core import layout, moves
from hypothesis import given
from hypothesis import strategies as st

from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import rotation_matrices
from splatcut.scene.transform import apply_transform


class Points:
    """Positions, and where they were before."""

    def __init__(self, old: np.ndarray, new: np.ndarray, origin: np.ndarray | int = 7) -> None:
        self.values = {
            layout.POSITION: np.asarray(new, np.float32),
            layout.RAW_POSITION: np.asarray(old, np.float32),
            layout.ORIGIN: np.broadcast_to(np.int32(origin), len(old)).astype(np.int32),
        }

    @property
    def count(self) -> int:
        return len(self.values[layout.POSITION])

    def types(self) -> Mapping[str, str]:
        return {layout.POSITION: "FLOAT_VECTOR", layout.RAW_POSITION: "FLOAT_VECTOR", layout.ORIGIN: "INT"}

    def get(self, name: str) -> np.ndarray | None:
        return self.values[name].copy() if name in self.values else None


def turned(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """In single precision, as Blender computes."""
    m = matrix.astype(np.float32)
    return points.astype(np.float32) @ m[:3, :3].T + m[:3, 3]


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """Of the quaternion (1, x, y, z)."""
    return rotation_matrices(np.array([[1.0, x, y, z]]))[0]


@st.composite
def similarities(draw: st.DrawFn) -> np.ndarray:
    matrix = np.eye(4)
    angle = st.floats(-3, 3)
    mirrored = np.diag(draw(st.sampled_from([(1, 1, 1), (1, -1, 1), (-1, -1, -1)])))
    matrix[:3, :3] = rotation(draw(angle), draw(angle), draw(angle)) @ mirrored * draw(st.floats(0.05, 20))
    matrix[:3, 3] = [draw(st.floats(-50, 50)) for _ in range(3)]
    return matrix


@given(similarities(), st.floats(0, 1000))
def test_one_move_of_all_points_is_found_and_followed(matrix: np.ndarray, offset: float) -> None:
    g = odd_plys.gaussians(60, degree=2)
    g.means[:] += np.float32(offset)
    new = turned(g.means, matrix)
    found = moves.find_moves(Points(g.means, new))
    if np.abs(new - g.means).max() == 0 or np.allclose(matrix[:3, :3], np.eye(3), atol=1e-3):
        return
    (move,) = found
    assert move.follows
    assert len(move.rows) == 60
    assert move.matrix is not None
    size = np.abs(matrix[:3, :3]).max()
    tolerance = 3e-6 * (1 + offset + 50 / size)
    np.testing.assert_allclose(move.matrix[:3, :3] / size, matrix[:3, :3] / size, atol=tolerance)
    followed = Gaussians(new, *(getattr(g, n).copy() for n in ("log_scales", "quats", "opacity_logits", "sh")))
    moves.follow(followed, found)
    wanted = apply_transform(g, matrix)
    np.testing.assert_allclose(followed.log_scales, wanted.log_scales, atol=4 * tolerance)
    np.testing.assert_allclose(followed.sh, wanted.sh, atol=40 * tolerance)
    np.testing.assert_array_equal(followed.means, new)


@pytest.mark.parametrize("axis", range(3))
def test_a_mirroring_is_followed_exactly(axis: int) -> None:
    g = odd_plys.gaussians(60, degree=3)
    flip = np.eye(4)
    flip[axis, axis] = -1
    found = moves.find_moves(Points(g.means, turned(g.means, flip)))
    assert found[0].matrix is not None
    np.testing.assert_array_equal(found[0].matrix[:3, :3], flip[:3, :3])
    wanted = apply_transform(g, flip)
    moves.follow(g, found)
    for name in ("log_scales", "quats", "sh"):
        np.testing.assert_array_equal(getattr(g, name), getattr(wanted, name))


def test_what_is_right_as_it_is() -> None:
    old = odd_plys.gaussians(60).means
    assert moves.find_moves(Points(old, old)) == ()
    assert moves.find_moves(Points(old, old + np.float32([1, 2, 3]))) == ()
    some = old.copy()
    some[10:20] += np.float32([0, 0, 5])  # in edit mode
    assert moves.find_moves(Points(old, some)) == ()
    some[40], some[41] = (1, 2, 3), (4, 5, 6)
    assert moves.find_moves(Points(old, some + np.float32([5, 6, 7]))) == ()
    far = old + np.float32([4e5, 5e6, 100])
    assert moves.find_moves(Points(far, far + np.float32([1, 2, 3]))) == ()
    # Nothing is known of these.
    assert moves.find_moves(Points(old, 2 * old, origin=0)) == ()
    unknown = Points(old, 2 * old)
    del unknown.values[layout.RAW_POSITION]
    assert moves.find_moves(unknown) == ()


def test_what_gaussians_cannot_follow() -> None:
    old = odd_plys.gaussians(60).means
    (stretched,) = moves.find_moves(Points(old, old * np.float32([1, 2, 1])))
    assert stretched.matrix is not None
    assert not stretched.follows
    assert "stretched or sheared" in moves.sentence("a", [stretched])
    rng = np.random.default_rng(5)
    (scattered,) = moves.find_moves(Points(old, old + rng.normal(0, 0.01, old.shape)))
    assert not scattered.is_wrong
    assert "60 Gaussians of 'a' were moved one by one" in moves.sentence("a", [scattered])
    assert moves.find_moves(Points(old, np.where(np.arange(60)[:, None] == 3, np.nan, old))) == ()


def test_a_world_offset_that_was_applied_is_no_translation() -> None:
    old = odd_plys.gaussians(60).means
    offset = np.array([448262.0, 5411932.0, 116.0])
    assert moves.find_moves(Points(old, old + np.float32([1, 2, 3])), offset) == ()
    (move,) = moves.find_moves(Points(old, (old + offset).astype(np.float32)), offset)
    assert move.is_wrong
    assert move.far
    assert not move.follows
    assert "Put Back" in moves.sentence("a", [move])
    positions, _ = moves.put_back(Points(old, (old + offset).astype(np.float32)))
    np.testing.assert_array_equal(positions, old)


def test_what_was_joined_is_told_apart() -> None:
    a, b = odd_plys.gaussians(60, seed=1).means, odd_plys.gaussians(50, seed=2).means
    quarter = np.eye(4)
    quarter[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    joined = Points(np.concatenate([a, b]), np.concatenate([a, turned(b, quarter)]), np.repeat([5, 9], [60, 50]))
    (move,) = moves.find_moves(joined)
    np.testing.assert_array_equal(move.rows, np.arange(60, 110))
    np.testing.assert_array_equal(move.matrix, quarter)
    # A part of one that was turned in edit mode.
    part = np.arange(60) % 3 == 0
    (move,) = moves.find_moves(Points(a, np.where(part[:, None], turned(a, quarter), a)))
    np.testing.assert_array_equal(move.rows, np.flatnonzero(part))
    assert move.follows


@pytest.mark.parametrize("shape", [(1, 1, 0), (1, 0, 0)])
@pytest.mark.parametrize("count", [2, 3, 60])
def test_flat_and_few_points(shape: tuple[int, int, int], count: int) -> None:
    old = (odd_plys.gaussians(count).means * np.float32(shape)).astype(np.float32)
    matrix = np.eye(4)
    matrix[:3, :3] = 2 * rotation(0.3, -0.8, 1.0)
    (move,) = moves.find_moves(Points(old, turned(old, matrix)))
    assert move.follows
    assert move.matrix is not None
    np.testing.assert_allclose(np.linalg.det(move.matrix[:3, :3]), 8, rtol=1e-4)
    assert moves.find_moves(Points(old[:1], turned(old[:1], matrix))) == ()


def test_put_back() -> None:
    old = odd_plys.gaussians(60).means
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.diag([1, 2, 1]), (1, 2, 3)
    positions, whole = moves.put_back(Points(old, turned(old, matrix)))
    np.testing.assert_array_equal(positions, old)
    assert whole is not None
    np.testing.assert_allclose(whole, matrix, atol=1e-6)
    mixed = Points(old, turned(old, matrix), np.repeat([0, 4], 30))
    positions, whole = moves.put_back(mixed)
    np.testing.assert_array_equal(positions[30:], old[30:])
    np.testing.assert_array_equal(positions[:30], turned(old, matrix)[:30])
    assert whole is None
