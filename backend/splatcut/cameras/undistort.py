# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Taking the lens distortion out of photos, masks and prompts.

Everything is computed in a pinhole camera. Its focal lengths are the lens's, so the middle of the picture keeps its
resolution; its frame is the largest upright rectangle about the axis that the photo covers completely, so no pixel is
invented and no border is black. What of the photo lies outside (the bent margins of barrel distortion) is lost, and
so is what a fisheye lens sees beyond 60 degrees from its axis, where a pinhole picture would be all margin.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.lens import Lens
from splatcut.errors import UserError
from splatcut.scene.camera import Camera

#: Largest |x/z| and |y/z| in a pinhole picture: 60 degrees from the axis.
LARGEST_TANGENT = math.tan(math.radians(60.0))
#: Points along each side of a frame that are looked at.
_SAMPLES = 129


@dataclass(frozen=True, eq=False)
class Undistortion:
    """How a photo's pixels become a pinhole camera's. Views taken with one lens share one instance.

    Attributes:
        lens: the photo's lens; its size is the photo's.
        camera: the pinhole camera, at the origin of the world.
    """

    lens: Lens
    camera: Camera

    @staticmethod
    def of(lens: Lens, where: str) -> Undistortion:
        """The undistortion of a lens, in the pinhole camera described at the top of this module.

        Raises ``UserError`` naming ``where`` when the lens parameters fold the picture so much that no useful part is
        left.
        """
        return Undistortion(lens, _pinhole(lens, where))

    @property
    def photo_size(self) -> tuple[int, int]:
        """Width and height of the photo, pixels."""
        return self.lens.width, self.lens.height

    def image(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[h, w, C] uint8 picture of the pinhole camera from a photo [H, W, C], bilinear."""
        return np.stack([self.mask(photo[:, :, channel]) for channel in range(photo.shape[2])], axis=2)

    def mask(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[h, w] uint8 mask of the pinhole camera from a mask [H, W] of the photo, bilinear: a soft edge stays soft."""
        from scipy.ndimage import map_coordinates

        height, width = mask.shape
        if (width, height) != self.photo_size:
            raise UserError(
                f"The image has {width}x{height} pixels, but its lens belongs to photos of "
                f"{self.lens.width}x{self.lens.height} pixels. "
                "Use masks and photos of one size."
            )
        places = _photo_places(self)
        result = np.empty(places.shape[1:], dtype=np.float32)
        map_coordinates(mask, places, output=result, order=1, mode="nearest", prefilter=False)
        return np.clip(np.rint(result), 0, 255).astype(np.uint8)

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """[N, 2] pinhole pixels of photo pixels [N, 2].

        They may lie outside the pinhole picture; NaN where the photo's pixel has no direction in front of the camera.
        """
        directions = self.lens.from_photo(np.asarray(points, dtype=np.float64).reshape(-1, 2))
        return directions * [self.camera.fx, self.camera.fy] + [self.camera.cx, self.camera.cy]

    def to_photo(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """[N, 2] photo pixels of pinhole pixels [N, 2]: the way back of ``points``."""
        directions = np.asarray(points, dtype=np.float64).reshape(-1, 2) - [self.camera.cx, self.camera.cy]
        return self.lens.to_photo(directions / [self.camera.fx, self.camera.fy])


@functools.lru_cache(maxsize=2)
def _photo_places(undistortion: Undistortion) -> NDArray[np.float32]:
    """[2, h, w] float32: row and column (array indices, so minus the half pixel) in the photo of each pinhole pixel."""
    camera = undistortion.camera
    places = np.empty((2, camera.height, camera.width), dtype=np.float32)
    columns = np.arange(camera.width) + 0.5
    for row in range(camera.height):
        photo = undistortion.to_photo(np.column_stack([columns, np.full(camera.width, row + 0.5)]))
        places[0, row], places[1, row] = photo[:, 1] - 0.5, photo[:, 0] - 0.5
    return places


def _frame(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Points [_SAMPLES, 2] along the left, top, right and bottom side of the rectangle from ``low`` to ``high``."""
    x, y = np.linspace(low[0], high[0], _SAMPLES), np.linspace(low[1], high[1], _SAMPLES)
    full = np.full_like
    return [
        np.column_stack([full(y, low[0]), y]),
        np.column_stack([x, full(x, low[1])]),
        np.column_stack([full(y, high[0]), y]),
        np.column_stack([x, full(x, high[1])]),
    ]


def _pinhole(lens: Lens, where: str) -> Camera:
    size = np.array([lens.width, lens.height], dtype=np.float64)
    sides = [lens.from_photo(side) for side in _frame(np.zeros(2), size)]
    # Sides are in the order left, top, right, bottom; a photo's pixel without a direction lies beyond every limit.
    low, high = np.empty(2), np.empty(2)
    for axis in (0, 1):
        low[axis] = np.clip(np.nan_to_num(sides[axis][:, axis], nan=-np.inf).max(), -LARGEST_TANGENT, 0.0)
        high[axis] = np.clip(np.nan_to_num(sides[axis + 2][:, axis], nan=np.inf).min(), 0.0, LARGEST_TANGENT)

    def covered(directions: NDArray[np.float64]) -> bool:
        photo = lens.to_photo(directions)
        with np.errstate(invalid="ignore"):
            inside = ((photo >= -0.5) & (photo <= size + 0.5)).all()
            # A polynomial that folds back brings directions into the photo that the photo does not show.
            return bool(inside and (np.abs(lens.from_photo(photo) - directions) < 1e-3).all())

    # Bent sides can still leave the photo between the points where they were measured, and folds are found only here.
    for _ in range(400):
        bad = [not covered(side) for side in _frame(low, high)]
        if not any(bad):
            break
        for axis in (0, 1):
            low[axis] *= 0.99 if bad[axis] else 1.0
            high[axis] *= 0.99 if bad[axis + 2] else 1.0
    focal = np.array(lens.focal)
    pixels = np.floor((high - low) * focal + 1e-6)
    if not (pixels >= 0.2 * size).all():
        raise UserError(
            f"{where} has distortion parameters that fold the photo over itself: only "
            f"{max(pixels[0], 0):.0f}x{max(pixels[1], 0):.0f} of its "
            f"{lens.width}x{lens.height} pixels could be undistorted. Calibrate the camera again, or undistort the "
            "photos first."
        )
    cx, cy = -low * focal
    return Camera(int(pixels[0]), int(pixels[1]), float(focal[0]), float(focal[1]), float(cx), float(cy), np.eye(4))
