# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the add-on's tests inside a real Blender.

    python3 scripts/dev/run_in_blender.py BLENDER [ARGUMENTS OF PYTEST]

BLENDER is a Blender's executable, or a folder made by ``scripts/dev/get_blender.sh``. It runs in the background with
preferences and extensions of its own, which are thrown away. What runs the tests (pytest, hypothesis) is installed for
the version of its Python into ``.venv-runner-X.Y``, and nothing into Blender.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import environment, system

REPOSITORY = environment.REPOSITORY
REQUIREMENTS = REPOSITORY / "requirements" / "test-runner.txt"
MARK = "splatcut-blender:"


def main(arguments: list[str]) -> int:
    """Runs pytest in the Blender that the first argument names; returns its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("blender", type=Path, help="a Blender's executable or a folder of get_blender.sh")
    options, for_pytest = parser.parse_known_args(arguments)
    environment.ensure("engine")
    start = command_of(options.blender)
    named = [name for name in for_pytest if Path(REPOSITORY, name.split("::")[0]).exists()]
    with tempfile.TemporaryDirectory(prefix="splatcut-blender-") as scratch:
        variables = private_variables(Path(scratch))
        blender, python, program = versions_of(start, variables)
        print(f"Blender {blender} with Python {python} ({program})", flush=True)
        runner = runner_for(python)
        code = (
            f"import sys; sys.path.append({str(runner)!r}); import os, pytest; "
            f"code = pytest.main({[*for_pytest, *([] if named else ['tests/blender'])]!r}); os._exit(int(code))"
        )
        result = subprocess.run(
            [*start, "-b", "--factory-startup", "--python-exit-code", "3", "--python-expr", code],
            cwd=REPOSITORY, env=variables, check=False,
        )  # fmt: skip
    return result.returncode


def command_of(blender: Path) -> list[str]:
    """What starts the Blender, whether it is an executable or unpacked by get_blender.sh."""
    blender = blender.absolute()
    if (blender / "usr/bin/blender").exists():
        return ["bash", str(REPOSITORY / "scripts" / "dev" / "get_blender.sh"), "run", str(blender)]
    if blender.is_file() and os.access(blender, os.X_OK):
        return [str(blender)]
    raise SystemExit(f"{blender} is neither a Blender's executable nor a folder made by scripts/dev/get_blender.sh.")


def private_variables(scratch: Path) -> dict[str, str]:
    """Environment variables for a Blender that shares nothing with the user's."""
    variables = system.clean_variables()
    variables["BLENDER_USER_RESOURCES"] = str(scratch)
    variables.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")
    return variables


def versions_of(start: list[str], variables: dict[str, str]) -> tuple[str, str, str]:
    """(Blender's version, its Python's X.Y, the path of its program)."""
    code = (
        "import bpy, json, sys; print("
        f"{MARK!r} + json.dumps([bpy.app.version_string, '%d.%d' % sys.version_info[:2], bpy.app.binary_path]))"
    )
    result = subprocess.run(
        [*start, "-b", "--factory-startup", "--python-expr", code],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    for line in result.stdout.splitlines():
        if line.startswith(MARK):
            version, python, program = json.loads(line[len(MARK) :])
            return version, python, program
    raise SystemExit(f"{' '.join(start)} does not run. It said:\n{result.stdout}{result.stderr}")


def runner_for(python: str) -> Path:
    """A folder with what runs the tests, for Blender's version of Python."""
    folder = REPOSITORY / f".venv-runner-{python}"
    stamp = folder / "requirements.txt"
    wanted = REQUIREMENTS.read_bytes()
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    command = [str(environment.python_of("engine")), "-m", "pip", "install", "-q", "--target", str(folder)]
    command += ["--python-version", python, "--only-binary", ":all:", "-r", str(REQUIREMENTS)]
    if subprocess.run(command, env=system.clean_variables(), check=False).returncode != 0:
        raise SystemExit(f"pip could not install {REQUIREMENTS.name} for Python {python}; its reason stands above.")
    stamp.write_bytes(wanted)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
