# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What views know of their pixels' sizes."""

from __future__ import annotations

import numpy as np

from splatcut.scene.camera import Camera, View, pixel_sizes


def test_pixel_sizes_are_those_of_the_closest_view_that_sees_a_point() -> None:
    def view(z: float, focal: float) -> View:
        transform = np.eye(4)
        transform[2, 3] = -z
        return View(str(z), Camera(100, 80, focal, focal, 50.0, 40.0, transform))

    views = [view(0.0, 100.0), view(2.0, 100.0), view(0.0, 400.0)]
    points = np.array([[0, 0, 4.0], [0.9, 0, 4.0], [0, 0, 1.0], [50.0, 0, 4.0]], np.float32)
    # On the axis the third camera has 4 / 400, beside it the second (2 / 100, its image ends at x = 1 there), behind
    # the second the third; what no image holds takes the smallest of all.
    np.testing.assert_allclose(pixel_sizes(points, views), [0.01, 0.02, 0.0025, 0.01], rtol=1e-6)
    np.testing.assert_allclose(pixel_sizes(points, views[:1]), [0.04, 0.04, 0.01, 0.04], rtol=1e-6)
