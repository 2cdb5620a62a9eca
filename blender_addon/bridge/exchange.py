# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat files of every format in and out: here what numpy alone can do, through the worker what takes packages.

``Loading`` and ``Storing`` either ``wait`` or go on beside Blender and are polled with ``step``; files are then read in
a thread of their own, which touches nothing of Blender's.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from splatcut.errors import UserError
from splatcut.formats import SplatFile, format_of, losses, read_splats, writable_format, write_splats
from splatcut.formats.compressed_ply import is_compressed
from splatcut.formats.parts import Membership
from splatcut.formats.ply_header import read_header
from splatcut.messages import OPTIONS
from splatcut.messages import worker as messages

from ..core import exports
from ..core.client import Outcome
from ..core.session import Task
from . import worker

#: Formats that need no package besides numpy.
_OWN = ("ply", "splat")
_COMMAND_LINE_HINT = "Use --drop-invalid to leave them out."
_HINT = f'Turn on "{OPTIONS["drop_invalid"].label}" to import the others.'


def file_format(path: Path) -> str:
    """Name of the format of an existing file, by its content where one suffix stands for two.

    Raises:
        UserError: there is no such file, or its format is not known.
    """
    name = format_of(path).name
    if not path.exists():
        raise UserError(f"There is no file {path}. Check the path.")
    if name in ("ply", "compressed-ply"):
        try:
            with path.open("rb") as stream:
                name = "compressed-ply" if is_compressed(read_header(stream, path.name)) else "ply"
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error}). Check its permissions.") from error
    return name


class Loading:
    """A file on its way in.

    Args:
        path: the file, or the folder or ``meta.json`` of an unbundled SOG.
        drop_invalid: leave out Gaussians with values that are not finite.
        antialiased: whether the scene was trained antialiased; "auto" takes what the file says.
        spz_axes: the world axes of an .spz, "rub" or "rdf"; "auto" takes what the file says, or else RUB.

    Raises:
        UserError: the format is not known, or a worker is needed and there is none.
    """

    def __init__(
        self, path: Path, *, drop_invalid: bool = False, antialiased: str = "auto", spz_axes: str = "auto"
    ) -> None:
        self.path = path
        self.drop_invalid, self.antialiased = drop_invalid, antialiased
        self.stage = "Reading"
        self._format = file_format(path)
        self._task: Task | None = None
        self._thread: threading.Thread | None = None
        self._folder: Path | None = None
        self._splats: SplatFile | None = None
        self._converted: messages.ConvertResult | None = None
        self._error: BaseException | None = None
        self._closed = False
        if self._format not in _OWN:
            self.stage = "Converting"
            self._folder = Path(tempfile.mkdtemp(prefix="splatcut-import-"))
            target, labels = self._folder / "converted.ply", self._folder / "labels.npy"
            request = messages.Convert(path.absolute(), target, drop_invalid, spz_axes, labels)
            try:
                self._task = worker.submit(Task(request))
            except BaseException:
                self.close()
                raise

    def step(self) -> SplatFile | None:
        """Goes on; the file once it is there. Raises ``UserError`` when it cannot be read."""
        if self._task is not None:
            worker.pump()
            if self._task.outcome is None:
                return None
            self._converted = _check(self._task.outcome)
            self._task = None
            self.stage = "Reading"
        if self._thread is None:
            self._thread = threading.Thread(target=self._read, daemon=True, name="splatcut-import")
            self._thread.start()
        if self._thread.is_alive():
            return None
        return self._result()

    def wait(self) -> SplatFile:
        """The file. Raises ``UserError``."""
        if self._task is not None:
            self._converted = _check(worker.wait(self._task))
            self._task = None
        self._read()
        return self._result()

    def close(self) -> None:
        """Stops, and removes what lies about; the file's rows must not be used any more."""
        if self._task is not None and self._task.outcome is None:
            worker.session().cancel(self._task)
        self._splats, self._closed = None, True
        if self._folder is not None and not (self._thread is not None and self._thread.is_alive()):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self) -> None:
        try:
            source = self._folder / "converted.ply" if self._folder is not None else self.path
            splats = read_splats(source, drop_invalid=self.drop_invalid, antialiased=self.antialiased)
            if self._folder is not None and self._converted is not None:
                told = self._converted
                splats = replace(splats, source_format=self._format, findings=told.findings)
                if told.objects:
                    labels = np.load(self._folder / "labels.npy", allow_pickle=False)
                    splats = replace(splats, objects=Membership(told.objects, labels))
            self._splats = splats
        except BaseException as error:
            self._error = error
        if self._closed:
            self._splats = None
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _result(self) -> SplatFile:
        if isinstance(self._error, UserError):
            raise UserError(str(self._error).replace(_COMMAND_LINE_HINT, _HINT)) from self._error
        if self._error is not None:
            raise self._error
        assert self._splats is not None
        return self._splats


class Storing:
    """A file on its way out; formats of our own are written at once.

    Args:
        parts: what it holds, by name: objects, and the background with the name "".

    Raises:
        UserError: the place cannot be written, the format is only read, or a worker is needed and there is none.
    """

    def __init__(self, path: Path, parts: Sequence[tuple[str, SplatFile]]) -> None:
        self.path = path
        self._folder: Path | None = None
        self._task: Task | None = None
        self._losses: tuple[str, ...] = ()
        kind = writable_format(path)
        if kind.name in _OWN:
            ((_, splats),) = parts  # these formats do not tell objects apart
            self._losses = tuple(losses(splats, path))
            write_splats(path, splats)
            return
        self._folder = Path(tempfile.mkdtemp(prefix="splatcut-export-"))
        try:
            source = self._folder / "cut" if len(parts) > 1 else self._folder / "export.ply"
            names = exports.part_files([name for name, _ in parts])
            for name, (_, splats) in zip(names, parts, strict=True):
                file = source / name if len(parts) > 1 else source
                file.parent.mkdir(parents=True, exist_ok=True)
                write_splats(file, splats)
            self._task = worker.submit(Task(messages.Convert(source, path.absolute())))
        except BaseException:
            self.close()
            raise

    def step(self) -> tuple[str, ...] | None:
        """Goes on; what was lost, once the file is written. Raises ``UserError`` when it cannot be."""
        if self._task is not None:
            worker.pump()
            if self._task.outcome is None:
                return None
            self._finish(self._task.outcome)
        return self._losses

    def wait(self) -> tuple[str, ...]:
        """What was lost. Raises ``UserError``."""
        if self._task is not None:
            self._finish(worker.wait(self._task))
        return self._losses

    def close(self) -> None:
        """Stops, and removes what lies about."""
        if self._task is not None and self._task.outcome is None:
            worker.session().cancel(self._task)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _finish(self, outcome: Outcome) -> None:
        result: Any = _check(outcome)
        self._losses, self._task = tuple(result.losses), None


def _check(outcome: Outcome) -> Any:
    if outcome.problem is not None:
        raise UserError(outcome.problem.message.replace(_COMMAND_LINE_HINT, _HINT))
    return outcome.result
