# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the worker's environment in child processes, step by step, with progress, cancel, and no half-made results.

A virtual environment cannot be moved, because its scripts hold absolute paths. So it is made in its place, with a mark
that is there from before the first step until after the last; what has the mark is no environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from splatcut.errors import UserError

from . import environment
from .environment import STAMP, UNFINISHED, Interpreter, Plan
from .process import kill, start

#: Where the CPU build of torch for Linux is, when the configured package indexes have none.
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"

_MODULES = "numpy, scipy.spatial, numba, PIL.Image, gsply, pycolmap, onnxruntime, OpenEXR, zstandard, tqdm, torch"


@dataclass(frozen=True)
class Step:
    """A process of the making.

    Attributes:
        text: for the user; weight: its share of the time, in any unit.
        otherwise: what to try when it fails.
        remedy: a sentence for its failure.
    """

    text: str
    command: tuple[str, ...]
    weight: float
    otherwise: tuple[str, ...] | None = None
    remedy: str = ""


class Steps:
    """Processes one after the other; nothing waits. ``poll`` until ``done``.

    Attributes:
        text: what is being done; line: the last line that was written; fraction: 0 to 1.
        problem: a sentence when it failed; cancelled: it was stopped.
        output: of all steps, their ends.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.text, self.line, self.fraction = "", "", 0.0
        self.done = self.cancelled = False
        self.problem: str | None = None
        self.output: deque[str] = deque(maxlen=400)
        self._steps = deque(steps)
        self._total = sum(step.weight for step in steps) or 1.0
        self._before = 0.0
        self._step: Step | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._counted = 0

    def poll(self) -> bool:
        """Goes on; returns whether it is still going. Never raises."""
        if self.done:
            return False
        if self._process is None:
            self._next()
            return not self.done
        ended = False
        for _ in range(500):
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                break
            if line is None:
                ended = True
                break
            self._read(line)
        if ended:
            self._process_ended()
        return not self.done

    def wait(self, interval: float = 0.05) -> None:
        """Polls until it is done; Ctrl-C cancels."""
        try:
            while self.poll():
                time.sleep(interval)
        except KeyboardInterrupt:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Stops at once."""
        if self.done:
            return
        self.cancelled = True
        if self._process is not None:
            kill(self._process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._end("Stopped.")

    def _next(self) -> None:
        if self._step is not None:
            self._before += self._step.weight
        if not self._steps:
            self._step = None
            self._finish()
            return
        self._step = self._steps.popleft()
        self.text, self.line, self._counted = self._step.text, "", 0
        self.fraction = max(self.fraction, self._before / self._total)
        self._launch(self._step.command)

    def _launch(self, command: Sequence[str]) -> None:
        try:
            self._process = start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as error:
            self._end(f"{command[0]} cannot be started ({error.strerror or error}).")
            return
        threading.Thread(target=self._drain, args=(self._process, self._lines), daemon=True).start()

    @staticmethod
    def _drain(process: subprocess.Popen[bytes], lines: queue.SimpleQueue[str | None]) -> None:
        assert process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            while line := process.stdout.readline(1 << 16):
                lines.put(line.decode("utf-8", "replace").rstrip())
        lines.put(None)

    def _read(self, line: str) -> None:
        if not line.strip():
            return
        self.output.append(line)
        assert self._step is not None
        if re.match(
            r"\s*(Collecting|Requirement already|Processing|Downloading|Using cached|Installing|Successfully)", line
        ):
            self.line = line.strip()[:120]
            self._counted += 1
            # A step's lines are many at first and then few: its bar comes near to its end, never there.
            share = 1 - 1 / (1 + self._counted / 12)
            self.fraction = max(self.fraction, (self._before + self._step.weight * share) / self._total)

    def _process_ended(self) -> None:
        assert self._process is not None
        assert self._step is not None
        process, self._process = self._process, None
        code = process.wait()
        if code == 0:
            self._next()
        elif self._step.otherwise is not None:
            command, self._step = self._step.otherwise, _without_other(self._step)
            self._launch(command)
        else:
            self._end(self._failure(code))

    def _failure(self, code: int) -> str:
        assert self._step is not None
        said = [line for line in self.output if "error" in line.lower()][-2:] or list(self.output)[-2:]
        full = any("No space left" in line or "Errno 28" in line for line in self.output)
        if full:
            return "The disk is full. Free up some space and create the environment again."
        remedy = self._step.remedy or "Try again."
        return f"{self._step.text} failed (code {code}). {remedy} Its output was: {' '.join(said) or 'nothing'}"

    def _finish(self) -> None:
        self.fraction = 1.0
        self.done = True

    def _end(self, problem: str) -> None:
        self.problem = problem
        self.done = True


class Search(Steps):
    """Looks for a Python to make an environment with, on a thread: programs that are asked may take their time.

    Attributes:
        interpreter: what was found, once it is done without a problem.
    """

    def __init__(self, chosen: Path | None) -> None:
        super().__init__([])
        self.text = "Searching for Python"
        self.interpreter: Interpreter | None = None
        self._error: str | None = None
        self._thread = threading.Thread(target=self._search, args=(chosen,), daemon=True)
        self._thread.start()

    def poll(self) -> bool:
        """Looks whether it has been found. Never raises."""
        if not self.done and not self._thread.is_alive():
            if self._error is not None:
                self._end(self._error)
            else:
                self._finish()
        return not self.done

    def _search(self, chosen: Path | None) -> None:
        try:
            self.interpreter = environment.find_interpreter(chosen)
        except UserError as error:
            self._error = str(error)
        except OSError as error:
            self._error = f"The search for Python failed ({error}). Choose an interpreter in the preferences."


class Creation(Steps):
    """Makes the environment of a plan, which takes the place of one of ours that is there."""

    def __init__(self, plan: Plan) -> None:
        """Puts up the mark. Raises ``UserError`` when the folder cannot be written."""
        self.plan = plan
        prepare(plan.folder)
        super().__init__(steps(plan))

    def _finish(self) -> None:
        try:
            write_stamp(self.plan)
        except (OSError, UserError) as error:
            self._end(f"The environment could not be completed: {error}")
            return
        super()._finish()


class Test(Steps):
    """Asks the doctor of an environment; ``ready`` and ``sentences`` are its answer."""

    def __init__(self, python: Path, version: str) -> None:
        self._version = version
        self.ready, self.sentences = False, list[str]()
        doctor = (str(python), "-m", "splatcut", "doctor", "--json")
        # The doctor's exit code is 1 when something is missing, which is an answer, too.
        super().__init__([Step("Testing the environment", doctor, 1.0)])
        self.output = deque(maxlen=5000)

    def _failure(self, code: int) -> str:
        self._judge()
        return " ".join(self.sentences)

    def _finish(self) -> None:
        self._judge()
        if self.ready:
            super()._finish()
        else:
            self._end(" ".join(self.sentences))

    def _judge(self) -> None:
        self.ready, self.sentences = environment.read_doctor("\n".join(self.output), self._version)


def steps(plan: Plan) -> list[Step]:
    """The processes that make the environment."""
    python = str(environment.python_in(plan.folder))
    if plan.uv is not None:
        make = (
            str(plan.uv),
            "venv",
            "--seed",
            "--allow-existing",
            "--python",
            str(plan.interpreter.path),
            str(plan.folder),
        )
    else:
        make = (str(plan.interpreter.path), "-I", "-m", "venv", str(plan.folder))
    pip = (python, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off")
    network = (
        "The usual cause is the internet connection or a proxy. If a version was not found, the package is not "
        "available for this Python version or system."
    )
    result = [Step("Creating the environment", make, 4.0, remedy="Choose another interpreter.")]
    torch = f"torch=={plan.parts.torch}"
    if plan.build == "cuda":
        result.append(
            Step("Downloading PyTorch for CUDA", (*pip, torch, *environment.CUDA_PACKAGES), 200.0, remedy=network)
        )
    elif "cuda" in environment.builds():
        # Where both builds exist, the plain version may be either; the local one is the CPU's.
        local = f"{torch}+cpu"
        result.append(
            Step(
                "Downloading PyTorch for the CPU",
                (*pip, local),
                30.0,
                otherwise=(*pip, local, "--extra-index-url", TORCH_CPU_INDEX),
                remedy=network,
            )
        )
    result.append(
        Step("Downloading the engine's packages", (*pip, "-r", str(plan.parts.requirements)), 40.0, remedy=network)
    )
    if plan.parts.engine.suffix == ".whl":
        own = (*pip, "--no-deps", "--force-reinstall", str(plan.parts.engine))
    else:
        own = (*pip, "--no-deps", "--no-build-isolation", "-e", str(plan.parts.engine))
    result.append(Step("Installing the engine", own, 4.0, remedy="Reinstall the extension."))
    check = (python, "-I", "-c", f"import {_MODULES}, splatcut")
    result.append(
        Step(
            "Checking the engine's packages",
            check,
            15.0,
            remedy="A system library is missing, or the packages do not work on this machine.",
        )
    )
    return result


def prepare(folder: Path) -> None:
    """Empties a folder of ours and leaves the mark in it. Raises ``UserError``."""
    try:
        if folder.exists() and not environment.is_ours(folder):
            raise UserError(f"{folder} already contains other files. Choose a new or empty folder for the environment.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / UNFINISHED).touch()
        for path in folder.iterdir():
            if path.name == UNFINISHED:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise UserError(
            f"{error.filename or folder} cannot be written or removed ({error.strerror or error}). Close any program "
            "that uses it, or choose another folder for the environment."
        ) from error


def write_stamp(plan: Plan) -> None:
    """Says what the environment was made of, and takes the mark away. Raises ``OSError``."""
    import splatcut

    content = {
        "splatcut": splatcut.__version__,
        "build": plan.build,
        "torch": plan.parts.torch,
        "python": ".".join(map(str, plan.interpreter.version)),
        "interpreter": str(plan.interpreter.path),
    }
    temporary = plan.folder / (STAMP + ".part")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(temporary, plan.folder / STAMP)
    (plan.folder / UNFINISHED).unlink()


def _without_other(step: Step) -> Step:
    return Step(step.text, step.command, step.weight, None, step.remedy)
