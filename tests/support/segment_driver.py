# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Runs ``splatcut segment`` in a process of its own and lets it die where a test wants it to.

    python segment_driver.py HOW WHERE -- ARGUMENTS OF SPLATCUT SEGMENT ...

HOW is kill, interrupt (as Ctrl-C) or wait (says so, then waits for a line on standard input); WHERE is ``after:STAGE``
(its result is on disk), ``STAGE:NUMBER`` (that many calls of ``Progress.step`` after it said that name),
``file:NUMBER`` (that many files are being put in place), or ``never``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from blob_scene import ColourSegmenter

import splatcut.cli
import splatcut.pipeline.run
import splatcut.progress
import splatcut.refine.options
from splatcut.pipeline.checkpoints import Checkpoints
from splatcut.progress import Quiet


def main() -> int:
    how, where = sys.argv[1:3]
    kind, _, value = where.partition(":")
    count = 0
    # Where the tests themselves run in a shell's background, their children would ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop() -> None:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)  # the handler runs between two instructions
        else:
            print("waiting", flush=True)
            sys.stdin.readline()

    class Counting(Quiet):
        current = ""

        def stage(self, name: str, total: int) -> None:
            self.current = name

        def step(self, count_: int = 1) -> None:
            nonlocal count
            count += self.current == kind
            if self.current == kind and count == int(value):
                stop()

        def close(self) -> None:
            pass

    if budget := os.environ.get("TEST_BUDGET"):
        splatcut.refine.options.BUDGETS = dict.fromkeys(splatcut.refine.options.BUDGETS, (int(budget), 0))

    save = Checkpoints.save

    def saving(self: Checkpoints, stage: str, *more: Any, **named: Any) -> None:
        save(self, stage, *more, **named)
        if kind == "after" and stage == value:
            stop()

    if kind == "file":
        put_in_place, files = os.replace, 0

        def replacing(source: Any, target: Any) -> None:
            nonlocal files
            files += 1
            if files == int(value):
                stop()
            put_in_place(source, target)

        os.replace = replacing  # type: ignore[assignment]
    Checkpoints.save = saving  # type: ignore[method-assign]
    splatcut.progress.Terminal = Counting  # type: ignore[assignment,misc]
    splatcut.pipeline.run.load_segmenter = lambda *arguments: ColourSegmenter()  # type: ignore[assignment]
    return splatcut.cli.main(["segment", *sys.argv[4:]])


if __name__ == "__main__":
    sys.exit(main())
