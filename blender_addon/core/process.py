# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes: started with an environment of their own, ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: Bytes after which a log is put aside for a new one; one old log is kept.
LOG_BYTES = 4 << 20


def clean_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables for a Python of its own: nothing of Blender's interpreter or libraries gets into it."""
    variables = dict(os.environ if environment is None else environment)
    for name in list(variables):
        if name.upper().startswith("PYTHON") or name.upper() in (
            "LD_LIBRARY_PATH",
            "LD_PRELOAD",
            "DYLD_LIBRARY_PATH",
            "DYLD_INSERT_LIBRARIES",
            "VIRTUAL_ENV",
            "__PYVENV_LAUNCHER__",
        ):
            del variables[name]
    variables.update(PYTHONUNBUFFERED="1", PYTHONUTF8="1", PYTHONIOENCODING="utf-8", PYTHONNOUSERSITE="1")
    return variables


def start(command: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
    """Starts a process in a group of its own, so that it can be ended with its children. Raises ``OSError``."""
    group: dict[str, Any]
    if os.name == "nt":
        # No console window, and Ctrl-C in Blender's console is Blender's.
        group = {"creationflags": 0x08000000 | 0x00000200}  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
    else:
        group = {"start_new_session": True}
    process: Any = subprocess.Popen(list(command), env=clean_environment(), **group, **streams)
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a process of ``start`` and its children at once."""
    if process.poll() is not None:
        return  # its number may be another's by now
    if os.name != "nt":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()


def ended_because(code: int | None) -> str:
    """The end of "it ...": what an exit code says."""
    if code is None:
        return "closed its output"
    if code < 0 or code in (137, 139):
        number = -code if code < 0 else code - 128
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        if name == "SIGKILL":
            return "was killed (SIGKILL), by hand or because memory ran out"
        return f"crashed ({name})"
    if code >= 0xC0000000:
        return f"crashed (code {code:#x})"
    return f"exited with code {code}"


class Child:
    """A process whose input and output are lines and whose errors go to a log of bounded size."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        """Starts it. Raises ``OSError``. A log that cannot be written is done without."""
        self._log = _BoundedLog(log)
        pipe = subprocess.PIPE
        try:
            self._process = start(command, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError:
            self._log.close()
            raise
        self._ended_at: float | None = None
        threading.Thread(target=self._drain, daemon=True, name="splatcut-log").start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        if self._process.poll() is None:
            return True
        if self._ended_at is None:
            self._ended_at = time.monotonic()
        return False

    def ended_for(self) -> float:
        """Seconds since ``running`` was first seen to be false."""
        return 0.0 if self._ended_at is None else time.monotonic() - self._ended_at

    def wait(self, seconds: float) -> int | None:
        """The exit code, or None when the process still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def send(self, line: str) -> bool:
        """Writes a line; False when nobody reads any more. May wait."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def close_input(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.close()

    def read_line(self, longest: int) -> bytes:
        """The next line, or empty at the end. Waits."""
        assert self._process.stdout is not None
        try:
            return self._process.stdout.readline(longest)
        except (OSError, ValueError):
            return b""

    def log(self, text: bytes) -> None:
        """Puts something into the log."""
        self._log.write(text)

    def end(self, patience: float) -> None:
        """Waits for the process to end by itself, then ends it."""
        if self.wait(patience) is None:
            self.kill()

    def kill(self) -> None:
        kill(self._process)
        self.wait(2.0)

    def _drain(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while block := self._process.stderr.read1(1 << 16):  # type: ignore[attr-defined]
                self._log.write(block)
        self._log.close()


class _BoundedLog:
    """A log that neither fills the disk nor stops anybody when it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stream: Any = None
        self._open()

    def write(self, text: bytes) -> None:
        with self._lock:
            if self._stream is None:
                return
            try:
                self._stream.write(text)
                if self._stream.tell() > LOG_BYTES:
                    self._stream.close()
                    self._open()
            except (OSError, ValueError):
                self._stream = None

    def close(self) -> None:
        with self._lock:
            if self._stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    self._stream.close()
                self._stream = None

    def _open(self) -> None:
        self._stream = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists():
                os.replace(self._path, self._path.with_name(self._path.name + ".old"))
            self._stream = self._path.open("wb", buffering=0)
        except OSError:
            return
