# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""COLMAP sparse models, binary and text: the cameras and the poses.

Read here instead of through pycolmap, which reads the 3D points along with them (slow, and it refuses models whose
points were removed) and accepts cut-off files with zeros for what is missing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.lens import MODEL_NAMES, MODELS, PANORAMA, Lens, panorama
from splatcut.cameras.rigid import rigid, rotation_from_wxyz
from splatcut.cameras.source import DataSet, SourceView, read_bytes
from splatcut.errors import UserError
from splatcut.messages.findings import Finding


def _places(folder: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """Where a model may lie in or under a folder, the suffix of its files, and which of the two needed are there."""
    for place in (folder, *_parts(folder / "sparse"), folder / "sparse", *_parts(folder / "colmap/sparse"),
                  *_parts(folder)):  # fmt: skip
        for suffix in ("bin", "txt"):
            found = [name for name in ("cameras", "images") if (place / f"{name}.{suffix}").is_file()]
            yield place, suffix, found


def _parts(folder: Path) -> list[Path]:
    """The folders 0, 1, ... in which COLMAP writes the models that a capture fell into."""
    try:
        return sorted((path for path in folder.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    except OSError:
        return []


def find_model(folder: Path) -> Path | None:
    """The folder with the model in or under ``folder`` (``sparse/0``, ``sparse``), or None.

    Of several that COLMAP wrote side by side (``sparse/0``, ``sparse/1``) it is the one with the most images.
    """
    model = next((place for place, _, found in _places(folder) if len(found) == 2), None)
    if model is None or model == folder or not model.name.isdecimal():
        return model
    # The first of those with equally many.
    return max(_siblings(model), key=lambda item: (item[1], -int(item[0].name)))[0]


def _siblings(model: Path) -> list[tuple[Path, int]]:
    """The models beside one, itself included, with how many images they have."""
    found = [model, *(path for path in _parts(model.parent) if path != model)] if model.name.isdecimal() else [model]
    return [(path, count) for path in found if (count := _image_count(path)) is not None]


def _image_count(model: Path) -> int | None:
    """How many images a model has as far as its file says; None where there is no model."""
    try:
        if (model / "cameras.bin").is_file() and (model / "images.bin").is_file():
            with (model / "images.bin").open("rb") as stream:
                return int.from_bytes(stream.read(8), "little")
        if (model / "cameras.txt").is_file() and (model / "images.txt").is_file():
            with (model / "images.txt").open("rb") as stream:
                return sum(not line.startswith(b"#") for line in stream) // 2
    except OSError:
        pass
    return None


def _others(model: Path) -> tuple[Finding, ...]:
    """What is to say about models beside this one."""
    counts = dict(_siblings(model))
    own = counts.pop(model, 0)
    if not counts:
        return ()

    def images(count: int) -> str:
        return f"{count} image{'' if count == 1 else 's'}"

    names = ", ".join(f"{path.name} ({images(count)})" for path, count in counts.items())
    return (
        Finding(
            "warning",
            f"COLMAP split this capture into {len(counts) + 1} unconnected models. {model} ({images(own)}) is used; "
            f"beside it there are {names}.",
            str(model),
            "If the scene was trained from another model, give that model's folder as the cameras. Masks and prompts "
            "of photos that only the others have cannot be used with this one.",
        ),
    )


def half_a_model(folder: Path) -> str | None:
    """A sentence about a model in or under ``folder`` of which a file is missing, or None when there is none at all."""
    for place, suffix, found in _places(folder):
        if len(found) == 1:
            missing = "images" if found[0] == "cameras" else "cameras"
            return (
                f"{place} has {found[0]}.{suffix}, but {missing}.{suffix} is missing beside it. "
                "Copy the whole COLMAP model."
            )
    return None


def read_model(model: Path, given: Path) -> DataSet:
    """The views of a COLMAP model folder. World axes are the model's own.

    Binary files are preferred where both kinds lie there, as COLMAP does. Raises ``UserError`` for damaged files,
    unknown camera models and impossible values.
    """
    if (model / "cameras.bin").is_file() and (model / "images.bin").is_file():
        lenses, posed = _read_cameras_bin(model / "cameras.bin"), _read_images_bin(model / "images.bin")
    else:
        lenses, posed = _read_cameras_txt(model / "cameras.txt"), _read_images_txt(model / "images.txt")
    if not posed:
        raise UserError(
            f"The COLMAP model in {model} has no registered images, so there are no cameras to use. Run the "
            "reconstruction again."
        )
    views = []
    for name, camera_id, quaternion, translation in posed:
        where = f"The image {name} in {model}"
        if camera_id not in lenses:
            raise UserError(
                f"{where} uses camera {camera_id}, which the model does not have. The files do not belong together."
            )
        views.append(
            SourceView(name, rigid(rotation_from_wxyz(quaternion, where), translation, where), lenses[camera_id])
        )
    folders = [given / "images", model / "images", model.parent / "images", model.parent.parent / "images"]
    if model.parent.parent.name == "colmap":
        folders.append(model.parent.parent.parent / "images")
    return DataSet(model, views, folders, findings=_others(model))


_Posed = tuple[str, int, NDArray[np.float64], NDArray[np.float64]]


class _Bytes:
    """Reads little-endian values one after the other; a cut-off file is a sentence."""

    def __init__(self, path: Path) -> None:
        self.path, self.data, self.at = path, read_bytes(path), 0

    def take(self, layout: str) -> tuple[float, ...]:
        size = struct.calcsize("<" + layout)
        self.skip(size)
        return struct.unpack_from("<" + layout, self.data, self.at - size)

    def skip(self, size: int) -> None:
        if self.at + size > len(self.data):
            raise self.damaged(f"it ends after {len(self.data)} bytes, in the middle of an entry")
        self.at += size

    def text(self) -> str:
        start, end = self.at, self.data.find(b"\0", self.at)
        if end < 0 or end - start > 4096:
            raise self.damaged(f"there is no image name at byte {start}")
        self.at = end + 1
        try:
            return self.data[start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.damaged(f"the image name at byte {start} is not text") from error

    def count(self, smallest: int) -> int:
        """A number of entries of at least ``smallest`` bytes each."""
        count = int(self.take("Q")[0])
        if count * smallest > len(self.data) - self.at:
            raise self.damaged(f"it declares {count} entries, more than its {len(self.data)} bytes can hold")
        return count

    def end(self) -> None:
        if self.at != len(self.data):
            raise self.damaged(f"{len(self.data) - self.at} bytes follow its last entry")

    def damaged(self, detail: str) -> UserError:
        return UserError(f"{self.path} is damaged: {detail}. Copy it again or rerun COLMAP.")


def _read_cameras_bin(path: Path) -> dict[int, Lens]:
    data = _Bytes(path)
    lenses: dict[int, Lens] = {}
    for _ in range(data.count(24)):
        camera_id, model, width, height = (int(value) for value in data.take("IiQQ"))
        where = f"Camera {camera_id} in {path}"
        if model == PANORAMA[1]:
            raise panorama(where)
        if model not in MODEL_NAMES:
            raise UserError(
                f"{where} has the camera model number {model}, which SplatCut does not know. Either the file is "
                "damaged, or a newer COLMAP wrote it; in that case, undistort the photos to PINHOLE first."
            )
        name = MODEL_NAMES[model]
        params = data.take(f"{sum(MODELS[name][1:]) + 2}d")
        lenses[camera_id] = Lens(name, width, height, params).check(where)
    data.end()
    return lenses


def _read_images_bin(path: Path) -> list[_Posed]:
    data = _Bytes(path)
    posed: list[_Posed] = []
    for _ in range(data.count(73)):
        _, qw, qx, qy, qz, tx, ty, tz, camera_id = data.take("I7dI")
        name = data.text()
        data.skip(24 * data.count(24))
        posed.append((name, int(camera_id), np.array([qw, qx, qy, qz]), np.array([tx, ty, tz])))
    data.end()
    return posed


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file. Copy the COLMAP model again.") from error
    return [
        (number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if not line.lstrip().startswith("#")
    ]


def _read_cameras_txt(path: Path) -> dict[int, Lens]:
    lenses: dict[int, Lens] = {}
    for number, line in _lines(path):
        if not line:
            continue
        fields = line.split()
        try:
            camera_id, model, size, params = (
                int(fields[0]),
                fields[1],
                (int(fields[2]), int(fields[3])),
                tuple(float(field) for field in fields[4:]),
            )
        except (ValueError, IndexError) as error:
            raise UserError(
                f"Line {number} of {path} is not a camera. Expected: camera ID, model, width, height, parameters."
            ) from error
        lenses[camera_id] = Lens(model, *size, params).check(f"Camera {camera_id} in {path}")
    return lenses


def _read_images_txt(path: Path) -> list[_Posed]:
    posed: list[_Posed] = []
    lines = iter(_lines(path))
    for number, line in lines:
        if not line:
            continue
        fields = line.split(maxsplit=9)
        try:
            pose, camera_id, name = np.array([float(field) for field in fields[1:8]]), int(fields[8]), fields[9]
        except (ValueError, IndexError) as error:
            raise UserError(
                f"Line {number} of {path} is not an image. Expected: image ID, quaternion (w x y z), translation, "
                "camera ID, name, and then a line of "
                "points, which may be empty."
            ) from error
        posed.append((name, camera_id, pose[:4], pose[4:]))
        next(lines, None)  # the image's 2D points, an empty line where there are none
    return posed
