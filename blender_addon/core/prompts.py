# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clicks and boxes as the .blend keeps them, and the engine's prompts made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.messages import InlineView, ObjectPrompt, Points3DPrompt, ViewPrompt, prompts_to_json
from splatcut.scene.camera import Camera

from . import cameras

#: Longer side of a prompted view in pixels. The 2D model sees no more, and drawing more takes the worker time.
LONGEST_SIDE = 1024
#: A box with a side of fewer pixels of the viewport is a click with a trembling hand.
SMALLEST_BOX = 4.0
#: Relative difference up to which two viewports are the same view (float32 in the .blend).
SAME_VIEW = 2e-5


@dataclass(frozen=True)
class PlacedView:
    """``SplatCutView``: a view that something was prompted in, in the file's frame.

    Attributes:
        name: the data set's name of it, or "" for a viewport, which only the prompts bring along.
    """

    uid: str
    camera: Camera
    name: str = ""


@dataclass(frozen=True)
class PlacedPrompt:
    """``SplatCutPrompt``: a point or a box.

    Attributes:
        kind: "POINT" or "BOX".
        view: uid of a ``PlacedView``, or "" for a point in space.
        positive: on the object. Boxes always are.
        pixels: POINT x, y (and two numbers that mean nothing), BOX x0, y0, x1, y1 in the view's pixels.
        position: the surface that was hit, file frame, or None where there was none.
    """

    uid: str
    kind: str
    view: str
    positive: bool
    pixels: tuple[float, float, float, float]
    position: tuple[float, float, float] | None


@dataclass(frozen=True)
class PlacedObject:
    """``SplatCutObject``: an object to cut out, with what was said about it."""

    uid: str
    name: str
    grow: float = 0.0
    prompts: tuple[PlacedPrompt, ...] = field(default=())

    @property
    def is_ready(self) -> bool:
        """Whether its prompts say where it is, not only where it is not."""
        return any(_is_usable(prompt) and prompt.positive for prompt in self.prompts)


def view_name(uid: str) -> str:
    """The name under which the engine knows a prompted view."""
    return f"viewport_{uid}"


def build_objects(
    objects: Sequence[PlacedObject], views: Iterable[PlacedView], offset: NDArray[np.float64] | None = None
) -> tuple[tuple[ObjectPrompt, ...], tuple[InlineView, ...]]:
    """The engine's prompts, and the views that they are in; ``offset`` [3] is the world offset that they do without.

    Objects that are not ready are left out. All prompts of an object in one view make one ``ViewPrompt``, in which the
    last box counts; points without a view make one ``Points3DPrompt``. Views come in the order in which the prompts
    use them.

    Raises:
        UserError: two names are one, or a prompt refers to a view that is not there.
    """
    known = {view.uid: view for view in views}
    result: list[ObjectPrompt] = []
    used: dict[str, PlacedView] = {}
    for item in objects:
        if not item.is_ready:
            continue
        grouped: dict[str, list[PlacedPrompt]] = {}
        for prompt in filter(_is_usable, item.prompts):
            grouped.setdefault(prompt.view, []).append(prompt)
        prompts: list[ViewPrompt | Points3DPrompt] = []
        for uid, members in grouped.items():
            if uid == "":
                prompts.append(Points3DPrompt(tuple((*_position(m, offset), int(m.positive)) for m in members)))
                continue
            if uid not in known:
                raise UserError(
                    f"A prompt of the object {item.name!r} belongs to a view that no longer exists. Clear the "
                    "object's prompts and click again."
                )
            view = known[uid]
            if not view.name:
                used[uid] = view
            points = tuple((m.pixels[0], m.pixels[1], int(m.positive)) for m in members if m.kind == "POINT")
            boxes = [m.pixels for m in members if m.kind == "BOX"]
            prompts.append(ViewPrompt(view.name or view_name(uid), points, boxes[-1] if boxes else None))
        result.append(ObjectPrompt(item.name, tuple(prompts), item.grow))
    inline = (cameras.to_inline(view_name(uid), view.camera, offset=offset) for uid, view in used.items())
    return tuple(result), tuple(inline)


def ready_uids(objects: Iterable[PlacedObject]) -> tuple[str, ...]:
    """Of the objects that ``build_objects`` returns, in its order: label k of a preview is the k-th of them."""
    return tuple(item.uid for item in objects if item.is_ready)


def fingerprint(objects: Sequence[PlacedObject], views: Iterable[PlacedView]) -> str:
    """Equal for prompts that lead to the same labels: names and colours do not matter, ``grow`` and order do."""
    renamed = [replace(item, name=f"object_{item.uid}") for item in objects]
    prompts, inline = build_objects(renamed, views)
    document: Any = [prompts_to_json(prompts), [[v.name, v.width, v.height, v.fx, v.fy, v.cx, v.cy,
                                                 v.camera_from_world] for v in inline]]  # fmt: skip
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def same_view(first: Camera, second: Camera) -> bool:
    """Whether two cameras show the same picture, but for what float32 cannot hold."""
    if (first.width, first.height) != (second.width, second.height):
        return False
    inner = np.array([(p.fx, p.fy, p.cx, p.cy) for p in (first, second)])
    if np.abs(inner[0] - inner[1]).max() > SAME_VIEW * max(first.width, first.height, *inner[0, :2]):
        return False
    difference = np.abs(first.camera_from_world - second.camera_from_world)
    distance = max(float(np.linalg.norm(first.camera_from_world[:3, 3])), 1e-6)
    return bool(difference[:3, :3].max() <= SAME_VIEW and difference[:3, 3].max() <= SAME_VIEW * distance)


def prompted_view(camera: Camera, x: float, y: float) -> tuple[Camera, float, float]:
    """The view that is kept for a click at pixels (x, y) of a viewport, and the click's pixels in it."""
    kept = cameras.limited(camera, LONGEST_SIDE)
    return kept, x * kept.width / camera.width, y * kept.height / camera.height


def box_pixels(camera: Camera, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float] | None:
    """The box between two corners in any order, cut off at the picture's edge; None where too little is left."""
    left, right = (min(max(v, 0.0), float(camera.width)) for v in (min(x0, x1), max(x0, x1)))
    top, bottom = (min(max(v, 0.0), float(camera.height)) for v in (min(y0, y1), max(y0, y1)))
    if right - left < SMALLEST_BOX or bottom - top < SMALLEST_BOX:
        return None
    return left, top, right, bottom


def box_corners(
    camera: Camera, pixels: Sequence[float], position: Sequence[float] | None, fallback_depth: float
) -> NDArray[np.float64]:
    """[4, 3] corners of a box in the file's frame, at the depth of ``position`` in its view: what is drawn of it."""
    depth = fallback_depth
    if position is not None:
        depth = float(camera.project([position])[1][0])
    x0, y0, x1, y1 = pixels
    return camera.unproject([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], [max(depth, 1e-6)] * 4)


def _is_usable(prompt: PlacedPrompt) -> bool:
    return prompt.view != "" or (prompt.kind == "POINT" and prompt.position is not None)


def _position(prompt: PlacedPrompt, offset: NDArray[np.float64] | None) -> tuple[float, float, float]:
    assert prompt.position is not None
    if offset is None or not offset.any():
        return prompt.position
    x, y, z = (np.array(prompt.position, np.float64) + offset).tolist()
    return x, y, z
