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
from pathlib import Path

import filelock

from splatcut.errors import UserError
from splatcut.files import write_problem

#: What locking says on file systems that know no locks.
_UNKNOWN = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
#: Seconds to try for: a run that ends may remove the file that is just being opened.
_PATIENCE = 0.2


class FolderLock:
    """The lock of ``folder``: a file ``lock`` in its state folder, which holds the process's number for the message.

    Folders that do not exist are made; those that are empty at ``release`` are removed again.
    """

    def __init__(self, folder: Path, state: Path) -> None:
        self._folder, self._path = folder, state / "lock"
        self._lock: filelock.BaseFileLock | None = None
        self._made: list[Path] = []

    def acquire(self) -> None:
        """Takes the lock. Raises ``UserError`` when another run has it, or the folder cannot be written."""
        self._made = [path for path in (self._path.parent, *self._path.parent.parents) if not path.exists()]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # A lock by the mere existence of a file would outlive a run that is killed.
            self._lock = filelock.FileLock(self._path, fallback_to_soft=False, thread_local=False)
            self._lock.acquire(timeout=_PATIENCE)
        except filelock.Timeout as error:
            owner = self._path.read_text(encoding="ascii", errors="replace").strip() if self._path.exists() else ""
            self._remove_made()
            raise UserError(
                f"Another run of SplatCut{f' (process {owner})' if owner else ''} is writing to the output folder "
                f"{self._folder}. Wait until it has ended, or choose another folder with --out."
            ) from error
        except OSError as error:
            if error.errno in _UNKNOWN:
                return  # some network drives know no locks; working without one is better than not at all
            self._remove_made()
            raise write_problem(error, self._folder) or UserError(
                f"The output folder {self._folder} cannot be written ({error.strerror}). Choose another with --out."
            ) from error
        with contextlib.suppress(OSError):  # the number is for people; a full disk may have no room for it
            self._path.write_text(f"{os.getpid()}\n", encoding="ascii")

    def release(self) -> None:
        """Gives the lock back and removes its file, and the folders that ``acquire`` made if nothing came into them."""
        if self._lock is not None and sys.platform == "win32":
            self._lock.release()  # an open file cannot be removed there
        with contextlib.suppress(OSError):
            self._path.unlink()
        if self._lock is not None:
            self._lock.release()
        with contextlib.suppress(OSError):
            self._path.parent.rmdir()
        self._remove_made()

    def _remove_made(self) -> None:
        for path in self._made:
            with contextlib.suppress(OSError):
                path.rmdir()
