# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What every camera reader hands on: a view as its data set describes it, before its photo is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.lens import Lens
from splatcut.errors import UserError
from splatcut.messages.findings import Finding


@dataclass(frozen=True, eq=False)
class SourceView:
    """One view of a data set.

    Attributes:
        file_name: the photo's name in the data set, with folders where it has them; the suffix may be missing.
        camera_from_world: [4, 4] float64 rigid transform to OpenCV camera axes.
        lens: the photo's lens, or, in files that do not give the photos' size, the lens as a function of width and
            height.
        has_photo: whether its name says which photo it belongs to.
    """

    file_name: str
    camera_from_world: NDArray[np.float64]
    lens: Lens | Callable[[int, int], Lens]
    has_photo: bool = True


@dataclass(frozen=True)
class DataSet:
    """The views of a data set.

    Attributes:
        path: the file or folder that was read.
        views: its views, in its order.
        photo_folders: where its photos usually lie, likeliest first.
        near: the cameras' near plane, world units, as the trainer of such a data set draws it.
        findings: what its reader decided that is worth saying.
    """

    path: Path
    views: list[SourceView]
    photo_folders: list[Path]
    near: float = 0.2
    findings: tuple[Finding, ...] = ()


def read_bytes(path: Path) -> bytes:
    """A file's content; raises ``UserError`` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error


def read_json(path: Path) -> Any:
    """A JSON file's content; raises ``UserError`` with the place of the mistake."""
    try:
        return json.loads(read_bytes(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file, so it cannot hold cameras as JSON.") from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path} is not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}. The file may be "
            "truncated."
        ) from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply to be a file of cameras.") from error


def number(entry: dict[str, Any], key: str, where: str) -> float:
    """The number at ``key``; raises ``UserError`` when it is missing or no number. It may still be NaN."""
    if key not in entry:
        raise UserError(f"{where} has no value for {key!r}.")
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{where} has {value!r} as {key!r}, where a number is expected.")
    try:
        return float(value)
    except OverflowError as error:
        raise UserError(f"{where} has a value for {key!r} that is too large.") from error


def size_in_pixels(entry: dict[str, Any], key: str, where: str) -> int:
    """The whole number above zero at ``key``."""
    value = number(entry, key, where)
    if not (0 < value < 2**31) or value != round(value):
        raise UserError(f"{where} has an image size of {key!r} = {value:g}, which is not a whole number of pixels.")
    return int(value)
