# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Runs every check: ``python3 scripts/test.py``.

Makes what it needs in ``.venv`` and others beside it the first time. The checks are ruff, pyright, the part for Blender
with numpy alone ("minimal"), pytest, and the add-on's tests in Blender as a Python module ("blender45", "blender52",
"blender53"; skipped with a reason where this machine cannot have that module). Those in Blender run side by side.
``--only`` picks some of the checks, ``--fast`` leaves out the slow tests. All other arguments go to pytest, and then
only pytest runs unless ``--only`` says otherwise: ``python3 scripts/test.py tests/test_repository.py -k header``,
``python3 scripts/test.py --only blender45 -k picking``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Tuple

from lib import environment

BLENDERS: Dict[str, str] = {"blender45": "bpy45", "blender52": "bpy52", "blender53": "bpy53"}
CHECKS = ("ruff", "pyright", "minimal", "pytest", *BLENDERS)


def main(arguments: List[str]) -> int:
    """Runs the checks; returns 0 when all of them pass."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--fast", action="store_true", help="leave out the tests marked slow")
    parser.add_argument("--only", help="checks to run, with commas between them: " + ",".join(CHECKS))
    options, for_pytest = parser.parse_known_args(arguments)
    checks = options.only.split(",") if options.only else ["pytest"] if for_pytest else list(CHECKS)
    for check in checks:
        if check not in CHECKS:
            parser.error(f"there is no check {check!r}; the checks are {', '.join(CHECKS)}")
    if options.fast:
        for_pytest = ["-m", "not slow", *for_pytest]

    results = []
    for check in (check for check in checks if check not in BLENDERS):
        print(f"\n===== {check} " + "=" * (70 - len(check)), flush=True)
        began = time.monotonic()
        verdict = "passed"
        for setup, command in _commands(check, for_pytest):
            reason = environment.unsuited(setup)
            if reason is not None:
                print(f"{setup} is skipped. {reason}", flush=True)
                verdict = f"skipped ({setup})"
                continue
            environment.ensure(setup)
            code = environment.run_in(setup, command)
            if code != 0:
                verdict = f"FAILED (exit code {code})"
                break
        results.append((check, verdict, time.monotonic() - began))
        if verdict.endswith((" 2)", " -2)")) and "pytest" in command:  # the user interrupted it
            break
    else:
        results += _side_by_side([check for check in checks if check in BLENDERS], for_pytest)

    print("\n===== all checks " + "=" * 60)
    for check, verdict, seconds in results:
        print(f"{check:<10}{verdict:<26}{seconds:8.1f} s")
    sys.stdout.flush()
    return 1 if any(verdict.startswith("FAILED") for _, verdict, _ in results) else 0


def _side_by_side(checks: List[str], for_pytest: List[str]) -> List[Tuple[str, str, float]]:
    """Runs the checks in Blender, as many at a time as there are cores, and at most three: name, verdict, seconds.

    Each uses one core most of the time. What a check prints comes when it has ended.
    """
    results, waiting, running = [], [], []
    for check in checks:
        environment.ensure("engine")  # which builds the extension and runs as its worker
        reason = environment.unsuited(BLENDERS[check])
        if reason is not None:
            print(f"\n{BLENDERS[check]} is skipped. {reason}", flush=True)
            results.append((check, f"skipped ({BLENDERS[check]})", 0.0))
            continue
        environment.ensure(BLENDERS[check])
        waiting.append(check)
    if len(waiting) > 1:
        print(f"\n{', '.join(waiting)} run side by side; each prints when it has ended.", flush=True)
    alone = len(waiting) == 1
    with tempfile.TemporaryDirectory(prefix="splatcut-test-") as folder:
        while waiting or running:
            try:
                while waiting and len(running) < min(os.cpu_count() or 1, 3):
                    check = waiting.pop(0)
                    log = None if alone else Path(folder, check)
                    command = _commands(check, for_pytest)[0][1]
                    running.append((check, environment.start(BLENDERS[check], command, log), log, time.monotonic()))
                for entry in [entry for entry in running if entry[1].poll() is not None]:
                    running.remove(entry)
                    check, process, log, began = entry
                    print(f"\n===== {check} " + "=" * (70 - len(check)), flush=True)
                    if log is not None:
                        print(log.read_text(encoding="utf-8", errors="replace"), flush=True)
                    code = process.returncode
                    verdict = "passed" if code == 0 else f"FAILED (exit code {code})"
                    results.append((check, verdict, time.monotonic() - began))
                time.sleep(0.2)
            except KeyboardInterrupt:  # those that run got it too, and end by themselves
                results += [(check, "FAILED (not run)", 0.0) for check in waiting]
                waiting = []
    return sorted(results, key=lambda result: checks.index(result[0]))


def _commands(check: str, for_pytest: List[str]) -> List[Tuple[str, List[str]]]:
    """The set-ups that the check needs, and what their Python is to run."""
    if check == "ruff":
        return [("dev", ["-m", "ruff", "check", "."])]
    if check == "pyright":
        return [("dev", ["-m", "pyright", "--pythonpath", str(environment.python_of("dev"))])]
    if check == "minimal":
        # Blender's Python has no more than this: the engine's part for it, and the add-on's decisions.
        runs = []
        for setup in ("minimal", "minimal-old"):
            runs.append((setup, ["tests/minimal/check.py"]))
            runs.append((setup, ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/blender_addon/core"]))
        return runs
    if check in BLENDERS:
        # What was named on the command line, or everything.
        named = [name for name in for_pytest if Path(environment.REPOSITORY, name.split("::")[0]).exists()]
        return [(BLENDERS[check], ["-m", "pytest", *for_pytest, *([] if named else ["tests/blender"])])]
    # A file's tests share its fixtures, so they stay in one process.
    whole = for_pytest in ([], ["-m", "not slow"])
    cores = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile"] if whole else []
    return [("dev", ["-m", "pytest", *cores, *for_pytest])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
