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

from splatcut.errors import UserError
from splatcut.files import write_problem

#: What the locking call says where another process holds the lock, and where the file system knows no locks.
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_UNKNOWN = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class FolderLock:
    """The lock of ``folder``: a file ``lock`` in its state folder, which holds the process's number for the message.

    Folders that do not exist are made; those that are empty at ``release`` are removed again.
    """

    def __init__(self, folder: Path, state: Path) -> None:
        self._folder, self._path = folder, state / "lock"
        self._handle: int | None = None
        self._made: list[Path] = []

    def acquire(self) -> None:
        """Takes the lock. Raises ``UserError`` when another run has it, or the folder cannot be written."""
        self._made = [path for path in (self._path.parent, *self._path.parent.parents) if not path.exists()]
        try:
            self._acquire()
        except OSError as error:
            self._remove_made()
            raise write_problem(error, self._folder) or UserError(
                f"The output folder {self._folder} cannot be written ({error.strerror}). Choose another with --out."
            ) from error
        except UserError:
            self._remove_made()
            raise

    def _acquire(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        while self._handle is None:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
            try:
                _lock(handle)
            except OSError as error:
                owner = os.read(handle, 32).decode("ascii", "replace").strip()
                os.close(handle)
                if error.errno in _HELD:
                    who = f" (process {owner})" if owner else ""
                    raise UserError(
                        f"Another run of SplatCut{who} is writing to the output folder {self._folder}. Wait until it "
                        "has ended, or choose another folder with --out."
                    ) from error
                if error.errno in _UNKNOWN:
                    # Some network drives know no locks; working without one is better than not at all.
                    return
                raise
            # The run before may have removed the file between our opening and locking it.
            if self._is_current(handle):
                self._handle = handle
            else:
                os.close(handle)
        with contextlib.suppress(OSError):  # the number is for people; a full disk may have no room for it
            os.ftruncate(self._handle, 0)
            os.write(self._handle, f"{os.getpid()}\n".encode("ascii"))

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(handle))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Gives the lock back and removes its file, and the folders that ``acquire`` made if nothing came into them."""
        if self._handle is not None and sys.platform == "win32":
            os.close(self._handle)  # an open file cannot be removed there
            self._handle = None
        with contextlib.suppress(OSError):
            self._path.unlink()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        with contextlib.suppress(OSError):
            self._path.parent.rmdir()
        self._remove_made()

    def _remove_made(self) -> None:
        for path in self._made:
            with contextlib.suppress(OSError):
                path.rmdir()


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        # A byte far behind the content, which other processes may go on reading.
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
