# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""splatcut doctor."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

import splatcut
from splatcut.cli import doctor
from splatcut.cli.doctor import examine


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    doctor.add_parser(parser.add_subparsers())
    args = parser.parse_args(["doctor", *arguments])
    return args.func(args)


def test_everything_needed_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    text = capsys.readouterr().out
    for words in ("numpy", "onnxruntime", "MobileSAM", "cores", "disk (here)"):
        assert words in text
    assert text.endswith("Everything needed to segment a scene is installed.\n")
    assert max(len(line) for line in text.splitlines() if "->" not in line and "Python" not in line) <= 120


def test_json_says_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLATCUT_CACHE", str(tmp_path))
    (tmp_path / "embeddings").mkdir()
    (tmp_path / "embeddings" / "a.npz").write_bytes(b"x" * 1_500_000)
    assert call("--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ready"], answer["splatcut"]) == (True, splatcut.__version__)
    checks = {check["name"]: check for check in answer["checks"]}
    assert checks["numpy"]["detail"] == numpy.__version__
    assert checks["cache"]["detail"].startswith(f"{tmp_path / 'embeddings'}: 1.5 MB of")
    assert checks["MobileSAM"]["ok"]


def test_what_is_missing_is_named_with_its_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gsply", None)
    assert call() == 1
    text = capsys.readouterr().out
    assert "MISSING gsply" in text
    assert "-> pip install gsply" in text
    assert "cannot segment yet. Missing: gsply." in text


def test_a_broken_package_counts_as_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gsply.py").write_text("raise OSError('a library does not load')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gsply", raising=False)
    check = next(check for check in examine() if check.name == "gsply")
    assert not check.ok
    assert check.detail == "cannot be imported: a library does not load"
    assert check.remedy == "pip install --force-reinstall gsply"


def test_optional_packages_do_not_change_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    check = next(check for check in examine() if check.name == "segment-anything")
    assert (check.ok, check.group) == (False, "optional")
    assert check.remedy == 'pip install "splatcut[sam]"'
    assert call() == 0
    assert ["-", "segment-anything"] in [line.split()[:2] for line in capsys.readouterr().out.splitlines()]


def test_it_runs_where_hardly_anything_is_installed() -> None:
    code = (
        "import sys\n"
        "sys.modules.update({'numpy': None, 'torch': None, 'PIL': None, 'tqdm': None})\n"
        "from splatcut.cli import main\n"
        "sys.exit(main(['doctor', '--json']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(splatcut.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    details = {check["name"]: check["detail"] for check in answer["checks"]}
    assert not answer["ready"]
    assert details["numpy"] == "not installed"
    assert details["scipy"] == "cannot be imported without numpy"
    assert details["CUDA"].startswith("Everything runs on the processor.")
