# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""One run at a time in an output folder.

The operating system holds the lock and lets go of it when the process ends, however it ends: a run that was killed
leaves nothing to clean up by hand.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import filelock

from splatcut.errors import UserError
from splatcut.files import write_problem

#: What locking says on file systems that know no locks.
_UNKNOWN = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
#: Seconds to try for: a run that ends may remove the file that is just being opened.
_PATIENCE = 0.2


@contextlib.contextmanager
def locked(folder: Path, path: Path) -> Iterator[None]:
    """Holds the lock of an output folder: a file ``path`` in it, with the process's number for the message.

    Folders that do not exist are made, and removed again if nothing came into them.

    Raises:
        UserError: another run has the lock, or the folder cannot be written.
    """
    made = [place for place in path.parents if not place.exists()]
    # A lock by the mere existence of a file would outlive a run that is killed.
    lock = filelock.FileLock(path, fallback_to_soft=False, thread_local=False)
    try:
        _acquire(lock, folder, path)
        try:
            yield
        finally:
            _release(lock, path)
    finally:
        for place in made:
            with contextlib.suppress(OSError):
                place.rmdir()


def _acquire(lock: filelock.BaseFileLock, folder: Path, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_PATIENCE)
    except filelock.Timeout as error:
        owner = path.read_text(encoding="ascii", errors="replace").strip() if path.exists() else ""
        raise UserError(
            f"Another run of SplatCut{f' (process {owner})' if owner else ''} is writing to the output folder "
            f"{folder}. Wait until it has ended, or choose another folder with --out."
        ) from error
    except OSError as error:
        if error.errno in _UNKNOWN:
            return  # some network drives know no locks; working without one is better than not at all
        raise write_problem(error, folder) or UserError(
            f"The output folder {folder} cannot be written ({error.strerror}). Choose another with --out."
        ) from error
    with contextlib.suppress(OSError):  # the number is for people; a full disk may have no room for it
        path.write_text(f"{os.getpid()}\n", encoding="ascii")


def _release(lock: filelock.BaseFileLock, path: Path) -> None:
    if sys.platform == "win32":
        lock.release()  # an open file cannot be removed there
    with contextlib.suppress(OSError):
        path.unlink()
    lock.release()
    with contextlib.suppress(OSError):
        path.parent.rmdir()
