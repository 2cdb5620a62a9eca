# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Memory that is free inside the process, and the system's."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")


def give_back() -> None:
    """Returns what has been freed to the system, where the C library can (glibc; elsewhere nothing happens).

    Optimisations allocate arrays of another size in every iteration: glibc keeps the holes between those that live
    longer, and the process grows to a multiple of what it uses. Takes some milliseconds.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


def tidily(items: Iterable[Item], every: int = 10) -> Iterator[Item]:
    """The items; after every so many, and after the last, what has been freed is given back.

    For loops that leave something small behind after each large piece of work.
    """
    for number, item in enumerate(items, 1):
        yield item
        if number % every == 0:
            give_back()
    give_back()


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # musl and macOS have no such function, Windows no such handle.
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
