# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``transforms.json`` of nerfstudio, instant-ngp and the synthetic Blender scenes.

``transform_matrix`` maps OpenGL camera axes (x right, y up, z backward) to the file's world, which is kept as it is.
Two other worlds are in use around such files, and a splat may have been trained in any of the three:

- COLMAP's. nerfstudio turns COLMAP's world by ``applied_transform`` before it writes the file. A splat trained by a
  3DGS trainer on the COLMAP model itself lies in COLMAP's world: give the COLMAP folder as cameras, which usually
  lies beside the file as ``colmap/sparse/0``.
- nerfstudio's training world, turned, centred and scaled. Splats that nerfstudio exports lie there. It writes the way
  there to ``dataparser_transforms.json`` in its training output; when a copy of that lies beside ``transforms.json``,
  it is applied. That way leads from COLMAP's world, so ``applied_transform`` and ``applied_scale`` are undone first.

nerfstudio takes intrinsics from the top of the file before a frame's, instant-ngp the other way round. Where both are
there and differ, the top counts beside ``dataparser_transforms.json``, else the frame, and a finding says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.lens import PANORAMA, Lens, panorama
from splatcut.cameras.rigid import OPENCV_FROM_OPENGL, inverse, rigid
from splatcut.cameras.source import DataSet, SourceView, number, read_json, size_in_pixels
from splatcut.errors import UserError
from splatcut.messages.findings import Finding

_DISTORTION = ("k1", "k2", "k3", "k4", "p1", "p2")
_INTRINSICS = (
    *("fl_x", "fl_y", "camera_angle_x", "camera_angle_y", "cx", "cy", "w", "h", "distortion_params", *_DISTORTION),
    *("camera_model", "is_fisheye"),
)
#: Keys that say one thing.
_TOGETHER = (
    ("fl_x", "camera_angle_x"),
    ("fl_y", "camera_angle_y"),
    ("distortion_params", *_DISTORTION),
    ("camera_model", "is_fisheye"),
)
_PERSPECTIVE = {"OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "FULL_OPENCV", "PERSPECTIVE"}


#: nerfstudio trains in a world of about unit size and draws what is this far from the camera or farther.
_TRAINING_NEAR = 0.01


def is_transforms(content: Any) -> bool:
    """Whether parsed JSON looks like a ``transforms.json``."""
    return isinstance(content, dict) and isinstance(content.get("frames"), list)


def read_transforms(path: Path, content: dict[str, Any]) -> DataSet:
    """The views of a ``transforms.json``.

    Intrinsics stand in a frame or, for all frames, at the top: ``fl_x``, ``fl_y`` or ``camera_angle_x``,
    ``camera_angle_y``, then ``cx``, ``cy``, ``w``, ``h``, ``k1`` to ``k4``, ``p1``, ``p2``, ``camera_model`` or
    ``is_fisheye``; ``distortion_params`` holds k1 to k4, p1 and p2 as a list. Without ``w`` and ``h`` the photo's size
    is taken.
    """
    to_training = _training_world(path.parent, content, path)
    top = {key: value for key, value in content.items() if key != "frames"}
    views, differing, contradicting = [], [], False
    for index, frame in enumerate(content["frames"]):
        name = frame.get("file_path") if isinstance(frame, dict) else None
        if not isinstance(name, str) or not name:
            raise UserError(f"Frame {index} in {path} has no photo ('file_path').")
        where = f"The frame {name} in {path}"
        values = _merged(frame, top) if to_training is None else _merged(top, frame)
        differing += [key for key in _INTRINSICS if key in top and key in frame and top[key] != frame[key]]
        if "transform_matrix" not in values:
            raise UserError(f"{where} has no pose ('transform_matrix').")
        world_from_camera = _matrix(values["transform_matrix"], where)
        if to_training is not None:
            world_from_camera = to_training(world_from_camera)
        views.append(SourceView(name, inverse(world_from_camera @ OPENCV_FROM_OPENGL), _lens(values, where)))
        contradicting = contradicting or _contradicts_itself(values)
    folders = [path.parent, path.parent / "images"]
    near = 0.2 if to_training is None else _TRAINING_NEAR
    found = (*_differing(differing, to_training is not None, path), *([_two_lenses(path)] if contradicting else []))
    return DataSet(path, views, folders, near, found)


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """All values, those of ``first`` before ``second``, and of each group of ``_TOGETHER`` only one side's."""
    values = {**second, **first}
    for group in _TOGETHER:
        if any(first.get(key) is not None for key in group):
            for key in group:
                if key not in first:
                    values.pop(key, None)
    return values


def _differing(keys: list[str], by_nerfstudio: bool, path: Path) -> tuple[Finding, ...]:
    """What is to say about intrinsics that stand at the top of the file and differently in frames."""
    if not keys:
        return ()
    who, other = ("at the top", "in the frames") if by_nerfstudio else ("in the frames", "at the top")
    names = ", ".join(key for key in _INTRINSICS if key in keys)
    return (
        Finding(
            "warning",
            f"The intrinsics {names} at the top of {path.name} differ from those in its frames. Those {who} are used, "
            f"as in {'nerfstudio' if by_nerfstudio else 'instant-ngp'}.",
            str(path),
            f"If renders do not match the photos, remove those {who}, so that those {other} are used.",
        ),
    )


def _contradicts_itself(values: dict[str, Any]) -> bool:
    """Whether the list of distortions says something else than single ones beside it."""
    listed = values.get("distortion_params")
    return isinstance(listed, list) and any(
        values.get(key) is not None and values[key] != entry for key, entry in zip(_DISTORTION, listed, strict=False)
    )


def _two_lenses(path: Path) -> Finding:
    return Finding(
        "warning",
        f"{path.name} has distortion twice: as the list 'distortion_params' and, with other values, as k1 and the "
        "like. The list is used, as nerfstudio does.",
        str(path),
        "If renders do not fit the photos, remove the list, so that the single values count.",
    )


def _matrix(value: Any, where: str) -> NDArray[np.float64]:
    try:
        matrix = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where} has a matrix that does not consist of numbers. The file is damaged.") from error
    if matrix.shape not in ((3, 4), (4, 4)):
        raise UserError(
            f"{where} has a matrix of shape {matrix.shape}; expected (4, 4) or (3, 4). The file is damaged."
        )
    return rigid(matrix[:3, :3], matrix[:3, 3], where)


def _scale(values: dict[str, Any], key: str, where: str) -> float:
    scale = number(values, key, where) if key in values else 1.0
    if not (math.isfinite(scale) and scale > 0):
        raise UserError(f"{where} has a scale of {scale:g} ({key!r}); it must be above zero.")
    return scale


def _training_world(
    folder: Path, transforms: dict[str, Any], where: Path
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]] | None:
    """How poses get into the world that nerfstudio trained in, from ``dataparser_transforms.json`` if it is there.

    That file leads there from the world before ``applied_transform`` and ``applied_scale`` of ``transforms``.
    """
    path = folder / "dataparser_transforms.json"
    if not path.is_file():
        return None
    content = read_json(path)
    if not isinstance(content, dict) or "transform" not in content:
        raise UserError(
            f"{path} has no 'transform', so it is not nerfstudio's. Remove it or copy it again from the training "
            "output."
        )
    training_from_file = _matrix(content["transform"], str(path))
    if transforms.get("applied_transform") is not None:
        training_from_file = training_from_file @ inverse(_matrix(transforms["applied_transform"], str(where)))
    scale = _scale(content, "scale", str(path)) / _scale(transforms, "applied_scale", str(where))

    def moved(world_from_camera: NDArray[np.float64]) -> NDArray[np.float64]:
        result = training_from_file @ world_from_camera
        result[:3, 3] *= scale
        return result

    return moved


def _lens(values: dict[str, Any], where: str) -> Lens | Callable[[int, int], Lens]:
    if "w" in values and "h" in values:
        return _lens_of_size(values, where, size_in_pixels(values, "w", where), size_in_pixels(values, "h", where))
    return lambda width, height: _lens_of_size(values, where, width, height)


def _lens_of_size(values: dict[str, Any], where: str, width: int, height: int) -> Lens:
    fx, fy = _focal(values, where, width, height)
    cx = number(values, "cx", where) if "cx" in values else width / 2
    cy = number(values, "cy", where) if "cy" in values else height / 2
    k1, k2, k3, k4, p1, p2 = _distortion(values, where)
    named = str(values.get("camera_model", "OPENCV")).upper()
    pinhole = (fx, fy, cx, cy)
    if named == "OPENCV_FISHEYE" or values.get("is_fisheye") is True:
        lens = Lens("OPENCV_FISHEYE", width, height, (*pinhole, k1, k2, k3, k4))
    elif named == PANORAMA[0]:
        raise panorama(where)
    elif named not in _PERSPECTIVE:
        raise UserError(
            f"{where} has the camera model {named}, which SplatCut does not know. Supported are OPENCV, PINHOLE and "
            "OPENCV_FISHEYE; undistort the photos first."
        )
    elif k4:
        raise UserError(
            f"{where} has a fourth radial distortion (k4 = {k4:g}), which only OPENCV_FISHEYE has. Undistort the "
            "photos first."
        )
    elif k3:
        lens = Lens("FULL_OPENCV", width, height, (*pinhole, k1, k2, p1, p2, k3, 0.0, 0.0, 0.0))
    elif k1 or k2 or p1 or p2:
        lens = Lens("OPENCV", width, height, (*pinhole, k1, k2, p1, p2))
    else:
        lens = Lens("PINHOLE", width, height, pinhole)
    return lens.check(where)


def _distortion(values: dict[str, Any], where: str) -> list[float]:
    """k1 to k4, p1, p2; a list of them counts before single ones, as in nerfstudio."""
    listed = values.get("distortion_params")
    if listed is None:
        return [number(values, key, where) if values.get(key) is not None else 0.0 for key in _DISTORTION]
    if not isinstance(listed, list) or len(listed) != len(_DISTORTION):
        raise UserError(
            f"{where} has 'distortion_params' that are not a list of {len(_DISTORTION)} numbers "
            f"({', '.join(_DISTORTION)}). Correct them, or export the cameras again."
        )
    numbered: dict[str, Any] = dict(zip(_DISTORTION, listed, strict=True))
    return [number(numbered, key, f"{where}, in 'distortion_params',") for key in _DISTORTION]


def _focal(values: dict[str, Any], where: str, width: int, height: int) -> tuple[float, float]:
    def of(length_key: str, angle_key: str, size: int) -> float | None:
        if values.get(length_key) is not None:
            return number(values, length_key, where)
        if values.get(angle_key) is None:
            return None
        angle = number(values, angle_key, where)
        if not 0 < angle < math.pi:
            raise UserError(
                f"{where} has a field of view of {angle:g} radians ({angle_key!r}); it must lie between 0 and "
                f"{math.pi:.3f}."
            )
        return 0.5 * size / math.tan(0.5 * angle)

    fx, fy = of("fl_x", "camera_angle_x", width), of("fl_y", "camera_angle_y", height)
    if fx is None and fy is None:
        raise UserError(
            f"{where} has no focal length: 'fl_x' or 'camera_angle_x' is missing, in the frame and at the top of "
            "the file."
        )
    return (fx if fx is not None else fy) or 0.0, (fy if fy is not None else fx) or 0.0
