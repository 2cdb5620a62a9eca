# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rotations as matrices."""

from __future__ import annotations

import numpy as np

from splatcut.scene.rotations import quarter_turns


def test_quarter_turns_map_axes_to_axes() -> None:
    turns = quarter_turns()
    np.testing.assert_array_equal(turns[0], np.eye(3))
    for found, sign in ((turns, 1), (quarter_turns(mirrored=True), -1)):
        assert len({turn.tobytes() for turn in found + np.zeros((24, 3, 3))}) == 24
        assert [round(np.linalg.det(turn)) for turn in found] == [sign] * 24
        for turn in found:
            np.testing.assert_array_equal(turn @ turn.T, np.eye(3))
