# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Lenses: what a data set says about how its photos were taken, distortion included.

The models and their parameters are COLMAP's, which other formats translate to. The maths of distorted models is
pycolmap's; it is imported only when a lens really distorts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.scene.camera import Camera

if TYPE_CHECKING:
    import pycolmap

#: COLMAP's camera models: name -> (id in binary files, focal lengths, further parameters after the principal point).
MODELS: dict[str, tuple[int, int, int]] = {
    "SIMPLE_PINHOLE": (0, 1, 0),
    "PINHOLE": (1, 2, 0),
    "SIMPLE_RADIAL": (2, 1, 1),
    "RADIAL": (3, 1, 2),
    "OPENCV": (4, 2, 4),
    "OPENCV_FISHEYE": (5, 2, 4),
    "FULL_OPENCV": (6, 2, 8),
    "FOV": (7, 2, 1),
    "SIMPLE_RADIAL_FISHEYE": (8, 1, 1),
    "RADIAL_FISHEYE": (9, 1, 2),
    "THIN_PRISM_FISHEYE": (10, 2, 8),
    "RAD_TAN_THIN_PRISM_FISHEYE": (11, 2, 12),
    "SIMPLE_DIVISION": (12, 1, 1),
    "DIVISION": (13, 2, 1),
    "SIMPLE_FISHEYE": (14, 1, 0),
    "FISHEYE": (15, 2, 0),
    "EUCM": (16, 2, 2),
}
MODEL_NAMES = {code: name for name, (code, _, _) in MODELS.items()}

#: Models that are a pinhole when all further parameters are zero.
_STRAIGHT_WHEN_ZERO = {
    "SIMPLE_PINHOLE",
    "PINHOLE",
    "SIMPLE_RADIAL",
    "RADIAL",
    "OPENCV",
    "FULL_OPENCV",
    "SIMPLE_DIVISION",
    "DIVISION",
}


#: COLMAP's model of panoramas, which show more than any pinhole: name and id in binary files.
PANORAMA = ("EQUIRECTANGULAR", 17)


def panorama(where: str) -> UserError:
    """Why photos that go all around cannot be used."""
    return UserError(
        f"{where} has the camera model {PANORAMA[0]}: its photos are panoramas, which SplatCut does not support. Split "
        "them into PINHOLE images, for instance with COLMAP's example panorama_sfm.py, and train from those."
    )


@dataclass(frozen=True)
class Lens:
    """A camera without its place in the world: a COLMAP model with its parameters.

    Attributes:
        model: a name of ``MODELS``.
        width, height: the photo's size in pixels.
        params: focal length(s), principal point and distortion in COLMAP's order; pixels as in ``cameras.types``
            (centres at +0.5, which is COLMAP's convention too).
    """

    model: str
    width: int
    height: int
    params: tuple[float, ...]

    def check(self, where: str) -> Lens:
        """This lens; raises ``UserError`` naming ``where`` when the lens cannot be one."""
        if self.model == PANORAMA[0]:
            raise panorama(where)
        if self.model not in MODELS:
            raise UserError(
                f"{where} has the camera model {self.model}, which SplatCut does not know. Supported are "
                f"{', '.join(MODELS)}; "
                "undistort the photos to PINHOLE first, for instance with `colmap image_undistorter`."
            )
        expected = sum(MODELS[self.model][1:]) + 2
        if len(self.params) != expected:
            raise UserError(
                f"{where} has {len(self.params)} parameters, but the model {self.model} has {expected}. The file is "
                "damaged."
            )
        if self.width <= 0 or self.height <= 0:
            raise UserError(f"{where} has an image size of {self.width}x{self.height} pixels. The file is damaged.")
        if not all(math.isfinite(value) for value in self.params):
            raise UserError(
                f"{where} has a parameter that is not a finite number. The file is damaged, or the camera was never "
                "calibrated."
            )
        if min(self.focal) <= 0:
            raise UserError(
                f"{where} has a focal length of {min(self.focal):g} pixels; it must be above zero. The file is damaged."
            )
        return self

    @property
    def focal(self) -> tuple[float, float]:
        """fx and fy in pixels."""
        return self.params[0], self.params[MODELS[self.model][1] - 1]

    @property
    def centre(self) -> tuple[float, float]:
        """The principal point in pixels."""
        first = MODELS[self.model][1]
        return self.params[first], self.params[first + 1]

    @property
    def distorts(self) -> bool:
        """Whether straight lines come out bent."""
        return self.model not in _STRAIGHT_WHEN_ZERO or any(self.params[MODELS[self.model][1] + 2 :])

    def resized(self, width: int, height: int) -> Lens:
        """The same lens for photos of another size. One focal length may become two by rounding of the size."""
        sx, sy = width / self.width, height / self.height
        focals = MODELS[self.model][1]
        (fx, fy), (cx, cy), extra = self.focal, self.centre, self.params[focals + 2 :]
        # A model with one focal length keeps one: its two scales differ by less than a pixel over the image.
        scaled = (fx * math.sqrt(sx * sy),) if focals == 1 else (fx * sx, fy * sy)
        return replace(self, width=width, height=height, params=(*scaled, cx * sx, cy * sy, *extra))

    def pinhole(self, camera_from_world: NDArray[np.float64]) -> Camera:
        """The camera of an undistorted lens at a place in the world."""
        (fx, fy), (cx, cy) = self.focal, self.centre
        return Camera(self.width, self.height, fx, fy, cx, cy, camera_from_world)

    def to_photo(self, directions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Photo pixels [N, 2] of directions [N, 2], (x/z, y/z) in OpenCV camera axes; NaN where there are none."""
        points = np.column_stack([np.asarray(directions, dtype=np.float64), np.ones(len(directions))])
        return np.asarray(self._colmap().img_from_cam(points)).reshape(-1, 2)

    def from_photo(self, pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Directions [N, 2] as (x/z, y/z) of photo pixels [N, 2]; NaN where the distortion has no inverse or z <= 0."""
        pixels = np.ascontiguousarray(pixels, dtype=np.float64).reshape(-1, 2)
        directions = np.array(self._colmap().cam_from_img(pixels)).reshape(-1, 2)
        with np.errstate(invalid="ignore"):
            # Beyond 90 degrees, and where a polynomial folds back, the model's inverse answers with
            # another pixel's direction.
            wrong = ~(np.abs(self.to_photo(np.nan_to_num(directions)) - pixels).max(axis=1) < 0.05)
        directions[wrong | ~np.isfinite(directions).all(axis=1)] = np.nan
        return directions

    def _colmap(self) -> pycolmap.Camera:
        try:
            import pycolmap
        except ImportError as error:
            raise UserError(
                f"The photos were taken with a distorting lens ({self.model}), and removing the distortion needs "
                "the package pycolmap, "
                "which is not installed. Install it with `pip install pycolmap`, or undistort the photos to PINHOLE "
                "first."
            ) from error
        return pycolmap.Camera(model=self.model, width=self.width, height=self.height, params=list(self.params))
