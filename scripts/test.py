# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Runs every check: ``python3 scripts/test.py``.

Makes what it needs in ``.venv`` the first time. The checks are ruff, pyright, the part for Blender with numpy alone
("minimal"), and pytest. ``--only`` picks some of them, ``--fast`` leaves out the slow tests. All other arguments go to
pytest, and then only pytest runs unless ``--only`` says otherwise:
``python3 scripts/test.py tests/backend/test_repository.py -k header``.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import List

import _environment

CHECKS = ("ruff", "pyright", "minimal", "pytest")


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
    for check in checks:
        setup = "minimal" if check == "minimal" else "dev"
        print(f"\n===== {check} " + "=" * (70 - len(check)), flush=True)
        _environment.ensure(setup)
        began = time.monotonic()
        code = _environment.run_in(setup, _command(check, for_pytest))
        results.append((check, code, time.monotonic() - began))
        if code in (2, -2) and check == "pytest":  # the user interrupted it
            break

    print("\n===== all checks " + "=" * 60)
    for check, code, seconds in results:
        print(f"{check:<10}{'passed' if code == 0 else f'FAILED (exit code {code})':<26}{seconds:8.1f} s")
    sys.stdout.flush()
    return 0 if all(code == 0 for _, code, _ in results) else 1


def _command(check: str, for_pytest: List[str]) -> List[str]:
    """What the environment's Python is to run."""
    if check == "ruff":
        return ["-m", "ruff", "check", "."]
    if check == "pyright":
        return ["-m", "pyright", "--pythonpath", str(_environment.python_of("dev"))]
    if check == "minimal":
        return ["tests/minimal/check.py"]
    return ["-m", "pytest", *for_pytest]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
