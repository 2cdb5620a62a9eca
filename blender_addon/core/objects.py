# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and colours of the objects in the list, and what becomes of labels when the list changes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.errors import UserError
from splatcut.messages import check_object_name, check_object_names

from .drawing import scene_linear

Colour = tuple[float, float, float]

#: What an object is called that nobody has named yet.
DEFAULT_NAME = "object"
#: Well told apart on grey, on photographs and by most colour-blind people (after Okabe and Ito; Kelly). Display (sRGB).
_PALETTE_HEX = (
    "E69F00 56B4E9 00B07A F0E442 2F6FDE E8501E D673B0 8FDC3A 7B4FC9 00D5CE B3424A F7A1A8 8C6B2F C9B7FF 4C8C3B"
)
#: Characters that ``check_object_name`` forbids, control characters aside.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_COUNTED = re.compile(r"^(.*)_(\d{1,6})$", re.DOTALL)
#: Bytes left for a counter at the end of a name.
_ROOM = 8


def palette() -> tuple[Colour, ...]:
    """The objects' colours in scene-linear Rec. 709, as Blender keeps colours."""
    return tuple(_linear(code) for code in _PALETTE_HEX.split())


def next_colour(taken: Iterable[Sequence[float]]) -> Colour:
    """The palette's colour that is used least among ``taken`` (scene-linear), the earliest of these."""
    colours = palette()
    counts = [0] * len(colours)
    for colour in taken:
        distances = [max(abs(a - b) for a, b in zip(colour, own, strict=False)) for own in colours]
        nearest = min(range(len(colours)), key=distances.__getitem__)
        if distances[nearest] < 0.02:
            counts[nearest] += 1
    return colours[min(range(len(colours)), key=counts.__getitem__)]


def name_key(name: str) -> str:
    """Equal for names that would be the same file on some system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def legal_name(wanted: str) -> str:
    """``wanted`` where it can be an object's name, or what is left of it after taking out what cannot."""
    name = "".join(c for c in wanted if unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp"))
    name = _FORBIDDEN.sub("_", name).strip().lstrip(".").rstrip(" .").strip()
    while len(name.encode("utf-8")) > _limit():
        name = name[:-1].rstrip(" .")
    if not name:
        return DEFAULT_NAME
    # What is still refused is a word that is taken: a device of Windows, or "background".
    return name if _allowed(name) else f"{name.split('.')[0].rstrip()}_object"


def unique_name(wanted: str, taken: Iterable[str]) -> str:
    """A legal name near ``wanted`` that no file system takes for one of ``taken``: "vase", "vase_2", "vase_3"."""
    name = legal_name(wanted)
    keys = {name_key(other) for other in taken}
    if name_key(name) not in keys:
        return name
    match = _COUNTED.match(name)
    stem, number = (match[1], int(match[2])) if match and match[1] else (name, 1)
    while len(stem.encode("utf-8")) > _limit() - _ROOM:
        stem = stem[:-1].rstrip(" .")
    while True:
        number += 1
        name = f"{stem}_{number}"
        if name_key(name) not in keys:
            return name


def name_problem(name: str, others: Iterable[str]) -> str | None:
    """A sentence on why an object beside ``others`` cannot have this name, or None."""
    try:
        check_object_names([*others, name])
    except UserError as error:
        return str(error)
    return None


def labels_after_removal(labels: ArrayLike, removed: int) -> NDArray[np.int32]:
    """Labels (0 background, k the k-th object) after the object with index ``removed`` (from 0) has gone."""
    old = np.asarray(labels, dtype=np.int32)
    return np.where(old == removed + 1, 0, old - (old > removed + 1)).astype(np.int32)


def labels_after_move(labels: ArrayLike, source: int, target: int) -> NDArray[np.int32]:
    """Labels after the object with index ``source`` has moved, so that it now has the index ``target``."""
    old = np.asarray(labels, dtype=np.int32)
    size = int(max(old.max(initial=0), source + 1, target + 1))
    order = list(range(size))
    order.insert(target, order.pop(source))
    new = np.zeros(size + 1, dtype=np.int32)
    for index, before in enumerate(order):
        new[before + 1] = index + 1
    return new[np.clip(old, 0, size)]


def labels_in_list(labels: ArrayLike, owners: Sequence[str], listed: Sequence[str]) -> NDArray[np.int32]:
    """Labels that count the list's objects, from a run's labels, which count the objects that it cut out.

    Args:
        labels: 0 background, k the k-th of ``owners``.
        owners: uids of the objects of the run; listed: uids of the list now. What has left the list is background.
    """
    places = {uid: number for number, uid in enumerate(listed, start=1)}
    return np.array([0, *(places.get(uid, 0) for uid in owners)], dtype=np.int32)[np.asarray(labels)]


def _allowed(name: str) -> bool:
    try:
        check_object_name(name)
    except UserError:
        return False
    return True


def _limit() -> int:
    from splatcut.messages.names import MAX_NAME_BYTES

    return MAX_NAME_BYTES


def _linear(code: str) -> Colour:
    red, green, blue = scene_linear([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)]).tolist()
    return red, green, blue
