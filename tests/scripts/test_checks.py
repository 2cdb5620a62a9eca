# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The checks in Blender run side by side, each with its own verdict; one that cannot run says why."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

#: Waits until the other one runs too, where there is another one.
_PROGRAM = """
import sys, time
from pathlib import Path
folder, own, other = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
print("this is", own)
(folder / own).touch()
end = time.monotonic() + 60
while other and not (folder / other).exists():
    if time.monotonic() > end:
        sys.exit(9)
    time.sleep(0.05)
sys.exit(own == "bpy53")
"""
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "test.py"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The script, with programs of this Python's in place of the checks in Blender: 5.2 is not there, 5.3 fails."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("checks_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def start(setup: str, arguments: list[str], log: Path | None = None) -> subprocess.Popen[bytes]:
        assert arguments == ["-m", "pytest", "tests/blender"]
        other = {"bpy45": "bpy53", "bpy53": "bpy45"}[setup] if module.together else ""
        command = [sys.executable, "-c", _PROGRAM, str(tmp_path), setup, other]
        return subprocess.Popen(command, stdout=None if log is None else log.open("wb"))

    module.together = False
    monkeypatch.setattr(module.environment, "ensure", lambda setup: None)
    monkeypatch.setattr(module.environment, "unsuited", lambda setup: "No such Python." if setup == "bpy52" else None)
    monkeypatch.setattr(module.environment, "start", start)
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    return module


def test_all_run_at_the_same_time(checks: Any, capfd: pytest.CaptureFixture[str]) -> None:
    checks.together = True
    assert checks.main(["--only", "blender45,blender52,blender53"]) == 1
    said = capfd.readouterr().out
    assert "bpy52 is skipped. No such Python." in said
    for name, verdict in (("45", "passed"), ("52", "skipped (bpy52)"), ("53", "FAILED (exit code 1)")):
        assert f"blender{name} {verdict}" in " ".join(said.split())
    assert said.index("===== blender45") < said.index("this is bpy45")


def test_one_alone_prints_as_it_goes(checks: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert checks.main(["--only", "blender45"]) == 0
    assert "this is bpy45" in capfd.readouterr().out
