# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut worker`` in a process of its own, with the 2D model that sees colours and what tests want to go wrong.

    python worker_driver.py ARGUMENTS OF SPLATCUT WORKER ...

TEST_SLOW: a stage whose first steps take 0.2 s longer, or * for all stages. TEST_NOISE: print to standard output, from
Python and natively, at the start of every stage. TEST_BUDGET: iterations of the refinement, whatever the
quality.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time

from blob_scene import ColourSegmenter

import splatcut.cli
import splatcut.pipeline.run
import splatcut.refine.options
import splatcut.worker.session
from splatcut.worker.progress import Reporter

#: Steps of a slow stage that are slow.
SLOW_STEPS = 5


def _noise() -> None:
    print("a library says hello")
    print("and again", file=sys.__stdout__)
    os.write(1, b"natively\n")
    libc = ctypes.CDLL(None)
    libc.puts(b"from C")
    libc.fflush(None)
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)


def main() -> int:
    if budget := os.environ.get("TEST_BUDGET"):
        splatcut.refine.options.BUDGETS.update(dict.fromkeys(splatcut.refine.options.BUDGETS, (int(budget), 0)))
    slow, noisy = os.environ.get("TEST_SLOW"), "TEST_NOISE" in os.environ
    stage, step = Reporter.stage, Reporter.step
    current, taken = "", 0

    def noting(self: Reporter, name: str, total: int) -> None:
        nonlocal current, taken
        current, taken = name, 0
        if noisy:
            _noise()
        stage(self, name, total)

    def sleeping(self: Reporter, count: int = 1) -> None:
        nonlocal taken
        taken += 1
        if slow in (current, "*") and taken <= SLOW_STEPS:
            time.sleep(0.2)
        step(self, count)

    Reporter.stage, Reporter.step = noting, sleeping  # type: ignore[method-assign]
    for module in (splatcut.pipeline.run, splatcut.worker.session):
        module.load_segmenter = lambda *arguments: ColourSegmenter()  # type: ignore[assignment]
    return splatcut.cli.main(["worker", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
