# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the user said about the objects, brought to working pixels and checked (method: masks).

Scribbles are image files of the photo's size: strokes in white, green or any bright colour lie on the object, strokes
in red or mid grey do not, black (or transparent) is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from splatcut import raster
from splatcut.cameras.photos import fit_to_photo
from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.images import open_image
from splatcut.mask_files import MaskFile, mask_values
from splatcut.messages import MaskPrompt, ObjectPrompt, Points3DPrompt, ScribblePrompt, ViewPrompt
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import F32, Gaussians

#: Points taken from the strokes of one kind.
STROKE_POINTS = 8
#: A point in space counts as visible where it lies at most this share of its depth behind what is drawn.
DEPTH_SLACK = 0.05
#: Longer side, in pixels, of the renders that tell whether a point in space is visible.
PROBE_SIDE = 256
#: Views looked at for points in space, unless none of them shows any.
VIEWS_TRIED = 12


@dataclass(frozen=True, eq=False)
class PixelPrompt:
    """What was said about one object in one view, in working pixels.

    Attributes:
        points: [P, 2] float32; labels: [P] int32, 1 on the object, 0 not.
        box: [4] float32 or None.
        mask: [h, w] uint8, 255 on the object, or None; a mask settles the view.
    """

    points: F32
    labels: NDArray[np.int32]
    box: F32 | None = None
    mask: NDArray[np.uint8] | None = None

    @property
    def locates(self) -> bool:
        """Whether a mask can be made of it; points that are not on the object only correct what the vote says."""
        return self.mask is not None or self.box is not None or bool((self.labels == 1).any())

    def on_object(self) -> NDArray[np.float64]:
        """[P, 2] pixels that lie, or (in a box) may lie, on the object."""
        pixels = [self.points[self.labels == 1].astype(np.float64)]
        if self.mask is not None:
            pixels.append(_spread(np.argwhere(self.mask > 127), STROKE_POINTS).astype(np.float64))
        if self.box is not None:
            x0, y0, x1, y1 = self.box.astype(np.float64)
            # The inner third of the box: its border is mostly beside the object.
            x, y = np.meshgrid(
                np.linspace(2 * x0 + x1, x0 + 2 * x1, 5) / 3, np.linspace(2 * y0 + y1, y0 + 2 * y1, 5) / 3
            )
            pixels.append(np.stack([x.ravel(), y.ravel()], axis=1))
        return np.concatenate(pixels)


def read_mask(file: Path | MaskFile, view: WorkingView, what: str) -> NDArray[np.uint8]:
    """A ready mask [h, w] uint8 in working pixels; bright is the object.

    Raises ``UserError`` when it cannot be read (``mask_values``) or does not fit the photo (``fit_to_photo``).
    """
    path = file.path if isinstance(file, MaskFile) else file
    return view.mask(_fitting(mask_values(file, what), view.source, what, path))


def _fitting(image: NDArray[np.uint8], view: View, what: str, file: Path, *, smooth: bool = True) -> NDArray[np.uint8]:
    """An image file's pixels, made of a view's photo, at the photo's size."""
    fitting = fit_to_photo(image, view, smooth=smooth)
    if fitting is None:
        width, height = view.photo_size
        photo = f"its photo {view.photo.name}" if view.photo is not None else "its camera"
        raise UserError(
            f"{what}, {file}, has {image.shape[1]} x {image.shape[0]} pixels, which does not fit view {view.name!r}: "
            f"{photo} has {width} x {height}. It must have that size, or at least that aspect ratio."
        )
    return fitting


def _spread(places: NDArray[np.intp], count: int) -> F32:
    """Up to ``count`` of the places [M, 2] (row, column), far from each other, as pixel centres (x, y)."""
    if len(places) == 0:
        return np.empty((0, 2), np.float32)
    some = places[:: max(1, len(places) // 2000)].astype(np.float64)
    chosen = [int(cdist(some.mean(axis=0)[None], some).argmin())]
    distance = cdist(some[chosen], some)[0]
    while len(chosen) < count and distance.max() > 3.0:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, cdist(some[chosen[-1:]], some)[0])
    return (some[chosen][:, ::-1] + 0.5).astype(np.float32)


def read_scribble(file: Path, view: WorkingView, what: str) -> PixelPrompt:
    """Points of a scribble's strokes (colours: see the module)."""
    with open_image(file, what) as image:
        pixels = np.asarray(image.convert("RGBA"))
    rgba = _fitting(pixels, view.source, what, file, smooth=False).astype(np.int32)
    drawn = (rgba[..., 3] > 127) & (rgba[..., :3].max(axis=2) > 63)
    grey = np.ptp(rgba[..., :3], axis=2) < 40
    red = (rgba[..., 0] > 127) & (rgba[..., 1] < 100) & (rgba[..., 2] < 100)
    against = drawn & (red | (grey & (rgba[..., 0] < 192)))
    positive = _spread(np.argwhere(drawn & ~against), STROKE_POINTS)
    negative = _spread(np.argwhere(against), STROKE_POINTS)
    if len(positive) == 0:
        raise UserError(f"{what}, {file}, has no bright strokes. Paint the object in white or green on black.")
    points = view.points(np.concatenate([positive, negative]))
    labels = np.repeat(np.array([1, 0], np.int32), [len(positive), len(negative)])
    keep = np.isfinite(points).all(axis=1)
    return PixelPrompt(points[keep].astype(np.float32), labels[keep])


def _view(views: Mapping[str, WorkingView], name: str, who: str) -> WorkingView:
    if name in views:
        return views[name]
    names = sorted(views)
    listed = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    raise UserError(
        f"{who} is prompted in view {name!r}, which does not exist or is held out. The views are: {listed}."
    )


def _in_view(prompt: ViewPrompt, view: WorkingView, who: str) -> PixelPrompt:
    width, height = view.source.photo_size
    photo = f"{view.name!r}, which has {width} x {height} pixels. Prompts are in pixels of the photo."
    margin = "lies in the margin that is cut off when the lens distortion is removed."
    for x, y, _ in prompt.points:
        if not (0 <= x <= width and 0 <= y <= height):
            raise UserError(f"{who}: the point ({x:g}, {y:g}) lies outside view {photo}")
    camera = view.view.camera
    points = view.points(np.array([point[:2] for point in prompt.points], np.float64))
    box = None
    if prompt.box is not None:
        x0, y0, x1, y1 = prompt.box
        what = f"{who}: the box [{x0:g}, {y0:g}, {x1:g}, {y1:g}]"
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            raise UserError(f"{what} lies outside view {photo}")
        corners = view.points(np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]))
        corners = np.clip(corners[np.isfinite(corners).all(axis=1)], 0, [camera.width, camera.height])
        if len(corners) == 0 or not (np.ptp(corners, axis=0) > 0).all():
            raise UserError(f"{what} in view {view.name!r} {margin} Draw it closer to the centre.")
        box = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)
    inside = np.isfinite(points).all(axis=1) & (points >= 0).all(axis=1)
    inside &= (points <= [camera.width, camera.height]).all(axis=1)
    if not inside.all():
        raise UserError(f"{who}: a point in view {view.name!r} {margin} Choose a point closer to the centre.")
    labels = np.array([point[2] for point in prompt.points], np.int32)
    return PixelPrompt(points.astype(np.float32), labels, box)


def _visible(
    points: NDArray[np.float64], camera: Camera, gaussians: Gaussians, device: raster.Device
) -> NDArray[np.bool_]:
    """[P] bool: which world points [P, 3] are in the picture and not behind what is drawn there."""
    probe = camera.within(PROBE_SIDE)
    drawn, _ = raster.mean_depth(gaussians, probe, device)
    inside = _in_picture(points, probe)
    pixels, depth = probe.project(points)
    column, row = np.floor(np.where(inside[:, None], pixels, 0)).astype(int).T
    return inside & (depth < drawn[row, column] * (1.0 + DEPTH_SLACK))


def _in_picture(points: NDArray[np.float64], camera: Camera) -> NDArray[np.bool_]:
    pixels, depth = camera.project(points)
    size = [camera.width, camera.height]
    return (depth > camera.near) & (pixels >= 0).all(axis=1) & (pixels < size).all(axis=1)


def _points_in_space(
    prompt: Points3DPrompt, views: Sequence[WorkingView], gaussians: Gaussians, who: str, device: raster.Device
) -> tuple[str, PixelPrompt]:
    """The points as seen in the view that shows most of them, nearest the middle of the picture.

    Points on the object decide; those that are not on it do so where there are no others.
    """
    points = np.array([point[:3] for point in prompt.points], np.float64)
    labels = np.array([point[3] for point in prompt.points], np.int32)
    wanted = labels == 1 if (labels == 1).any() else np.ones(len(labels), bool)

    def rank(view: WorkingView) -> float:
        camera = view.view.camera
        middle = np.linalg.norm(camera.project(points)[0] / [camera.width, camera.height] - 0.5, axis=1)
        return float(np.where(_in_picture(points, camera), 2.0 - middle, 0.0)[wanted].sum())

    ranked = sorted(((rank(view), view) for view in views), key=lambda pair: (-pair[0], pair[1].name))
    most, best = 0, None
    for tried, (score, view) in enumerate(ranked, start=1):
        if score <= 0:
            break
        visible = _visible(points, view.view.camera, gaussians, device)
        count = int(visible[wanted].sum())
        if count > most:
            most, best = count, (view, visible)
        # All around an object half of the views are behind it, and may be the first in this order.
        if most == wanted.sum() or (tried >= VIEWS_TRIED and best is not None):
            break
    if best is None:
        raise UserError(f"{who}: none of its points in space is visible in any view. Check the points' coordinates.")
    view, visible = best
    pixels, _ = view.view.camera.project(points[visible])
    return view.name, PixelPrompt(pixels.astype(np.float32), labels[visible])


def merge(first: PixelPrompt | None, second: PixelPrompt) -> PixelPrompt:
    """Everything said about an object in one view together; of two boxes or masks the later one counts."""
    if first is None:
        return second
    return PixelPrompt(
        np.concatenate([first.points, second.points]),
        np.concatenate([first.labels, second.labels]),
        second.box if second.box is not None else first.box,
        second.mask if second.mask is not None else first.mask,
    )


def prompts_in_views(
    objects: Sequence[ObjectPrompt],
    views: Mapping[str, WorkingView],
    gaussians: Gaussians,
    device: raster.Device = "cpu",
    *,
    alpha: Callable[[View], F32] | None = None,
) -> list[dict[str, PixelPrompt]]:
    """Per object, what was said in which view.

    Args:
        alpha: [h, w] of what a view draws, where that is known already.

    Raises ``UserError`` for unknown views, points outside their image, unreadable files, points on empty background.
    """
    result: list[dict[str, PixelPrompt]] = []
    alphas: dict[str, F32] = {}
    for item in objects:
        who = f"The object {item.name!r}"
        said: dict[str, PixelPrompt] = {}
        for prompt in item.prompts:
            if isinstance(prompt, Points3DPrompt):
                name, part = _points_in_space(prompt, list(views.values()), gaussians, who, device)
            else:
                view = _view(views, prompt.view, who)
                name = view.name
                if isinstance(prompt, MaskPrompt):
                    mask = read_mask(prompt.file, view, f"{who}'s mask")
                    part = PixelPrompt(np.empty((0, 2), np.float32), np.empty(0, np.int32), mask=mask)
                elif isinstance(prompt, ScribblePrompt):
                    part = read_scribble(prompt.file, view, f"{who}'s scribble")
                else:
                    part = _in_view(prompt, view, who)
            said[name] = merge(said.get(name), part)
        for name, part in said.items():
            if name not in alphas:
                view = views[name].view
                alphas[name] = alpha(view) if alpha else 1 - raster.mean_depth(gaussians, view.camera, device)[1]
            _check_not_empty(part, alphas[name], name, who)
        result.append(said)
    return result


def _check_not_empty(said: PixelPrompt, alpha: F32, view: str, who: str) -> None:
    height, width = alpha.shape
    positive = said.points[said.labels == 1]
    if len(positive):
        column = np.clip(np.floor(positive[:, 0]).astype(int), 0, width - 1)
        row = np.clip(np.floor(positive[:, 1]).astype(int), 0, height - 1)
        if (alpha[row, column] < 0.1).all():
            raise UserError(
                f"{who}: its points in view {view!r} lie on empty background, where the scene has no Gaussians. "
                "Choose points on the object."
            )
    if said.box is not None and not len(positive):
        x0, y0, x1, y1 = said.box
        part = alpha[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
        if part.size == 0 or (part < 0.1).all():
            raise UserError(f"{who}: its box in view {view!r} contains only empty background.")
    if said.mask is not None and not (said.mask > 127).any():
        raise UserError(f"{who}: its mask in view {view!r} is entirely black.")
