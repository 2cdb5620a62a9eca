# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the command loads before it is needed, and how its threads wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from segment_runs import ENVIRONMENT

HEAVY = {"torch", "numba", "scipy", "onnxruntime", "pycolmap", "gsply", "PIL", "OpenEXR"}


def python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter whose threads wait as ``environment`` says."""
    inherited = {key: value for key, value in ENVIRONMENT.items() if key not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    command, own = [sys.executable, "-c", code, *arguments], {**inherited, **environment}
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["info", "demo/scene.ply"],
        ["segment", "none.ply", "--at", "a:1,2", "--out", os.devnull],
        ["render", "demo/scene.ply", "--cameras", "none.json", "--out", os.devnull],
        ["heal", "none.cut"],
        ["evaluate", "--help"],
    ],
)
def test_heavy_packages_are_loaded_where_they_are_used(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the input is bad: nobody waits seconds for the word that a file is not there."""
    monkeypatch.chdir(os.path.dirname(__file__) + "/../../..")
    code = "import sys, splatcut.cli\n"
    code += "try: print(splatcut.cli.main())\nexcept SystemExit as stopped: print(stopped.code)\n"
    code += "print(*{name.split('.')[0] for name in sys.modules})"
    ended = python(code, *arguments)
    *_, status, modules = ended.stdout.splitlines()
    assert status == ("2" if any("none." in word for word in arguments) else "0"), ended.stderr
    # Neighbours tell whether a scene's Gaussians were transformed with their positions.
    needed = {"scipy"} if arguments[0] == "info" else set()
    assert HEAVY & set(modules.split()) == needed


@pytest.mark.parametrize(
    ("command", "given", "policy", "spins"),
    [
        ("info", {}, "passive", "0"),
        ("worker", {"GOMP_SPINCOUNT": "9"}, "passive", "9"),
        ("info", {"OMP_WAIT_POLICY": "active"}, "active", None),
    ],
)
def test_idle_threads_sleep_unless_told_otherwise(
    command: str, given: dict[str, str], policy: str, spins: str | None
) -> None:
    """When a command begins its work, and as OpenMP itself understands it."""
    code = f"""
import os, runpy, sys
import splatcut.cli.{command} as command
assert not {{"torch", "numba"}} & set(sys.modules)
def run(args):
    print((os.environ["OMP_WAIT_POLICY"], os.environ.get("GOMP_SPINCOUNT")))
    import torch
    return 0
command.run = run
runpy.run_module("splatcut", run_name="__main__")
"""
    arguments = [command, "scene.ply"] if command == "info" else [command]
    ended = python(code, *arguments, OMP_DISPLAY_ENV="TRUE", **given)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == str((policy, spins))
    if "OMP_WAIT_POLICY = " in ended.stderr:  # this torch comes with an OpenMP that tells
        assert f"OMP_WAIT_POLICY = '{policy.upper()}'" in ended.stderr
