# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How work ends early without being a defect of the software, and what a person is told about an exception."""

from __future__ import annotations

import errno

MEMORY_SENTENCE = "SplatCut ran out of memory. Use smaller photos, fewer views or a machine with more memory."

#: How libraries say that memory ran out when they do not raise MemoryError.
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "failed to allocate", "bad_alloc", "cannot allocate")


class UserError(Exception):
    """Input that cannot be used. The message is one or more full sentences: what is wrong, where, what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class Cancelled(Exception):
    """The user asked for the work to stop; finished stages are kept on disk."""


def is_memory_problem(error: BaseException) -> bool:
    """Whether memory, the machine's or the GPU's, ran out."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    if isinstance(error, (UserError, OSError)):
        return False
    text = str(error).lower()
    return any(words in text for words in _MEMORY_WORDS)


def user_sentence(error: BaseException) -> str | None:
    """One or more sentences that help a user, or None for what is a defect of the software or ran out of memory."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return "The disk is full. Free some space and try again."
        if error.filename is not None:
            return f"{error.filename} cannot be read or written ({error.strerror})."
    return None
