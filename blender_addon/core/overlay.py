# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where prompts stand on the screen, and which one is under the mouse.

Pixels here are Blender's region pixels: x to the right, y up, origin at the bottom left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.errors import UserError
from splatcut.scene.camera import Camera

from .cameras import Viewport, limited
from .prompts import LONGEST_SIDE, PlacedObject, PlacedPrompt, PlacedView, box_corners, same_view

#: Radius of a point on the screen, and how far from its drawing a prompt is still hit, in pixels at scale 1.
RADIUS = 8.0
REACH = 4.0
#: Nothing nearer to the eye than this is drawn (clip coordinates' w).
_NEAR_W = 1e-5


@dataclass(frozen=True, eq=False)
class Mark:
    """A prompt as it is drawn.

    Attributes:
        uid: of the prompt; object_uid: of its object.
        kind: "POINT" or "BOX"; positive: on the object.
        centre: POINT: [2] px.
        lines: BOX: [L, 2, 2] px, the ends of each line that is in front of the viewer.
    """

    uid: str
    object_uid: str
    kind: str
    positive: bool
    centre: NDArray[np.float64] | None = None
    lines: NDArray[np.float64] | None = None

    def distance(self, x: float, y: float, scale: float = 1.0) -> float:
        """Pixels from (x, y) to the point's disc or to the box's nearest line, 0 within."""
        mouse = np.array([x, y])
        if self.centre is not None:
            return max(float(np.linalg.norm(self.centre - mouse)) - RADIUS * scale, 0.0)
        if self.lines is None or not len(self.lines):
            return float("inf")
        start, along = self.lines[:, 0], self.lines[:, 1] - self.lines[:, 0]
        length = np.maximum((along**2).sum(axis=1), 1e-12)
        share = np.clip(((mouse - start) * along).sum(axis=1) / length, 0, 1)
        return float(np.linalg.norm(start + share[:, None] * along - mouse, axis=1).min())


def marks(objects: Sequence[PlacedObject], views: Iterable[PlacedView], viewport: Viewport) -> list[Mark]:
    """All prompts that this viewport shows.

    Points stand where their surface is, boxes at the depth of what they hold. A point that hit no surface (it says
    what is background) is shown only in the view it was made in.
    """
    cameras = {view.uid: view.camera for view in views}
    own = _prompted_camera(viewport)
    result = []
    for item in objects:
        for prompt in item.prompts:
            mark = _mark(item.uid, prompt, cameras.get(prompt.view), viewport, own)
            if mark is not None:
                result.append(mark)
    return result


def hit(found: Sequence[Mark], x: float, y: float, scale: float = 1.0) -> str:
    """The uid of the prompt at (x, y), points before boxes and later ones before earlier ones; "" for none."""
    best, chosen = REACH * scale, ""
    for kind in ("POINT", "BOX"):
        for mark in reversed(found):
            distance = mark.distance(x, y, scale)
            if mark.kind == kind and distance < best:
                best, chosen = distance, mark.uid
        if chosen:
            break
    return chosen


def screen_points(viewport: Viewport, points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Pixels [N, 2] of points [N, 3] in the file's frame, and which of them are in front of the viewer [N]."""
    clip = _clip(viewport, points)
    front = clip[:, 3] > _NEAR_W
    return _pixels(viewport, np.where(front[:, None], clip, 1.0)), front


def screen_lines(viewport: Viewport, segments: ArrayLike) -> NDArray[np.float64]:
    """[L, 2, 2] pixels of segments [N, 2, 3] in the file's frame, cut off where they pass the viewer."""
    ends = np.asarray(segments, dtype=np.float64)
    clip = _clip(viewport, ends.reshape(-1, 3)).reshape(-1, 2, 4)
    w = clip[:, :, 3] - _NEAR_W
    clip = clip[(w > 0).any(axis=1)]
    for pair in clip:
        for near, far in ((0, 1), (1, 0)):
            if pair[near, 3] <= _NEAR_W:
                share = (pair[far, 3] - 2 * _NEAR_W) / (pair[far, 3] - pair[near, 3])
                pair[near] = pair[far] + share * (pair[near] - pair[far])
    return _pixels(viewport, clip.reshape(-1, 4)).reshape(-1, 2, 2)


def _mark(
    owner: str, prompt: PlacedPrompt, camera: Camera | None, viewport: Viewport, own: Camera | None
) -> Mark | None:
    here = camera is not None and own is not None and same_view(camera, own)
    if prompt.kind == "BOX":
        if camera is None:
            return None
        corners = box_corners(camera, prompt.pixels, prompt.position, 1.0)
        if prompt.position is None and not here:
            return None
        lines = screen_lines(viewport, np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))
        return Mark(prompt.uid, owner, "BOX", True, lines=lines) if len(lines) else None
    if prompt.position is not None:
        pixels, front = screen_points(viewport, [prompt.position])
        return Mark(prompt.uid, owner, "POINT", prompt.positive, centre=pixels[0]) if front[0] else None
    if not here or camera is None:
        return None
    x = prompt.pixels[0] * viewport.width / camera.width
    y = viewport.height - prompt.pixels[1] * viewport.height / camera.height
    return Mark(prompt.uid, owner, "POINT", prompt.positive, centre=np.array([x, y]))


def _prompted_camera(viewport: Viewport) -> Camera | None:
    """The camera that a prompted view of this viewport would have, or None where there can be none."""
    try:
        camera = viewport.camera()
    except UserError:
        return None
    return None if camera is None else limited(camera, LONGEST_SIDE)


def _clip(viewport: Viewport, points: ArrayLike) -> NDArray[np.float64]:
    p = np.asarray(points, dtype=np.float64)
    matrix = viewport.window_matrix @ viewport.view_matrix @ viewport.matrix_world
    return p @ matrix[:, :3].T + matrix[:, 3]


def _pixels(viewport: Viewport, clip: NDArray[np.float64]) -> NDArray[np.float64]:
    ndc = clip[:, :2] / clip[:, 3:]
    return (ndc + 1) / 2 * (viewport.width, viewport.height)
