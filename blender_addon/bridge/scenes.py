# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A splat object as the worker gets it: its data as they are now, in a file of this Blender's own.

The file that the object was imported from is never needed again: the .blend may have moved to another machine.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import bpy

from splatcut.errors import UserError
from splatcut.files import write_problem
from splatcut.formats import write_splats

from ..core import folders, jobs
from ..core.session import Scene
from . import splats, worker

#: uid -> key of the data that stand in its file, and the file.
_written: dict[str, tuple[Any, Path]] = {}
_swept = False


def folder(uid: str) -> Path:
    """What belongs to a splat object in the cache, for all Blenders: its runs."""
    return folders.scene_folder(worker.cache(), uid)


def working_folder(uid: str) -> Path:
    """This Blender's own files of a splat object."""
    return jobs.working_folder(folder(uid))


def scene(uid: str) -> Scene:
    """The object's data for ``Task``; they are written when the worker needs them. Raises ``UserError``."""
    obj = find(uid)
    return Scene((uid, splats.arrays(obj).key), lambda: write(uid))


def find(uid: str) -> bpy.types.Object:
    """The splat object. Raises ``UserError`` when it is gone."""
    obj = splats.find(uid)
    if obj is None:
        raise UserError("The splat object no longer exists. Undo its deletion, or select another one.")
    return obj


def write(uid: str, *, run: bool = False) -> Path:
    """Writes the object's data, if they are not there already; returns the file. Raises ``UserError``."""
    global _swept
    obj = find(uid)
    arrays = splats.arrays(obj)
    path = working_folder(uid) / "scene.ply"
    if not _swept:
        _swept = True
        jobs.remove_dead_sessions(worker.cache() / "scenes")
        folders.trim(worker.cache(), folder(uid), worker.cache_bytes())
    jobs.check_space(path.parent, len(arrays.positions), run=run)
    if _written.get(uid) == (arrays.key, path) and path.is_file():
        return path
    _written.pop(uid, None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_splats(path, splats.read(obj))
    except OSError as error:
        raise write_problem(error, path) or UserError(
            f"{path} cannot be written ({error.strerror or error}). Choose another cache folder in the extension's "
            "preferences."
        ) from error
    _written[uid] = (arrays.key, path)
    return path


def forget() -> None:
    """Forgets which data were written, as when another .blend is opened."""
    _written.clear()


def clear_cache() -> int:
    """Removes everything in the cache; returns the bytes that this freed. The worker must not run."""
    _written.clear()
    freed = 0
    for name in ("scenes", "embeddings", "logs"):
        path = worker.cache() / name
        if path.is_dir() and not path.is_symlink():
            freed += folders.size_of(path)
            shutil.rmtree(path, ignore_errors=True)
    return freed


def unregister() -> None:
    """Removes this Blender's own files; runs stay. The worker, which may have them open, must not run."""
    with contextlib.suppress(OSError):
        for path in (worker.cache() / "scenes").glob(f"*/{jobs.working_folder(Path()).name}"):
            shutil.rmtree(path, ignore_errors=True)
    _written.clear()
