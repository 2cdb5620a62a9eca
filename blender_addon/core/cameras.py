# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's cameras and viewports as the engine's cameras.

Frames: ``file`` is the splat file's own frame, which is the engine's world and, but for a world offset, the splat
object's local frame in Blender. The engine's cameras have OpenCV axes (x right, y down, z forward), Blender's cameras
and viewports OpenGL's (x right, y up, z backward).
Pixels: x to the right, y down, origin at the top-left corner of the top-left pixel, so centres lie at +0.5; Blender's
regions count y from the bottom.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.errors import UserError
from splatcut.messages import InlineView
from splatcut.scene.camera import Camera
from splatcut.scene.rotations import nearest_rotation
from splatcut.scene.transform import decompose_similarity

#: Turns OpenGL's camera axes into OpenCV's, and back.
OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
#: Relative deviation from a rotation up to which Blender's float32 matrices count as rigid.
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Viewport:
    """A 3D viewport and the splat object that is seen in it.

    Attributes:
        view_matrix: [4, 4] ``RegionView3D.view_matrix``: view (OpenGL axes) from Blender's world.
        window_matrix: [4, 4] ``RegionView3D.window_matrix``: OpenGL's projection; any principal point (camera views).
        width, height: the region's size in pixels.
        matrix_world: [4, 4] of the splat object: Blender's world from the file's frame.
    """

    view_matrix: NDArray[np.float64]
    window_matrix: NDArray[np.float64]
    width: int
    height: int
    matrix_world: NDArray[np.float64]

    @classmethod
    def of(cls, view_matrix: Any, window_matrix: Any, width: int, height: int, matrix_world: Any) -> Viewport:
        """From anything that numpy turns into [4, 4]."""
        view, window, world = (np.array(m, dtype=np.float64) for m in (view_matrix, window_matrix, matrix_world))
        return cls(view, window, int(width), int(height), world)

    @property
    def is_orthographic(self) -> bool:
        """Whether the projection has no vanishing points."""
        return abs(float(self.window_matrix[3, 2])) < 0.5

    def camera(self) -> Camera | None:
        """The camera through which the viewport shows the object; None for a region without an area (collapsed).

        The object's scale is divided out of the camera's distance, which leaves the picture as it is.

        Raises:
            UserError: an orthographic view, or an object with an uneven or mirrored scale.
        """
        if self.width < 1 or self.height < 1:
            return None
        if self.is_orthographic:
            raise UserError(
                "The viewport is orthographic, but the engine only works with perspective views. Press Numpad 5 or use "
                "View > Perspective/Orthographic, then click again."
            )
        projection = self.window_matrix
        # What the viewport draws can be picked: its clipping starts there, in the object's units.
        start = float(projection[2, 3] / (projection[2, 2] - 1)) / decompose_similarity(self.matrix_world)[0]
        # ndc_x = P00 x / z - P02 and ndc_y = -P11 y / z - P12 in OpenCV's axes.
        return Camera(
            width=self.width,
            height=self.height,
            fx=float(projection[0, 0] * self.width / 2),
            fy=float(projection[1, 1] * self.height / 2),
            cx=float((1 - projection[0, 2]) * self.width / 2),
            cy=float((1 + projection[1, 2]) * self.height / 2),
            camera_from_world=_camera_from_file(
                OPENCV_FROM_OPENGL @ self.view_matrix, self.matrix_world, "The viewport"
            ),
            near=min(start, 0.2) if start > 0 else 0.2,
        )

    def picking_camera(self, x: float, y: float, extent: float) -> Camera | None:
        """For an orthographic viewport: a camera whose ray through pixel (x, y) is the viewport's ray there.

        It stands far enough away for the rays beside it to be nearly parallel, too.

        Args:
            extent: how far from Blender's world origin the splat reaches, in Blender's units.
        """
        projection, view = self.window_matrix, self.view_matrix
        right = (2 * x / self.width - 1 - projection[0, 3]) / projection[0, 0]
        up = (1 - 2 * y / self.height - projection[1, 3]) / projection[1, 1]
        distance = 50 * (max(extent, 1.0) + float(np.linalg.norm(view[:3, 3])))
        moved = view.copy()
        moved[:3, 3] -= (right, up, distance)
        perspective = np.zeros((4, 4))
        perspective[0, 0], perspective[1, 1] = projection[0, 0] * distance, projection[1, 1] * distance
        # The clicked pixel is the principal point.
        perspective[0, 2], perspective[1, 2] = 1 - 2 * x / self.width, 2 * y / self.height - 1
        perspective[3, 2] = -1.0
        return replace(self, view_matrix=moved, window_matrix=perspective).camera()


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
) -> Camera:
    """A Blender camera as the engine's. Arguments as Blender names them.

    Args:
        matrix_world_camera: [4, 4] of the camera object. Blender ignores its scale.
        lens, sensor_width, sensor_height: millimetres.
        resolution_x, resolution_y: pixels of the picture, the percentage applied.
        shift_x, shift_y: shares of the picture's fitted side.
        kind: ``Camera.type``; the engine has PERSP only.
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
    camera_from_blender = OPENCV_FROM_OPENGL @ np.linalg.inv(pose).astype(np.float64)
    return Camera(
        width=int(resolution_x),
        height=int(resolution_y),
        fx=float(focal),
        fy=float(focal / aspect),
        cx=float(resolution_x / 2 - shift_x * side),
        cy=float(resolution_y / 2 + shift_y * side / aspect),
        camera_from_world=_camera_from_file(
            camera_from_blender, np.eye(4) if matrix_world is None else matrix_world, f"The camera {name!r}"
        ),
    )


def to_inline(
    name: str, camera: Camera, photo: Path | None = None, offset: NDArray[np.float64] | None = None
) -> InlineView:
    """The camera as the engine's messages carry it. Raises ``UserError`` for an invalid one.

    ``offset`` [3] is the object's world offset: what the file's frame has more than the local one.
    """
    placed = camera if offset is None else camera.relative_to(-offset)
    rows: Any = tuple(tuple(float(cell) for cell in row) for row in placed.camera_from_world)
    return InlineView(
        name=name,
        width=camera.width,
        height=camera.height,
        fx=camera.fx,
        fy=camera.fy,
        cx=camera.cx,
        cy=camera.cy,
        camera_from_world=rows,
        photo=photo,
    )


def from_inline(view: InlineView, offset: NDArray[np.float64] | None = None) -> Camera:
    """The camera of a message in the local frame; without an offset, what ``to_inline`` wrote comes back exactly."""
    camera = Camera(
        view.width,
        view.height,
        view.fx,
        view.fy,
        view.cx,
        view.cy,
        np.array(view.camera_from_world, dtype=np.float64),
    )
    return camera if offset is None else camera.relative_to(offset)


def limited(camera: Camera, longest: int) -> Camera:
    """The camera, made smaller where its longer side has more than ``longest`` pixels."""
    factor = longest / max(camera.width, camera.height)
    if factor >= 1:
        return camera
    return camera.resized(max(1, round(camera.width * factor)), max(1, round(camera.height * factor)))


def _camera_from_file(
    camera_from_blender: NDArray[np.float64], matrix_world: ArrayLike, what: str
) -> NDArray[np.float64]:
    """The rigid part of camera_from_blender @ matrix_world, with the object's scale divided out."""
    scale, rotation, translation = decompose_similarity(matrix_world)
    turn = camera_from_blender[:3, :3]
    if not (
        np.isfinite(camera_from_blender).all()
        and np.allclose(turn @ turn.T, np.eye(3), atol=TOLERANCE)
        and np.linalg.det(turn) > 0
    ):
        raise UserError(
            f"{what} is mirrored or sheared, which a real camera cannot be. Reset its scale and that of its parents."
        )
    turn = nearest_rotation(turn)
    result = np.eye(4)
    result[:3, :3] = turn @ rotation
    result[:3, 3] = (turn @ translation + camera_from_blender[:3, 3]) / scale
    return result
