# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras and the views of a scene.

Pixels: x to the right, y down, origin at the top-left corner of the top-left pixel, so centres lie at +0.5.
Camera axes: OpenCV (x right, y down, z forward).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: A near plane is at most this share of the depth that ``NEAREST`` percent of the Gaussians in the picture come within.
#: 3DGS trains with 0.2 units, which is less in scenes of usual size: there the near planes stay what they are.
SHARE, NEAREST = 0.2, 5


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera.

    Attributes:
        width, height: image size in pixels.
        fx, fy: focal lengths in pixels.
        cx, cy: principal point in pixels (see the module's pixel convention).
        camera_from_world: [4, 4] float64 rigid transform from the scene's world frame to OpenCV camera axes.
        near: Gaussians whose centre is nearer along the axis are not drawn, world units; 0.2 as in 3DGS.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    camera_from_world: NDArray[np.float64]
    near: float = 0.2

    @property
    def position(self) -> NDArray[np.float64]:
        """[3] float64: the camera's centre in the world frame."""
        rotation, translation = self.camera_from_world[:3, :3], self.camera_from_world[:3, 3]
        return -rotation.T @ translation

    def relative_to(self, offset: NDArray[np.float64]) -> Camera:
        """The same camera in a world whose origin is this one's ``offset`` [3]."""
        if not offset.any():
            return self
        moved = self.camera_from_world.copy()
        moved[:3, 3] += moved[:3, :3] @ offset
        return replace(self, camera_from_world=moved)

    def depths(self, points_world: ArrayLike) -> NDArray[np.float64]:
        """[N] camera z of world points [N, 3], world units."""
        return np.asarray(points_world, np.float64) @ self.camera_from_world[2, :3] + self.camera_from_world[2, 3]

    def project(self, points_world: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels [N, 2] and depths [N] (camera z) of world points [N, 3].

        Pixels of points with z <= 0 are meaningless.
        """
        p = (
            np.asarray(points_world, dtype=np.float64) @ self.camera_from_world[:3, :3].T
            + self.camera_from_world[:3, 3]
        )
        z = p[:, 2]
        safe = np.where(np.abs(z) < 1e-12, 1e-12, z)
        return np.stack([self.fx * p[:, 0] / safe + self.cx, self.fy * p[:, 1] / safe + self.cy], axis=1), z

    def unproject(self, pixels: ArrayLike, depths: ArrayLike) -> NDArray[np.float64]:
        """World points [N, 3] at pixels [N, 2] and camera-z depths [N]."""
        pixels, z = np.asarray(pixels, dtype=np.float64), np.asarray(depths, dtype=np.float64)
        p = np.stack([(pixels[:, 0] - self.cx) / self.fx * z, (pixels[:, 1] - self.cy) / self.fy * z, z], axis=1)
        return (p - self.camera_from_world[:3, 3]) @ self.camera_from_world[:3, :3]

    def resized(self, width: int, height: int) -> Camera:
        """The same camera for an image of another size (aspect may change by rounding)."""
        sx, sy = width / self.width, height / self.height
        return Camera(
            width, height, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy, self.camera_from_world, self.near
        )

    def within(self, side: int) -> Camera:
        """The same camera for an image whose longer side has at most ``side`` pixels."""
        factor = side / max(self.width, self.height)
        if factor >= 1.0:
            return self
        return self.resized(max(1, round(self.width * factor)), max(1, round(self.height * factor)))


class PhotoMapping(Protocol):
    """How a photo's pixels become a pinhole camera's; ``cameras.Undistortion`` is one."""

    @property
    def lens(self) -> object:
        """The photo's lens; its ``repr`` tells it from others."""
        ...

    @property
    def photo_size(self) -> tuple[int, int]:
        """Width and height of the photo, pixels."""
        ...

    def image(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[h, w, C] uint8 picture of the pinhole camera from a photo [H, W, C]."""
        ...

    def mask(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[h, w] uint8 mask of the pinhole camera from a mask [H, W] of the photo."""
        ...

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """[N, 2] pinhole pixels of photo pixels [N, 2]; NaN where there are none."""
        ...


@dataclass(frozen=True, eq=False)
class View:
    """One view of the scene.

    Attributes:
        name: unique within the scene and usable as a file name; the photo's file stem where there is a photo.
            Prompts and masks refer to views by it.
        camera: the pinhole camera that everything is computed in.
        photo: the photo's file, or None (virtual views; photos not given): then the scene's own render stands in.
        undistortion: how the photo's pixels become the pinhole camera's pixels, or None when they are the same.
    """

    name: str
    camera: Camera
    photo: Path | None = None
    undistortion: PhotoMapping | None = None

    @property
    def photo_size(self) -> tuple[int, int]:
        """Width and height in pixels of the photo as it lies on disk."""
        return self.undistortion.photo_size if self.undistortion else (self.camera.width, self.camera.height)


def near_plane(camera: Camera, means: NDArray[np.float32]) -> float:
    """The camera's near plane, or a nearer one where Gaussians at ``means`` [N, 3] (world) are that near, world units.

    It follows the scene as this camera sees it, so that a scene gives the same pictures in metres and in millimetres.
    """
    pixels, depth = camera.project(means)
    inside = (depth > 0) & (pixels >= 0).all(axis=1) & (pixels < (camera.width, camera.height)).all(axis=1)
    if not inside.any():
        return camera.near
    return min(camera.near, SHARE * float(np.percentile(depth[inside], NEAREST)))
