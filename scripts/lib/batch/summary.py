# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What became of a batch's scenes: kept beside their results, and as a table. Runs without Blender."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Exit codes. Farms take 0 for success and everything else for failure; which one says what to do about it.
DONE, SOME_FAILED, BAD_INPUT, NO_ENGINE, INTERRUPTED = 0, 1, 2, 3, 130

_RECORD = "batch.json"


@dataclass(frozen=True)
class Result:
    """What became of one scene.

    Attributes:
        status: "done", "failed", "kept" (done by an earlier run of the batch) or "left" (not come to).
        key: of the task (``manifest.Task.key``) when it was done.
        gaussians: of the scene; objects: of each object, by name; background: of the rest.
        files: what was written; problem: a sentence when it failed; warnings: sentences.
    """

    name: str
    status: str
    key: str = ""
    gaussians: int = 0
    objects: dict[str, int] = field(default_factory=dict)
    background: int = 0
    seconds: float = 0.0
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""


def exit_code(results: Sequence[Result], *, interrupted: bool = False) -> int:
    """``DONE`` when every scene is done, now or earlier."""
    if interrupted:
        return INTERRUPTED
    return DONE if all(result.status in ("done", "kept") for result in results) else SOME_FAILED


def finished(folder: Path, key: str) -> Result | None:
    """The result of an earlier run with the same task, if all of its files are still there; else None."""
    try:
        content: dict[str, Any] = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        content["files"], content["warnings"] = tuple(content["files"]), tuple(content["warnings"])
        result = Result(**content)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if result.status != "done" or result.key != key or not all(Path(name).is_file() for name in result.files):
        return None
    return dataclasses.replace(result, status="kept")


def keep(folder: Path, result: Result) -> None:
    """Writes a scene's record, from which a later run of the batch knows that it is done."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / _RECORD, json.dumps(dataclasses.asdict(result), indent=1) + "\n")


def write(out: Path, results: Sequence[Result]) -> None:
    """Writes ``summary.json`` and ``summary.md``."""
    out.mkdir(parents=True, exist_ok=True)
    counts = {status: sum(r.status == status for r in results) for status in ("done", "kept", "failed", "left")}
    document = {"counts": counts, "scenes": [dataclasses.asdict(result) for result in results]}
    _write(out / "summary.json", json.dumps(document, indent=1) + "\n")
    _write(out / "summary.md", table(results))


def table(results: Sequence[Result]) -> str:
    """The results as a Markdown table, with failures and warnings below it."""
    lines = [
        "| scene | status | Gaussians | objects | background | seconds |",
        "|---|---|---:|---|---:|---:|",
    ]
    for r in results:
        objects = ", ".join(f"{name} ({count:,})" for name, count in r.objects.items()) or "-"
        row = (_cell(r.name), r.status, f"{r.gaussians:,}", _cell(objects), f"{r.background:,}", f"{r.seconds:.0f}")
        lines.append(f"| {' | '.join(row)} |")
    for result in results:
        if result.problem:
            lines += ["", f"**{_cell(result.name)} failed.** {result.problem}"]
        lines += [f"\n{_cell(result.name)}: {warning}" for warning in result.warnings]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
