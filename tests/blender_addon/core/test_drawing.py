# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the viewport's shaders get."""

from __future__ import annotations

import numpy as np
import pytest
from blender_addon.core import drawing
from hypothesis import given
from hypothesis import strategies as st

from splatcut.scene.gaussians import MIP
from splatcut.scene.rotations import rotation_matrices
from splatcut.scene.sh import basis

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_covariances_are_packed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 50))
    positions, quats = rng.normal(size=(2, count, 4)).astype(np.float32)
    scales, opacity = np.exp(rng.normal(size=(count, 3))).astype(np.float32), rng.random(count, dtype=np.float32)
    packed = drawing.pack(positions[:, :3], scales, quats, opacity, 5)
    axes = rotation_matrices(quats) * scales[:, None, :] if count else np.zeros((0, 3, 3))
    expected = axes @ axes.transpose(0, 2, 1)
    found = packed[:, [4, 5, 6, 5, 7, 8, 6, 8, 9]].reshape(-1, 3, 3)
    size = expected.max(axis=(1, 2), initial=0)[:, None, None]
    assert (np.abs(found - expected) <= 1e-5 * size).all()
    assert np.array_equal(packed[:, :3], positions[:, :3])
    assert np.array_equal(packed[:, 3], opacity)
    assert (packed[:, 10] == 5).all()
    assert not packed[:, 11].any()
    mip = drawing.pack(positions[:, :3], scales, quats, opacity, 5, pixel_filter=MIP)
    assert (mip[:, 11] == np.float32(0.1)).all()


def test_no_rotation_at_all_stands_for_none() -> None:
    packed = drawing.pack(
        np.zeros((1, 3), np.float32), np.float32([[1, 2, 3]]), np.zeros((1, 4), np.float32), np.ones(1, np.float32), 0
    )
    np.testing.assert_allclose(packed[0, 4:10], [1, 0, 0, 4, 0, 9])


@given(SEEDS, st.integers(1, 7))
def test_several_objects_are_in_one_order_from_the_back(seed: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [rng.normal(size=(int(n), 3)).astype(np.float32) for n in rng.integers(0, 200, int(rng.integers(1, 5)))]
    rows = rng.normal(size=(len(parts), 4))
    rows[:, 3] = rng.uniform(-12, -6, len(parts))
    order = drawing.back_to_front(parts, rows, step)
    total = sum(len(part) for part in parts)
    assert sorted(order.tolist()) == list(range(0, total, step))
    depth = np.concatenate([part @ row[:3] + row[3] for part, row in zip(parts, rows, strict=True)])
    distance = -depth[order.astype(int)]
    ahead = distance > distance.max(initial=0) * 2.0**-12
    # Nearer and nearer, but for the rounding of the sort keys.
    assert (np.diff(np.log(distance[ahead])) < 3e-4).all()


def test_a_splat_far_away_does_not_coarsen_the_order() -> None:
    points = np.zeros((1001, 3), np.float32)
    points[:1000, 2] = -np.linspace(2, 3, 1000)
    points[1000, 2] = -5000
    order = drawing.back_to_front([points], [[0, 0, 1, 0]])
    assert order[0] == 1000
    assert np.array_equal(order[1:], np.arange(999, -1, -1))


def test_what_is_all_behind_or_empty_has_an_order() -> None:
    assert drawing.back_to_front([], np.zeros((0, 4))).size == 0
    behind = np.float32([[0, 0, 1], [0, 0, 2]])
    assert sorted(drawing.back_to_front([behind], [[0, 0, 1, 0]])) == [0, 1]


def test_tints_are_rows_of_the_palette_and_strengths() -> None:
    codes = drawing.tint_codes(np.array([0, 1, 2, 2, 9, -1]), np.array([1, 0.5, 1, 0, 1, 1]), first=3, colours=2)
    assert codes.tolist() == pytest.approx([0, 4.5, 5.999, 5, 0, 0])


def test_a_tint_takes_over_with_its_strength() -> None:
    colours = np.full((3, 3), 0.5)
    palette = np.array([[0, 0, 0, 0], [1, 0, 0, 1.0]])
    seen = drawing.tinted(colours, np.float32([0, 1.5, 1.999]), palette)
    assert seen[0].tolist() == [0.5, 0.5, 0.5]
    assert seen[2, 0] > seen[1, 0] > 0.5 > seen[1, 1] > seen[2, 1]


@given(st.floats(0, 1))
def test_display_colours_and_back(value: float) -> None:
    assert float(drawing.scene_linear(drawing.display_colour(value))) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_colours_are_seen_as_the_engine_has_them(degree: int) -> None:
    rng = np.random.default_rng(degree)
    count, terms = 70_000 if degree == 1 else 50, (degree + 1) ** 2 - 1
    base, positions = rng.random((count, 3), np.float32) - 0.2, rng.normal(size=(count, 3)).astype(np.float32)
    sh = 0.3 * rng.normal(size=(count, terms, 3)).astype(np.float32) if terms else None
    camera = np.array([0.4, -3.0, 1.0])
    values = basis(positions - camera, degree)[:, 1:]
    extra = np.einsum("nk,nkc->nc", values, sh) if sh is not None else 0
    expected = np.maximum(base + extra, 0)
    np.testing.assert_allclose(drawing.seen_colours(base, sh, positions, camera), expected, atol=2e-6)


def test_a_viewer_inside_a_splat_sees_a_colour() -> None:
    seen = drawing.seen_colours(
        np.ones((1, 3), np.float32), np.ones((1, 3, 3), np.float32), np.zeros((1, 3)), [0, 0, 0]
    )
    assert np.isfinite(seen).all()
