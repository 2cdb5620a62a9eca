# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Workers in processes of their own, and sessions in this one."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import worker_driver
from blob_scene import ColourSegmenter
from worker_client import WorkerProcess

import splatcut.worker.session
from splatcut.worker import previewing
from splatcut.worker.session import Session

Start = Callable[..., WorkerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts workers that see colours; ``start("--device", "cpu", TEST_SLOW="masks")``."""
    with contextlib.ExitStack() as stack:

        def begin(*arguments: object, **environment: str) -> WorkerProcess:
            command = [str(Path(worker_driver.__file__))]
            given = ["--device", "cpu", "--cache", tmp_path / "cache", *arguments]
            return stack.enter_context(WorkerProcess(command, given, environment))

        yield begin


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colours: None, one_thread: None) -> Session:
    """A session that sees colours."""
    monkeypatch.setattr(splatcut.worker.session, "load_segmenter", lambda *arguments: ColourSegmenter())
    monkeypatch.setattr(previewing, "RENEW", math.inf)
    return Session("cpu", cache=tmp_path / "cache")
