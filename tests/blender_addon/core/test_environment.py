# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a Python, planning an environment, and telling whole ones from half-made ones."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from blender_addon.core import environment
from blender_addon.core.environment import STAMP, UNFINISHED, Interpreter, Parts

from splatcut.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[3]
PYTHON = Interpreter(Path(sys.executable), (3, 11, 7))


@pytest.fixture
def made_of(tmp_path: Path) -> Parts:
    requirements = tmp_path / "engine-requirements.txt"
    requirements.write_text("# pins\nnumpy==2.4.6\ntorch==2.13.0\ntorchless==1.0\n")
    wheel = tmp_path / "splatcut-0.1.0-py3-none-any.whl"
    wheel.touch()
    return Parts(requirements, wheel)


def test_an_interpreter_is_asked_what_it_is() -> None:
    found = environment.probe(Path(sys.executable))
    assert found is not None
    assert found.version == sys.version_info[:3]
    assert found.missing == ()


@pytest.mark.skipif(os.name == "nt", reason="a script is no program on Windows")
@pytest.mark.parametrize(
    "answer", ["", "hello", '{"version": [3, 11, 1]}', '{"version": [3, 11, 1], "bits": 32, "missing": []}']
)
def test_what_is_no_python_is_told(tmp_path: Path, answer: str) -> None:
    program = tmp_path / "python3.11"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    assert environment.probe(program) is None
    with pytest.raises(UserError, match="not a Python interpreter"):
        environment.find_interpreter(program)
    assert environment.probe(tmp_path / "nowhere") is None


@pytest.mark.skipif(os.name == "nt", reason="a script is no program on Windows")
def test_an_old_python_is_told(tmp_path: Path) -> None:
    program = tmp_path / "python"
    answer = {"version": [3, 8, 1], "bits": 64, "missing": [], "path": str(program), "implementation": "cpython"}
    program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    program.chmod(0o755)
    with pytest.raises(UserError, match=r"Python 3\.8\.1 .* needs Python 3\.11, 3\.12 or 3\.13"):
        environment.find_interpreter(program)


def test_a_suitable_python_is_found_whatever_sys_executable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/usr/bin/blender")
    found = environment.find_interpreter()
    assert found.version[:2] in environment.PYTHONS
    assert found.missing == ()


def test_without_any_python_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "candidates", lambda: iter([Path("/nowhere/python")]))
    with pytest.raises(UserError, match=r"No Python 3\.11.*python\.org"):
        environment.find_interpreter()
    monkeypatch.setattr(environment, "candidates", lambda: iter([Path("/some/python")]))
    monkeypatch.setattr(environment, "probe", lambda path: Interpreter(path, (3, 11, 2), ("ensurepip",)))
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="lacks ensurepip"):
        environment.find_interpreter()
    monkeypatch.setattr(environment.shutil, "which", lambda name: "/usr/bin/uv" if name == "uv" else None)
    assert environment.find_interpreter().missing == ("ensurepip",)


def test_a_plan_says_what_it_takes(tmp_path: Path, made_of: Parts) -> None:
    plan = environment.plan(tmp_path / "env", PYTHON, "cpu", made_of, online=True)
    assert made_of.torch == "2.13.0"
    assert plan.text.startswith("CPU build: about ")
    assert "free)" in plan.text


def test_what_cannot_be_made_is_told_before_anything_is_made(
    tmp_path: Path, made_of: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="Allow Online Access"):
        environment.plan(tmp_path / "env", PYTHON, "cpu", made_of, online=False)
    monkeypatch.setattr(environment, "builds", lambda: ("cpu",))
    with pytest.raises(UserError, match="Linux only"):
        environment.plan(tmp_path / "env", PYTHON, "cuda", made_of, online=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(UserError, match="already contains other files"):
        environment.plan(tmp_path / "mine", PYTHON, "cpu", made_of, online=True)
    monkeypatch.setattr(environment, "free_space", lambda folder: 900_000_000)
    with pytest.raises(UserError, match=r"900 MB left, .* needs about 1\.8 GB"):
        environment.plan(tmp_path / "env", PYTHON, "cpu", made_of, online=True)
    assert not (tmp_path / "env").exists()


def test_the_parts_of_an_extension_and_of_a_checkout(tmp_path: Path) -> None:
    assert environment.parts(REPOSITORY / "blender_addon") == Parts(
        REPOSITORY / "requirements" / "engine.txt", REPOSITORY
    )
    with pytest.raises(UserError, match="engine is missing"):
        environment.parts(tmp_path)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "splatcut-0.1.0-py3-none-any.whl").touch()
    (tmp_path / "engine-requirements.txt").touch()
    assert environment.parts(tmp_path).engine.name == "splatcut-0.1.0-py3-none-any.whl"


def test_whole_half_made_and_missing_environments_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "data_folder", lambda: tmp_path)
    with pytest.raises(UserError, match=r"no environment yet\. Create"):
        environment.worker_python(None)
    python = environment.python_in(tmp_path / "worker")
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "worker" / UNFINISHED).touch()
    with pytest.raises(UserError, match="is incomplete"):
        environment.worker_python(None)
    assert environment.stamp(tmp_path / "worker") is None
    (tmp_path / "worker" / UNFINISHED).unlink()
    (tmp_path / "worker" / STAMP).write_text('{"splatcut": "0.1.0", "build": "cpu", "python": "3.11.7"}')
    assert environment.worker_python(None) == python
    assert environment.worker_python(tmp_path / "worker") == python
    assert environment.worker_python(python) == python
    assert environment.environment_text(None, "0.1.0") == (True, "CPU build, SplatCut 0.1.0, Python 3.11.7")
    good, text = environment.environment_text(None, "0.2.0")
    assert not good
    assert "Create it again" in text
    with pytest.raises(UserError, match="does not exist"):
        environment.worker_python(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="is not a virtual environment"):
        environment.worker_python(tmp_path / "empty")


def test_the_doctors_answer_in_sentences() -> None:
    def check(name: str, ok: bool, group: str = "required") -> dict[str, object]:
        return {"name": name, "group": group, "ok": ok, "detail": "not installed.", "remedy": "Type pip."}

    report = {"splatcut": "0.1.0", "platform": "Linux", "ready": True, "checks": [check("numpy", True)]}
    noise = "warning: {this} is noise\n"
    good, lines = environment.read_doctor(noise + json.dumps(report, indent=2) + "\nbye {", "0.1.0")
    assert good
    assert lines == ["SplatCut 0.1.0 on Linux.", "The engine has everything it needs."]
    good, lines = environment.read_doctor(json.dumps(report), "0.2.0")
    assert not good
    assert "must match" in lines[1]
    missing = {**report, "ready": False, "checks": [check("torch", False), check("CUDA", False, "optional")]}
    good, lines = environment.read_doctor(json.dumps(missing), "0.1.0")
    assert not good
    assert lines[1:] == ["torch is missing: not installed. Type pip.", "CUDA: not installed."]
    for output in ("", "No module named splatcut", "{", "{}"):
        good, lines = environment.read_doctor(output, "0.1.0")
        assert not good
        assert lines[0].startswith("The engine does not respond. Create the environment again.")
