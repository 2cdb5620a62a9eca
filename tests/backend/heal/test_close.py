# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""An object's unseen sides closed: a box without a bottom on a table."""

from __future__ import annotations

import numpy as np

from splatcut.cameras.virtual import look_at
from splatcut.heal import close
from splatcut.heal.fill import discs
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import CLASSIC, Gaussians, concatenate

SIDE, STEP = 1.0, 0.05


def _sheet(origin: tuple[float, float, float], u: np.ndarray, v: np.ndarray, shade: float) -> Gaussians:
    """A square sheet of flat Gaussians over a grid, spanned by two vectors."""
    n, m = (round(float(np.linalg.norm(side)) / STEP) for side in (u, v))
    a, b = (part.ravel() for part in np.meshgrid((np.arange(n) + 0.5) / n, (np.arange(m) + 0.5) / m))
    means = np.array(origin) + a[:, None] * u + b[:, None] * v
    axes = np.stack([u / np.linalg.norm(u), v / np.linalg.norm(v)], axis=1)
    axes = np.concatenate([axes, np.cross(axes[:, 0], axes[:, 1])[:, None]], axis=1)
    colours = np.full((len(means), 3), shade, np.float32)
    return discs(
        means, np.broadcast_to(axes, (len(means), 3, 3)), np.full(len(means), STEP), colours, 0, CLASSIC
    ).gaussians


def _scene() -> tuple[Gaussians, np.ndarray, list[Camera]]:
    x, y, z = np.eye(3)
    table = _sheet((-2.0, -2.0, 0.0), 4 * x, 4 * y, 0.4)
    walls = [
        _sheet((-0.5, -0.5, 0.0), SIDE * x, SIDE * z, 0.8),
        _sheet((-0.5, 0.5, 0.0), SIDE * x, SIDE * z, 0.8),
        _sheet((-0.5, -0.5, 0.0), SIDE * y, SIDE * z, 0.8),
        _sheet((0.5, -0.5, 0.0), SIDE * y, SIDE * z, 0.8),
        _sheet((-0.5, -0.5, SIDE), SIDE * x, SIDE * y, 0.8),
    ]
    scene = concatenate([table, *walls])
    under = (np.abs(table.means[:, :2]) < 0.5).all(axis=1)  # the table under the box was never seen
    keep = np.concatenate([~under, np.ones(len(scene) - len(table), bool)])
    body = (np.arange(len(scene)) >= len(table))[keep]
    cameras = []
    for angle in np.arange(12) * np.pi / 6:
        eye = np.array([4 * np.cos(angle), 4 * np.sin(angle), 2.5])
        cameras.append(Camera(160, 120, 150, 150, 80, 60, look_at(eye, np.zeros(3), (0.0, 0.0, 1.0))))
    return scene.take(keep), body, cameras


def test_the_bottom_of_a_box_is_closed() -> None:
    scene, body, cameras = _scene()
    made = close(scene, body, cameras, Quiet())
    assert len(made) > 100
    assert np.abs(made.means[:, 2]).max() < 2 * STEP  # on the table's plane
    assert np.abs(made.means[:, :2]).max() < 0.5 + 2 * STEP  # within the box
    reached = np.zeros((8, 8), bool)
    cells = np.floor((made.means[:, :2] + 0.4) / 0.1).astype(int)
    inside = ((cells >= 0) & (cells < 8)).all(axis=1)
    reached[tuple(cells[inside].T)] = True
    assert reached.all()  # everywhere under it
    np.testing.assert_allclose(made.base_colours().mean(), 0.8, atol=0.05)


def test_nothing_is_closed_where_there_is_no_plane_or_no_view() -> None:
    scene, body, cameras = _scene()
    assert len(close(scene, body, [], Quiet())) == 0
    alone = scene.take(body)
    assert len(close(alone, np.ones(len(alone), bool), cameras, Quiet())) == 0
