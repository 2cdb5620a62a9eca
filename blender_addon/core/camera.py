# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's cameras and viewports as the pinhole cameras that the engine knows.

Frames: ``file`` is the splat file's own world, which is the splat object's local frame in Blender. Pinhole cameras
have OpenCV axes (x right, y down, z forward), Blender's cameras and viewports OpenGL's (x right, y up, z backward).
Pixels: x to the right, y down, origin at the top-left corner of the top-left pixel, so centres lie at +0.5; Blender's
regions count y from the bottom.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.errors import UserError
from splatcut.messages import InlineView

#: Turns OpenGL's camera axes into OpenCV's, and back.
OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
#: Gaussians nearer than this along the axis are not drawn by the engine (file units; 3DGS).
NEAR = 0.2
#: Relative deviation from a rotation up to which Blender's float32 matrices count as rigid.
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Pinhole:
    """A pinhole camera in the splat file's frame.

    Attributes:
        width, height: image size in pixels.
        fx, fy: focal lengths in pixels.
        cx, cy: principal point in pixels (see the module's convention).
        camera_from_file: [4, 4] float64, rigid, from the file's frame to OpenCV camera axes. Depths are in file units.
        near: Gaussians whose centre is nearer along the axis are not there, file units.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    camera_from_file: NDArray[np.float64]
    near: float = NEAR

    @property
    def position(self) -> NDArray[np.float64]:
        """[3] float64: the camera's centre in the file's frame."""
        return -self.camera_from_file[:3, :3].T @ self.camera_from_file[:3, 3]

    def resized(self, width: int, height: int) -> Pinhole:
        """The same camera for an image of another size."""
        sx, sy = width / self.width, height / self.height
        return Pinhole(
            width, height, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy, self.camera_from_file, self.near
        )


def viewport_camera(
    view_matrix: ArrayLike, window_matrix: ArrayLike, width: int, height: int, matrix_world: ArrayLike
) -> Pinhole | None:
    """The camera through which a 3D viewport shows a splat object.

    Args:
        view_matrix: [4, 4] ``RegionView3D.view_matrix``: view (OpenGL axes) from Blender's world.
        window_matrix: [4, 4] ``RegionView3D.window_matrix``: OpenGL's projection; any principal point (camera views).
        width, height: the region's size in pixels.
        matrix_world: [4, 4] of the splat object: Blender's world from the file's frame. Its scale is divided out of
            the camera's distance, which leaves the picture as it is.

    Returns:
        The camera, or None for a region without an area (a collapsed one).

    Raises:
        UserError: an orthographic view, or an object with an uneven or mirrored scale.
    """
    if width < 1 or height < 1:
        return None
    projection = np.asarray(window_matrix, dtype=np.float64)
    if abs(projection[3, 2]) < 0.5:
        raise UserError(
            "The viewport is orthographic, but the engine only works with perspective views. Press Numpad 5 or use "
            "View > Perspective/Orthographic, then click again."
        )
    camera_from_file = _camera_from_file(
        OPENCV_FROM_OPENGL @ np.asarray(view_matrix, dtype=np.float64), matrix_world, "The viewport"
    )
    # ndc_x = P00 x / z - P02 and ndc_y = -P11 y / z - P12 in OpenCV's axes.
    return Pinhole(
        width=int(width),
        height=int(height),
        fx=float(projection[0, 0] * width / 2),
        fy=float(projection[1, 1] * height / 2),
        cx=float((1 - projection[0, 2]) * width / 2),
        cy=float((1 + projection[1, 2]) * height / 2),
        camera_from_file=camera_from_file,
    )


def blender_camera(
    matrix_world_camera: ArrayLike,
    *,
    lens: float,
    resolution_x: int,
    resolution_y: int,
    sensor_width: float = 36.0,
    sensor_height: float = 24.0,
    sensor_fit: str = "AUTO",
    shift_x: float = 0.0,
    shift_y: float = 0.0,
    pixel_aspect_x: float = 1.0,
    pixel_aspect_y: float = 1.0,
    kind: str = "PERSP",
    name: str = "camera",
    matrix_world: ArrayLike | None = None,
) -> Pinhole:
    """A Blender camera as a pinhole camera. Arguments as Blender names them.

    Args:
        matrix_world_camera: [4, 4] of the camera object. Blender ignores its scale.
        lens, sensor_width, sensor_height: millimetres.
        resolution_x, resolution_y: pixels of the picture, the percentage applied.
        shift_x, shift_y: shares of the picture's fitted side.
        kind: ``Camera.type``; only PERSP has a pinhole.
        name: of the camera, for messages.
        matrix_world: [4, 4] of the splat object (identity when None).

    Raises:
        UserError: an orthographic or panoramic camera, a sheared or mirrored one, an uneven or mirrored object.
    """
    if kind != "PERSP":
        raise UserError(
            f"The camera {name!r} is not a perspective camera, but the engine only works with perspective views. Set "
            "its type to Perspective, or remove it from the collection."
        )
    aspect = pixel_aspect_y / pixel_aspect_x
    if sensor_fit == "AUTO":
        horizontal = pixel_aspect_x * resolution_x >= pixel_aspect_y * resolution_y
        sensor = sensor_width
    else:
        horizontal = sensor_fit == "HORIZONTAL"
        sensor = sensor_width if horizontal else sensor_height
    side = resolution_x if horizontal else aspect * resolution_y
    focal = lens / sensor * side
    pose = np.array(matrix_world_camera, dtype=np.float64)
    pose[:3, :3] /= np.linalg.norm(pose[:3, :3], axis=0)
    camera_from_world = OPENCV_FROM_OPENGL @ np.linalg.inv(pose).astype(np.float64)
    return Pinhole(
        width=int(resolution_x),
        height=int(resolution_y),
        fx=float(focal),
        fy=float(focal / aspect),
        cx=float(resolution_x / 2 - shift_x * side),
        cy=float(resolution_y / 2 + shift_y * side / aspect),
        camera_from_file=_camera_from_file(
            camera_from_world, np.eye(4) if matrix_world is None else matrix_world, f"The camera {name!r}"
        ),
    )


def split_matrix_world(matrix_world: ArrayLike) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """(scale, rotation [3, 3], translation [3]) of a splat object's matrix [4, 4].

    Raises:
        UserError: the object is scaled unevenly, sheared, mirrored or squashed flat.
    """
    matrix = np.asarray(matrix_world, dtype=np.float64)
    linear = matrix[:3, :3]
    determinant = float(np.linalg.det(linear)) if np.isfinite(linear).all() else 0.0
    if not determinant > 0:
        raise UserError(
            "The splat object is mirrored or squashed flat, which Gaussians cannot represent. Give it the same "
            "positive scale on all three axes."
        )
    scale = determinant ** (1 / 3)
    if not np.allclose(linear @ linear.T / scale**2, np.eye(3), atol=TOLERANCE):
        raise UserError(
            "The splat object is scaled unevenly or sheared, which Gaussians cannot represent. Give it and its "
            "parents the same scale on all three axes."
        )
    return scale, _nearest_rotation(linear / scale), matrix[:3, 3].copy()


def project(pinhole: Pinhole, points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels [N, 2] and depths [N] (camera z) of points [N, 3] in the file's frame.

    Pixels of points with a depth of 0 or less are meaningless.
    """
    m = pinhole.camera_from_file
    p = np.asarray(points, dtype=np.float64) @ m[:3, :3].T + m[:3, 3]
    z = p[:, 2]
    safe = np.where(np.abs(z) < 1e-12, 1e-12, z)
    return np.stack([pinhole.fx * p[:, 0] / safe + pinhole.cx, pinhole.fy * p[:, 1] / safe + pinhole.cy], axis=1), z


def unproject(pinhole: Pinhole, pixels: ArrayLike, depths: ArrayLike) -> NDArray[np.float64]:
    """Points [N, 3] in the file's frame at pixels [N, 2] and depths [N] (camera z)."""
    px, z = np.asarray(pixels, dtype=np.float64), np.asarray(depths, dtype=np.float64)
    p = np.stack([(px[:, 0] - pinhole.cx) / pinhole.fx * z, (px[:, 1] - pinhole.cy) / pinhole.fy * z, z], axis=1)
    m = pinhole.camera_from_file
    return (p - m[:3, 3]) @ m[:3, :3]


def to_inline(name: str, pinhole: Pinhole, photo: Path | None = None) -> InlineView:
    """The camera as the engine's messages carry it. Raises ``UserError`` for a camera that is none."""
    rows: Any = tuple(tuple(float(cell) for cell in row) for row in pinhole.camera_from_file)
    return InlineView(
        name=name,
        width=pinhole.width,
        height=pinhole.height,
        fx=pinhole.fx,
        fy=pinhole.fy,
        cx=pinhole.cx,
        cy=pinhole.cy,
        camera_from_world=rows,
        photo=photo,
    )


def from_inline(view: InlineView) -> Pinhole:
    """The camera of a message; what ``to_inline`` wrote comes back exactly."""
    return Pinhole(
        view.width,
        view.height,
        view.fx,
        view.fy,
        view.cx,
        view.cy,
        np.array(view.camera_from_world, dtype=np.float64),
    )


def limited(pinhole: Pinhole, longest: int) -> Pinhole:
    """The camera, made smaller where its longer side has more than ``longest`` pixels."""
    factor = longest / max(pinhole.width, pinhole.height)
    if factor >= 1:
        return pinhole
    return pinhole.resized(max(1, round(pinhole.width * factor)), max(1, round(pinhole.height * factor)))


def _camera_from_file(
    camera_from_world: NDArray[np.float64], matrix_world: ArrayLike, what: str
) -> NDArray[np.float64]:
    """The rigid part of camera_from_world @ matrix_world, with the object's scale divided out."""
    scale, rotation, translation = split_matrix_world(matrix_world)
    turn = camera_from_world[:3, :3]
    if not (
        np.isfinite(camera_from_world).all()
        and np.allclose(turn @ turn.T, np.eye(3), atol=TOLERANCE)
        and np.linalg.det(turn) > 0
    ):
        raise UserError(
            f"{what} is mirrored or sheared, which a real camera cannot be. Reset its scale and that of its parents."
        )
    turn = _nearest_rotation(turn)
    result = np.eye(4)
    result[:3, :3] = turn @ rotation
    result[:3, 3] = (turn @ translation + camera_from_world[:3, 3]) / scale
    return result


def _nearest_rotation(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    u, _, vt = np.linalg.svd(matrix)
    return u @ vt
