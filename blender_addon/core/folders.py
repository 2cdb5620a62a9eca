# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in the cache folder of the scenes, and how large it may become."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path


def scene_folder(cache: Path, uid: str) -> Path:
    """What belongs to one splat object: its data as the worker reads it, previews, runs."""
    return cache / "scenes" / (re.sub(r"[^A-Za-z0-9_-]", "_", uid)[:64] or "scene")


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder and below."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink():
                total += path.stat().st_size
    return total


def trim(cache: Path, keep: Path | None, max_bytes: int) -> None:
    """Removes the scenes' folders that were not used for longest until all together take ``max_bytes`` at most.

    Args:
        keep: a scene's folder that stays in any case.
    """
    folders: list[tuple[float, int, Path]] = []
    with contextlib.suppress(OSError):
        for folder in (cache / "scenes").iterdir():
            if folder.is_dir() and not folder.is_symlink():
                folders.append((folder.stat().st_mtime, size_of(folder), folder))
    total = sum(size for _, size, _ in folders)
    for _, size, folder in sorted(folders):
        if total <= max_bytes:
            return
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
