# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Free memory goes back to the system."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from splatcut import memory

#: Keeps every hundredth of 4,096 arrays of 64 KiB; prints how many MiB the process holds before and after.
_SCATTERED = """
import os
import numpy as np
from splatcut import memory

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20

arrays = [np.full(65536, number % 256, np.uint8) for number in range(4096)]
kept = arrays[::100]
del arrays
before = held()
memory.give_back()
assert all((array == 100 * number % 256).all() for number, array in enumerate(kept))
print(before, held())
"""


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists() or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="the C library cannot return memory",
)
def test_what_lies_free_between_kept_arrays_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", _SCATTERED], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before - after > 200


def test_without_the_c_librarys_help_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in (lambda name: SimpleNamespace(), _fails):
        monkeypatch.setattr(ctypes, "CDLL", library)
        memory._trim.cache_clear()
        memory.give_back()
        assert memory._trim() is None
    memory._trim.cache_clear()


def _fails(name: str | None) -> None:
    raise TypeError("no handle of the process itself")


def test_a_tidy_loop_gives_back_now_and_then_and_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(memory, "give_back", lambda: done.append("back"))
    for number in memory.tidily(range(5), every=2):
        done.append(str(number))
    assert done == ["0", "1", "back", "2", "3", "back", "4", "back"]
