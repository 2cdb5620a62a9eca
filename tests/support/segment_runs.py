# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Running ``splatcut segment`` in processes of its own, and comparing what runs leave."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import segment_driver

import splatcut

#: Files whose bytes must be the same; the report holds times.
SAME = ("*.ply", "*.png", "*.npz")
PRESENT = {"labels.npz", "background.ply", "contact_sheet.png", "objects/red.ply", "masks/red/view_2.png"}


def results(out: Path) -> dict[str, object]:
    """Content of every result: bytes of files, arrays of archives (their bytes hold the time)."""
    found: dict[str, object] = {}
    for pattern in SAME:
        for path in sorted(out.rglob(pattern)):
            name = path.relative_to(out).as_posix()
            if not name.startswith("."):
                found[name] = path.read_bytes()
    with np.load(out / "labels.npz") as labels:
        found["labels.npz"] = {key: (labels[key].dtype.str, labels[key].tobytes()) for key in labels.files}
    assert set(found) >= PRESENT
    return found


def resumed(out: Path) -> dict[str, bool]:
    """Stage -> whether it was found finished."""
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return {stage["name"]: stage["resumed"] for stage in report["stages"] if stage["name"] != "load"}


def leftovers(out: Path) -> list[str]:
    """Files of the run that nobody needs any more."""
    return [p.name for p in out.rglob(".*") if p.name != ".splatcut"] + [p.name for p in out.rglob("lock")]


def driver(how: str, where: str, arguments: Sequence[object]) -> list[str]:
    """The command of such a run; without healing unless ``--heal``, as in the fixture ``segment``."""
    words = [str(item) for item in arguments]
    words += [] if "--heal" in words else ["--no-heal"]
    return [sys.executable, str(Path(segment_driver.__file__)), how, where, "--", *words]


ENVIRONMENT = {**os.environ, "NUMBA_NUM_THREADS": "1", "PYTHONPATH": str(Path(splatcut.__file__).parents[1])}


def stop(
    how: str, where: str, arguments: Sequence[object], budget: int | None = None
) -> subprocess.CompletedProcess[str]:
    """A run that ends at a place; ``budget``: iterations of the refinement, whatever the quality."""
    command = driver(how, where, arguments)
    environment = ENVIRONMENT if budget is None else {**ENVIRONMENT, "TEST_BUDGET": str(budget)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment, check=False, stdin=subprocess.DEVNULL
    )


@contextlib.contextmanager
def waiting(where: str, arguments: Sequence[object]) -> Iterator[subprocess.Popen[str]]:
    """A run that waits at a place for a line on its standard input."""
    command = driver("wait", where, arguments)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        yield process
        process.kill()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
