# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the machine in words, measured runs of the command line, tables and where they go."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from splatcut.threads import sleep_when_idle

# Here, because every benchmark imports this module before it loads numba.
sleep_when_idle()

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"


class CommandFailed(Exception):
    """A measured command ended with an error; the text holds what it said last."""


@dataclass(frozen=True)
class Measured:
    """What a process took.

    Attributes:
        wall_seconds: by the clock.
        cpu_seconds: user and system time of all its threads.
        peak_memory_bytes: its largest resident memory.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int

    def as_dict(self) -> dict[str, float]:
        """For JSON, rounded to what is meaningful."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


def splatcut(arguments: Sequence[str | Path], log: Path, profile: Path | None = None) -> Measured:
    """Runs ``splatcut`` with ``arguments`` in a process of its own; what it prints goes to ``log``.

    Args:
        profile: file for the profile of ``cProfile``, whose cost is then in the figures.

    Raises:
        CommandFailed: it ended with an error.
    """
    if not hasattr(os, "wait4"):
        raise CommandFailed("Measuring a process needs Linux or macOS.")
    extra = [] if profile is None else ["-m", "cProfile", "-o", os.fspath(profile)]
    command = [sys.executable, *extra, "-m", "splatcut", *map(str, arguments)]
    environment = {
        **os.environ,
        # Idle threads of numba's OpenMP pool would otherwise spin, which counts as CPU time.
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY / "backend"), os.environ.get("PYTHONPATH")])),
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=environment)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        text = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").strip()
        raise CommandFailed(f"{' '.join(command)}\nended with {process.returncode}:\n{text[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def machine() -> str:
    """One line on what everything ran on."""
    from splatcut.export.report import versions

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    known = versions()
    packages = ", ".join(
        f"{key} {known[key]}" for key in ("splatcut", "python", "numpy", "numba", "onnxruntime") if key in known
    )
    return f"{os.cpu_count()} cores of {name}, CPU only, {platform.system()}; {packages}"


def commit() -> str:
    """The commit of this checkout, marked where the engine differs from it; "unknown" outside of a checkout."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "backend")
        return git("rev-parse", "--short=9", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def state(*more: str, commits: str = "", on: str = "") -> str:
    """The line that stands above generated tables: commit, what was run, machine and versions, date.

    Args:
        more: what was run, such as seeds.
        commits, on: of the runs, where they are not those of now.
    """
    parts = [f"commit {commits or commit()}", *more, on or machine(), datetime.date.today().isoformat()]
    return f"State: {'; '.join(parts)}."


def add_markdown_option(parser: argparse.ArgumentParser) -> None:
    """Adds --markdown, whose value ``write_markdown`` takes."""
    text = "write the tables to a file, too; with #NAME between the marks <!-- NAME ... --> in it"
    parser.add_argument("--markdown", metavar="FILE[#NAME]", help=text)


def write_markdown(target: str, line: str, sections: Mapping[str, str]) -> None:
    """Writes tables to a file, or puts them into a document.

    Args:
        target: FILE gets all sections. In FILE#NAME each section replaces what stands between the lines
            ``<!-- NAME SECTION -->`` and ``<!-- end -->`` (``<!-- NAME -->`` where the section is called ""); sections
            without such lines are left out.
        line: what the tables were measured with, see ``state``.
        sections: texts by name.

    Raises:
        UserError: FILE has no marks for any of the sections.
    """
    from splatcut.errors import UserError
    from splatcut.files import atomic_path

    name, _, place = target.partition("#")
    path = Path(name)
    if place:
        text, count = path.read_text(encoding="utf-8"), 0
        for section, content in sections.items():
            mark = f"<!-- {place} {section}".rstrip() + " -->"
            pattern = re.compile(rf"(?<={re.escape(mark)}\n).*?(?=<!-- end -->)", re.S)
            made = f"\n{line}\n\n{content}\n\n"
            text, found = pattern.subn(lambda _, made=made: made, text)
            count += found
        if not count:
            raise UserError(f"{path} has no marks <!-- {place} ... --> for {', '.join(sections)}.")
    else:
        text = "\n\n".join([line, *sections.values()]) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; the first column is text, the others are aligned right."""
    lines = [f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def stage_table(stages: Sequence[dict[str, Any]]) -> str:
    """The stages of a ``report.json`` as a Markdown table."""
    rows = [
        [s["name"], f"{s['wall_seconds']:.1f}", f"{s['cpu_seconds']:.1f}", f"{s['peak_memory_bytes'] / 2**20:,.0f}"]
        for s in stages
    ]
    return table(["stage", "seconds", "CPU seconds", "peak memory, MiB"], rows)
