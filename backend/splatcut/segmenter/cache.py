# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings on disk, keyed by the content of the image and of the model (method: masks)."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError, is_memory_problem
from splatcut.files import atomic_path
from splatcut.segmenter.types import Embedding, Segmenter

DEFAULT_MAX_BYTES = 2 << 30
_LAYOUT = b"splatcut-embedding-1"


class EmbeddingCache:
    """Embeddings in ``folder``, at most ``max_bytes`` together; the least recently used go first.

    Features are stored as float16 (the masks do not change noticeably) and ``encode`` gives the rounded features the
    first time too, so a run that was interrupted and continued computes the same as an undisturbed one. A damaged file
    is computed anew. A cache that cannot be written costs time, never the work: ``problem`` then says why.
    """

    def __init__(self, folder: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        if max_bytes < 0:
            raise ValueError("The cache's max_bytes must not be negative.")
        self.folder = Path(folder)
        self.max_bytes = max_bytes
        self.misses = 0
        self.problem: str | None = None

    def encode(self, segmenter: Segmenter, image: NDArray[np.uint8]) -> Embedding:
        """The model's embedding of a uint8 [H, W, 3] image, from disk when it is there."""
        path = self.path(segmenter, image)
        features = _read(path)
        if features is not None:
            with contextlib.suppress(OSError):
                os.utime(path)  # the time of last use decides what goes first
            return Embedding(features, segmenter.frame(image.shape[1], image.shape[0]))
        self.misses += 1
        computed = segmenter.encode(image)
        with np.errstate(over="ignore"):
            stored = {name: value.astype(np.float16) for name, value in computed.features.items()}
        if not all(np.isfinite(value).all() for value in stored.values()):
            return computed  # beyond float16's range; no such model is known
        self._write(path, stored)
        return Embedding({name: value.astype(np.float32) for name, value in stored.items()}, computed.frame)

    def path(self, segmenter: Segmenter, image: NDArray[np.uint8]) -> Path:
        """The file that keeps this model's embedding of this image."""
        digest = hashlib.sha256(_LAYOUT)
        digest.update(f"|{segmenter.fingerprint}|{image.shape[0]}x{image.shape[1]}|".encode())
        digest.update(np.ascontiguousarray(image).tobytes())
        return self.folder / f"{digest.hexdigest()}.npz"

    def size(self) -> int:
        """Bytes of all embeddings in the folder."""
        return sum(size for _, size, _ in self._entries())

    def _write(self, path: Path, features: dict[str, NDArray[np.float16]]) -> None:
        if sum(value.nbytes for value in features.values()) > self.max_bytes:
            return
        try:
            with atomic_path(path) as temporary, temporary.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **features)
        except (UserError, OSError) as error:
            self.problem = f"Image embeddings cannot be cached in {self.folder} and are recomputed each time. {error}"
            return
        self._evict(keep=path)

    def _entries(self) -> list[tuple[int, int, Path]]:
        """(time of last use in ns, bytes, path) of every embedding."""
        entries: list[tuple[int, int, Path]] = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as found:
            for entry in found:
                # A name starting with a dot is one being written, perhaps by another process.
                if entry.name.endswith(".npz") and not entry.name.startswith("."):
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        entries.append((status.st_mtime_ns, status.st_size, Path(entry.path)))
        return entries

    def _evict(self, keep: Path) -> None:
        entries = sorted(self._entries(), key=lambda entry: entry[0])
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self.max_bytes:
                return
            if path != keep:
                with contextlib.suppress(OSError):
                    path.unlink()
                    total -= size


def _read(path: Path) -> dict[str, NDArray[np.float32]] | None:
    """The features in a file, or None when it is missing or damaged (every array is checked by the archive's CRC)."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            features = {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged file makes the readers of archives and arrays fail in many ways
        if is_memory_problem(error):
            raise
        return None
    if not features or any(value.dtype != np.float16 for value in features.values()):
        return None
    return {name: value.astype(np.float32) for name, value in features.items()}
