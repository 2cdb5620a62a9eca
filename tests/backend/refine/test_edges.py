# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The band along the masks' edges."""

from __future__ import annotations

import numpy as np

from splatcut.refine.edges import near_edge


def test_the_band_goes_four_pixels_to_either_side() -> None:
    masks = np.zeros((2, 40, 60), np.float32)
    masks[0, 10:30, 20:50] = 1
    rows, columns = np.nonzero(near_edge(masks))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 33, 16, 53)
    assert not near_edge(masks)[14:26, 24:46].any()
    assert near_edge(masks)[10:14, 30].all()
    assert not near_edge(np.ones((1, 9, 9), np.float32)).any()  # the image's border is no edge
    masks[1] = 1 - masks[0]
    np.testing.assert_array_equal(near_edge(masks), near_edge(masks[:1]))
    masks[1] = 0
    masks[1, 35:] = 1  # any mask's edge counts
    assert near_edge(masks)[31:39, 5].all()
