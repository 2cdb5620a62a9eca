# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the worker keeps in memory between requests, so that a click renews only what it changes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.pictures import WorkingView
from splatcut.lift.vote import Neighbours, ViewSums, unseen_neighbours
from splatcut.masks.prompted import PixelPrompt
from splatcut.masks.scene_segmenter import SceneSegmenter
from splatcut.pipeline.inputs import view_content
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32
from splatcut.segmenter import Embedding

if TYPE_CHECKING:
    from splatcut.raster.cpu import Prepared

T = TypeVar("T")


class Store:
    """Results by key, at most ``max_bytes`` together; the least recently used go first."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under ``key``, made when it is not there."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]
        value = make()
        taken = bytes_of(value)
        if taken <= self.max_bytes:
            self._kept[key] = value, taken
            self.bytes += taken
            while self.bytes > self.max_bytes:
                _, (_, freed) = self._kept.popitem(last=False)
                self.bytes -= freed
        return value

    def find(self, key: Hashable) -> Any:
        """What is kept under ``key``, or None."""
        return self._kept[key][0] if key in self._kept else None

    def clear(self) -> None:
        """Forgets everything."""
        self._kept.clear()
        self.bytes = 0


def bytes_of(value: Any) -> int:
    """Bytes of the arrays in a value: an array, or a dataclass, mapping or tuple of such; else a little."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if is_dataclass(value):
        return sum(bytes_of(getattr(value, item.name)) for item in fields(value))
    if isinstance(value, Mapping):
        return sum(map(bytes_of, value.values()))
    return sum(map(bytes_of, value)) if isinstance(value, tuple) else 8


def view_key(view: View) -> str:
    """Tells views apart by what they show: camera, photo (its file, time and size) and lens, not by name."""
    digest = hashlib.blake2b(view_content(view), digest_size=16)
    if view.photo is not None:
        try:
            status = view.photo.stat()
            digest.update(f"{view.photo}|{status.st_mtime_ns}|{status.st_size}".encode())
        except OSError:  # reading it will say so
            digest.update(str(view.photo).encode())
    return digest.hexdigest()


def content_key(*arrays: NDArray[Any] | None) -> str:
    """Tells arrays apart by what is in them."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(b"none" if array is None else f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def said_key(said: PixelPrompt) -> str:
    """Tells apart what was said in a view."""
    return content_key(said.points, said.labels, said.box, said.mask)


@dataclass(frozen=True, eq=False)
class CachedSegmenter(SceneSegmenter):
    """SceneSegmenter that see everything once.

    Attributes:
        store: what was seen, which belongs to this scene and model.
        drawings: what drawing the views begins with. Kept apart, since in large scenes it would drive out all else.
    """

    store: Store = field(default_factory=lambda: Store(768 << 20))
    drawings: Store = field(default_factory=lambda: Store(256 << 20))

    def has_embedding(self, view: WorkingView) -> bool:
        """Whether the view's embedding is at hand."""
        return ("embedding", view_key(view.view)) in self.store

    def embedding(self, view: WorkingView) -> Embedding:
        return self.store.get(("embedding", view_key(view.view)), lambda: SceneSegmenter.embedding(self, view))

    def depth(self, view: View) -> tuple[F32, F32]:
        return self.store.get(("depth", view_key(view)), lambda: SceneSegmenter.depth(self, view))

    def alpha(self, view: View) -> F32:
        """[h, w] of what a view draws."""
        return 1.0 - self.depth(view)[1]

    def mask(self, said: PixelPrompt, view: WorkingView) -> F32:
        key = ("mask", view_key(view.view), said_key(said))
        return self.store.get(key, lambda: SceneSegmenter.mask(self, said, view))

    def lift(self, view: View, masks: F32) -> ViewSums:
        key = ("lift", view_key(view), content_key(masks))
        return self.store.get(key, lambda: SceneSegmenter.lift(self, view, masks))

    def prepared(self, view: View) -> Prepared | None:
        return self.drawings.get(view_key(view), lambda: raster.prepare(self.gaussians, view.camera, self.device))

    def neighbours(self, means: F32, seen: NDArray[np.bool_]) -> Neighbours:
        """``unseen_neighbours`` of this scene."""
        return self.store.get(("neighbours", content_key(np.packbits(seen))), lambda: unseen_neighbours(means, seen))
