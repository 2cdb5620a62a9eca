# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Seconds and peak memory of every stage of a run."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class StageRecord:
    """One finished stage.

    Attributes:
        name: of the stage.
        wall_seconds: by the clock.
        cpu_seconds: of all threads of this process together.
        peak_memory_bytes: largest resident memory of the process during the stage (Linux); where the system tells
            only the largest since the process began (macOS, Windows), that one at the stage's end.
        resumed: finished by an earlier run of the same job; the figures are that run's.
    """

    name: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    resumed: bool = False


@contextlib.contextmanager
def timed(name: str, records: list[StageRecord]) -> Iterator[None]:
    """Measures a stage and adds its record, unless it ends with an exception."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            _CLEAR.write_text("5")  # the system's peak starts again from the present size
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    records.append(StageRecord(name, round(wall, 3), round(cpu, 3), peak_memory_bytes()))


def peak_memory_bytes() -> int:
    """Largest resident memory of this process, bytes, since it began or (Linux) since the last reset; 0 if unknown."""
    if sys.platform == "win32":
        return _windows_peak()
    with contextlib.suppress(OSError, ValueError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def _windows_peak() -> int:
    import ctypes
    from ctypes import wintypes

    class Counters(ctypes.Structure):
        _fields_ = [
            ("size", wintypes.DWORD),
            ("faults", wintypes.DWORD),
            ("peak", ctypes.c_size_t),
            ("others", ctypes.c_size_t * 7),
        ]

    counters = Counters(size=ctypes.sizeof(Counters))
    kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    kernel.K32GetProcessMemoryInfo.argtypes = [wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD]
    done = kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.size)
    return int(counters.peak) if done else 0
