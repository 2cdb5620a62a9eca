# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The ``cameras.json`` that 3D Gaussian Splatting trainers leave beside their result.

A list of objects with ``id``, ``img_name``, ``width``, ``height``, ``position`` (the camera's centre), ``rotation``
(rows of world_from_camera, OpenCV axes), ``fx`` and ``fy``. The principal point is the image's centre; the keys
``cx`` and ``cy``, our addition, say where it is otherwise.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.lens import Lens
from splatcut.cameras.rigid import inverse, rigid
from splatcut.cameras.source import DataSet, SourceView, number, size_in_pixels
from splatcut.errors import UserError
from splatcut.files import atomic_path
from splatcut.images import without_suffix
from splatcut.messages.findings import Finding
from splatcut.scene.camera import View


def is_cameras_json(content: Any) -> bool:
    """Whether parsed JSON looks like a 3DGS ``cameras.json``."""
    return (
        isinstance(content, list)
        and all(isinstance(entry, dict) for entry in content)
        and any("rotation" in entry for entry in content)
    )


def read_cameras_json(path: Path, content: list[dict[str, Any]]) -> DataSet:
    """The views of a 3DGS ``cameras.json``. World axes are the trained scene's."""
    views = []
    for index, entry in enumerate(content):
        name = entry.get("img_name")
        if not isinstance(name, str) or not name:
            raise UserError(f"Camera {index} in {path} has no image name ('img_name').")
        where = f"The camera of {name} in {path}"
        for key in ("position", "rotation"):
            if key not in entry:
                raise UserError(f"{where} has no value for {key!r}.")
        width, height = size_in_pixels(entry, "width", where), size_in_pixels(entry, "height", where)
        cx = number(entry, "cx", where) if "cx" in entry else width / 2
        cy = number(entry, "cy", where) if "cy" in entry else height / 2
        lens = Lens("PINHOLE", width, height, (number(entry, "fx", where), number(entry, "fy", where), cx, cy)).check(
            where
        )
        views.append(SourceView(name, inverse(rigid(entry["rotation"], entry["position"], where)), lens))
    folder = path.parent
    folders = [folder / "images", folder.parent / "images", *_trained_from(folder)]
    views, findings = _told_apart(views, path)
    return DataSet(path, views, folders, findings=findings)


def _told_apart(views: list[SourceView], path: Path) -> tuple[list[SourceView], tuple[Finding, ...]]:
    """The views, those that share a name with a number behind it, and without photos.

    3DGS cuts photos' names at the first dot, and off their folders: IMG.0001.jpg and IMG.0002.jpg both become IMG.
    """
    uses = Counter(view.file_name for view in views)
    if len(uses) == len(views):
        return views, ()
    seen: Counter[str] = Counter()
    made = []
    for view in views:
        name = view.file_name
        if uses[name] > 1:
            seen[name] += 1
            view = replace(view, file_name=f"{without_suffix(name)}_{seen[name]:04d}", has_photo=False)
        made.append(view)
    name, count = uses.most_common(1)[0]
    finding = Finding(
        "warning",
        f"{path.name} has {count} cameras named {name!r}. Trainers cut the names of photos at the first dot, so there "
        "is no telling which photo belongs to which camera. Cameras that share a name are called "
        f"{without_suffix(name)}_0001 and so on, and are used without photos.",
        str(path),
        "To use the photos, give the COLMAP model that the scene was trained from as the cameras.",
    )
    return made, (finding,)


def _trained_from(folder: Path) -> list[Path]:
    """The photos' folder that the trainer noted in ``cfg_args`` beside its result, if it is on this machine."""
    try:
        text = (folder / "cfg_args").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    values = dict(re.findall(r"\b(source_path|images)='([^'\n]+)'", text))
    return [Path(values["source_path"]) / values.get("images", "images")] if "source_path" in values else []


def save_cameras(path: Path, views: list[View], offset: NDArray[np.float64] | None = None) -> None:
    """Writes the views' pinhole cameras as a 3DGS ``cameras.json`` with ``cx`` and ``cy`` added.

    ``offset`` [3] is the world offset that the views are relative to.

    Reading it again gives the same cameras, to rounding in the last place, under the same names. The cameras are those
    of undistorted photos, which is what belongs beside such a file.
    """
    entries = []
    for index, view in enumerate(views):
        camera = view.camera
        world_from_camera = inverse(camera.camera_from_world)
        place = world_from_camera[:3, 3] if offset is None else world_from_camera[:3, 3] + offset
        entries.append(
            {
                "id": index,
                "img_name": view.name,
                "width": camera.width,
                "height": camera.height,
                "position": place.tolist(),
                "rotation": world_from_camera[:3, :3].tolist(),
                "fx": float(camera.fx),
                "fy": float(camera.fy),
                "cx": float(camera.cx),
                "cy": float(camera.cy),
            }
        )
    text = "[\n" + ",\n".join(json.dumps(entry, allow_nan=False, ensure_ascii=False) for entry in entries) + "\n]\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
