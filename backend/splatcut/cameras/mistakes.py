# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Mistakes that are made with cameras and scenes: each as what undoes it, with a sentence on it and one on what to do.

Whoever can measure how well cameras fit, against photos or against masks, tries them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut.scene.camera import Camera, View
from splatcut.scene.rotations import quarter_turns

#: Turns OpenGL's camera axes into OpenCV's, and back.
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Mistake:
    """A mistake.

    Attributes:
        cause: a full sentence on what is wrong; remedy: one on what to do.
        undo: the camera as it would be without the mistake.
        scale: how many times as large the scene is as the cameras have it.
    """

    cause: str
    remedy: str
    undo: Callable[[Camera], Camera]
    scale: float = 1.0

    def undone(self, views: Sequence[View]) -> list[View]:
        """The views with cameras as they would be without it."""
        return [replace(view, camera=self.undo(view.camera)) for view in views]


def wrong_poses() -> Iterator[Mistake]:
    """Poses that are inverted, have other camera axes, or both."""

    def posed(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[[Camera], Camera]:
        return lambda camera: replace(camera, camera_from_world=change(camera.camera_from_world))

    yield Mistake(
        "The poses are inverted: they map the camera to the world where the opposite is expected, or vice versa.",
        "Invert each pose.",
        posed(_inverse),
    )
    remedy = "Convert the cameras from OpenGL's axes to OpenCV's, or the other way round."
    yield Mistake(
        "The cameras have different axes: y and z point the other way.", remedy, posed(lambda pose: _FLIP @ pose)
    )
    yield Mistake(
        "The cameras have different axes: y and z point the other way, and the poses are inverted.",
        remedy,
        posed(lambda pose: _FLIP @ _inverse(pose)),
    )


def turned_worlds() -> Iterator[Mistake]:
    """Scenes that are turned by quarter turns."""
    for turn in quarter_turns()[1:]:
        remedy = "Turn it back, or use the scene as it was trained."
        if np.array_equal(turn, _FLIP[:3, :3]):
            remedy += " If it is an .spz, --spz-axes rub or rdf decides its axes."
        cause = "The scene is turned against the cameras by quarter turns, as a file with a different up axis is."
        yield Mistake(cause, remedy, _seen_from(turn))


def mirrored_worlds() -> Iterator[Mistake]:
    """Mirrored scenes, turned by quarter turns or not."""
    for turn in quarter_turns(mirrored=True):
        yield Mistake(
            "The scene is mirrored against the cameras, as a file with axes of the other handedness is.",
            "Mirror it back, or use the scene as it was trained.",
            _seen_from(turn),
        )


def _seen_from(turn: NDArray[np.float64]) -> Callable[[Camera], Camera]:
    """The camera before a turn [3, 3] of the world."""
    whole = np.eye(4)
    whole[:3, :3] = turn
    return lambda camera: replace(camera, camera_from_world=camera.camera_from_world @ whole)


def scaled_world(scale: float) -> Mistake:
    """A scene that is ``scale`` times as large as the cameras have it."""

    def larger(camera: Camera) -> Camera:
        pose = camera.camera_from_world.copy()
        pose[:3, 3] *= scale
        # The near plane may be right as it is.
        return replace(camera, camera_from_world=pose, near=camera.near * min(scale, 1.0))

    return Mistake(
        f"The scene has another scale: it is about {scale:.2g} times as large as the cameras have it.",
        "Scale it back, or use the cameras that the scene was trained with.",
        larger,
        scale,
    )


def _inverse(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(pose), np.float64)
