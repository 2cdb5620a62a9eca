# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Views at the size at which masks are made, with the picture that the 2D model sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.photos import load_photo
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians

if TYPE_CHECKING:
    from splatcut.raster.cpu import Prepared

#: Longer side in pixels of the pictures that masks are made in, at most; the 2D models see no more.
MASK_SIDE = 1024


@dataclass(frozen=True, eq=False)
class WorkingView:
    """A view whose camera may be smaller than the photo's.

    Attributes:
        source: the view as loaded.
        view: the same with the working camera; everything about masks is in its pixels.
    """

    source: View
    view: View

    @property
    def name(self) -> str:
        """The view's name."""
        return self.view.name

    def points(self, photo_pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """[P, 2] working pixels of photo pixels [P, 2]; NaN where a distorted photo's pixel has no direction."""
        points = np.asarray(photo_pixels, np.float64).reshape(-1, 2)
        if self.source.undistortion is not None:
            points = self.source.undistortion.points(points)
        camera, full = self.view.camera, self.source.camera
        return points * [camera.width / full.width, camera.height / full.height]

    def mask(self, photo_mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[h, w] uint8 mask in working pixels of a mask [H, W] uint8 in photo pixels."""
        mask = photo_mask
        if self.source.undistortion is not None:
            mask = self.source.undistortion.mask(mask)
        camera = self.view.camera
        if mask.shape == (camera.height, camera.width):
            return mask
        from PIL import Image

        resized = Image.fromarray(mask).resize((camera.width, camera.height), Image.Resampling.BILINEAR)
        return np.asarray(resized)


def working_view(view: View, max_side: int) -> WorkingView:
    """The view scaled down, if need be, so that its longer side has at most ``max_side`` pixels."""
    return WorkingView(view, replace(view, camera=view.camera.within(max_side)))


def picture(
    view: WorkingView, gaussians: Gaussians, device: raster.Device = "cpu", prepared: Prepared | None = None
) -> NDArray[np.uint8]:
    """[h, w, 3] uint8 sRGB: the photo at working size, or the scene's render without a photo (method: views)."""
    camera = view.view.camera
    if view.source.photo is None:
        image = raster.render(gaussians, camera, device=device, prepared=prepared).image
        return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
    return photo_of(view)


def photo_of(view: WorkingView) -> NDArray[np.uint8]:
    """[h, w, 3] uint8 sRGB: the photo at working size; the view must have one."""
    camera = view.view.camera
    photo = load_photo(view.source)
    if photo.shape[:2] == (camera.height, camera.width):
        return photo
    from PIL import Image

    return np.asarray(Image.fromarray(photo).resize((camera.width, camera.height), Image.Resampling.LANCZOS))
