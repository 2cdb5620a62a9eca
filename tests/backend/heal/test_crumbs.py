# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What would float in the air is told from what stands on something."""

from __future__ import annotations

import numpy as np

from splatcut.heal.crumbs import crumbs


def _grid(low: tuple[float, float, float], high: tuple[float, float, float], step: float) -> np.ndarray:
    axes = [np.arange(a, b + step / 2, step) for a, b in zip(low, high, strict=True)]
    return np.stack([part.ravel() for part in np.meshgrid(*axes)], axis=1)


def test_what_floats_beside_the_removed_is_a_crumb() -> None:
    table = _grid((-1, -1, 0), (1, 1, 0), 0.05)
    removed = _grid((-0.2, -0.2, 0.05), (0.2, 0.2, 0.5), 0.05)
    stem = _grid((0, 0, 0.52), (0, 0, 0.6), 0.02)  # left over on top of what goes
    coin = _grid((0.22, 0, 0.02), (0.26, 0.04, 0.02), 0.02)  # lies on the table beside it
    lamp = _grid((0.8, 0.8, 1.5), (0.85, 0.85, 1.5), 0.02)  # hangs in the air far away
    means = np.concatenate([table, stem, coin, lamp])
    distance = np.linalg.norm(means[:, None] - removed[None], axis=2).min(axis=1)
    found = crumbs(means, removed, distance < 0.1, 1.0)
    expected = np.zeros(len(means), bool)
    expected[len(table) : len(table) + len(stem)] = True
    np.testing.assert_array_equal(found, expected)


def test_what_is_large_is_no_crumb() -> None:
    removed = _grid((0, 0, 0), (0.2, 0.2, 0.2), 0.1)
    part = _grid((0, 0, 0.25), (0.2, 0.2, 0.25), 0.05)
    assert not crumbs(part, removed, np.ones(len(part), bool), 0.35).any()
    assert not crumbs(part, removed, np.zeros(len(part), bool), 0.35).any()
