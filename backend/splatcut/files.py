# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Writing without half-written files, and telling files apart by content."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from splatcut.errors import UserError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
_IMPOSSIBLE = (errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.EFBIG)
#: Names that ``atomic_path`` gives to files that are being written.
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}(\.[^.]*)?", re.DOTALL)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to; renamed to ``path`` on success, removed on failure.

    The suffix is kept, so that writers that look at it work. Raises ``UserError`` when the disk is full or the place
    cannot be written.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # 40 characters are at most 160 bytes; file systems take 255.
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        problem = write_problem(error, path)
        if problem is None:
            raise
        raise problem from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_problem(error: OSError, path: Path) -> UserError | None:
    """The sentence for an error met while ``path`` was written, or None when it is not of the kinds users can help."""
    # numpy reports a short write without a number.
    short = error.errno is None and "written" in str(error)
    if error.errno in _FULL or short:
        return UserError(
            f"The disk is full: {path} could not be written. Free some space and run the same command again."
        )
    if error.errno in _FORBIDDEN:
        return UserError(f"{path} cannot be written ({error.strerror}). Choose another output folder.")
    if error.errno in _IMPOSSIBLE:
        return UserError(
            f"{path} cannot be written ({error.strerror}). Check the disk, or choose another output folder."
        )
    return None


def remove_temporaries(folder: Path, *, deep: bool = True) -> None:
    """Removes what a killed process was writing in ``folder`` (with ``atomic_path``); no other process may be writing.

    Args:
        deep: in the folders below as well.
    """
    for path in list(folder.rglob(".*") if deep else folder.glob(".*")):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            with contextlib.suppress(OSError):
                path.unlink()


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
