# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the photos show what the cameras see of the scene (method: views).

A camera of another world, an inverted pose or a photo of another view gives no error by itself, only wrong masks. So
renders of a few views are compared with their photos: not their colours, which exposure, haze and a poorly trained
scene change, but their *structure*, grey values less their local mean, divided by their local contrast. Its correlation
is .5 to 1 in scenes whose cameras are right, and within .2 of 0 where they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.floaters import clear_near_plane
from splatcut.cameras.pictures import photo_of, working_view
from splatcut.errors import UserError
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians

#: Views that are compared, and the longer side of their pictures, pixels.
VIEWS, SIDE = 8, 128
#: Median likeness below which the cameras cannot be right, and above which they are.
WRONG, RIGHT = 0.2, 0.35
#: By how much another view's photo must be liker to be the right one.
CLEARLY = 0.2
#: Pixels count where the scene covers this much, and a view where this share of them does.
COVERED, LEAST_COVERED = 0.5, 0.02
#: Standard deviations of the blurs that take away noise and the local mean, pixels.
_FINE, _COARSE = 1.0, 6.0
#: Contrast that noise has, in [0, 1].
_NOISE = 4 / 255


@dataclass(frozen=True, eq=False)
class Likeness:
    """How much the renders of some views look like photos.

    Attributes:
        views: V names.
        own: [V] likeness of each view's render to its photo, in [-1, 1]; 0 where the view sees nothing.
        best_other: [V] likeness to that of the other views' photos that is most alike; -1 without others.
    """

    views: tuple[str, ...]
    own: NDArray[np.float64]
    best_other: NDArray[np.float64]

    @property
    def median(self) -> float:
        """Of ``own``: some photos may be poor or full of people."""
        return float(np.median(self.own))

    @property
    def wrong(self) -> bool:
        """Whether the cameras cannot be those of the photos.

        A scene may be so poor that nothing is very like it; its own photos are still liker than all others. Where
        others are clearly liker, photos of a scene with little in it are somewhat like each other.
        """
        clearly_own = len(self.own) >= 4 and bool((self.own > self.best_other + 0.05).all())
        clearly_others = float(np.median(self.best_other - self.own)) > CLEARLY
        return clearly_others or (self.median < WRONG and not clearly_own)


def compared(views: Sequence[View]) -> list[View]:
    """The views whose renders are compared: some of those with photos, spread over all."""
    there = [view for view in views if view.photo is not None]
    chosen = np.unique(np.linspace(0, len(there) - 1, min(VIEWS, len(there))).round().astype(int))
    return [there[number] for number in chosen]


def with_small_photos(views: Sequence[View]) -> tuple[list[View], list[NDArray[np.uint8]]]:
    """The views whose photos can be read, and these [h, w, 3] at the size at which they are compared.

    What needs a photo that is damaged says so itself.
    """
    found = []
    for view in views:
        with suppress(UserError):
            found.append((view, photo_of(working_view(view, SIDE))))
    return [view for view, _ in found], [photo for _, photo in found]


def likeness(
    gaussians: Gaussians,
    views: Sequence[View],
    photos: Sequence[NDArray[np.uint8]],
    device: raster.Device = "cpu",
    step: Callable[[], object] = lambda: None,
) -> Likeness:
    """Compares the renders of one or more views with their photos, and with each other's.

    Args:
        photos: theirs, of ``with_small_photos``.
        step: called after each view.
    """
    table = []
    for view in views:
        table.append(likenesses(gaussians, view, photos, device))
        step()
    values = np.array(table)
    others = np.where(np.eye(len(values), dtype=bool), -1.0, values).max(axis=1)
    return Likeness(tuple(view.name for view in views), np.diagonal(values).copy(), others)


def median_likeness(gaussians: Gaussians, views: Sequence[View], device: raster.Device = "cpu") -> float:
    """``Likeness.median`` of a few of the views, which must have photos: which reading of a file is the right one."""
    chosen, photos = with_small_photos(compared(views))
    return likeness(gaussians, chosen, photos, device).median if chosen else 0.0


def cleared(gaussians: Gaussians, views: Sequence[View], device: raster.Device = "cpu") -> list[View]:
    """Views with their near planes behind floaters, which may hide the scene from most of them."""
    near = [clear_near_plane(gaussians, view, device) for view in views]
    return [replace(view, camera=replace(view.camera, near=its)) for view, its in zip(views, near, strict=True)]


def likenesses(
    gaussians: Gaussians, view: View, photos: Sequence[NDArray[np.uint8]], device: raster.Device = "cpu"
) -> list[float]:
    """Likeness of a view's render to each photo [h, w, 3]; 0 where the view sees next to nothing."""
    rendered = raster.render(gaussians, view.camera.within(SIDE), device=device)
    weight = np.where(rendered.alpha > COVERED, rendered.alpha, 0).reshape(rendered.image.shape[:2]).astype(np.float32)
    if weight.mean() < LEAST_COVERED:
        return [0.0] * len(photos)
    own = structure(rendered.image, weight)
    return [correlation(own, structure(fitting(photo, weight.shape), weight), weight) for photo in photos]


def fitting(photo: NDArray[np.uint8], shape: tuple[int, ...]) -> F32:
    """A photo [h, w, 3] as an image [H, W, 3] in [0, 1] of another size."""
    from PIL import Image

    if photo.shape[:2] != shape:
        photo = np.asarray(Image.fromarray(photo).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
    return photo.astype(np.float32) / np.float32(255)


def structure(image: F32, weight: F32) -> F32:
    """[H, W] grey values of an image [H, W, 3] in [0, 1] less their local mean, over their local contrast.

    Only pixels with weight [H, W] have a say in either.
    """
    from scipy.ndimage import gaussian_filter

    def blurred(values: F32, sigma: float) -> F32:
        amount = gaussian_filter(weight, sigma) + np.float32(1e-6)
        return np.asarray(gaussian_filter(values * weight, sigma, mode="nearest") / amount, np.float32)

    fine = blurred(image.mean(axis=2), _FINE)
    detail = fine - blurred(fine, _COARSE)
    contrast = np.sqrt(blurred(np.square(detail), _COARSE)) + np.float32(_NOISE)
    return (detail / contrast).astype(np.float32)


def correlation(one: F32, other: F32, weight: F32) -> float:
    """Of two images [H, W] with zero mean, weighted by [H, W]; in [-1, 1], and 0 where one of them is 0."""
    length = np.sqrt((weight * one**2).sum(dtype=np.float64) * (weight * other**2).sum(dtype=np.float64))
    return float((weight * one * other).sum(dtype=np.float64) / length) if length > 0 else 0.0
