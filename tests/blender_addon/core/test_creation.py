# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making an environment: steps in child processes, marks, cancel, failures."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from blender_addon.core import creation, environment
from blender_addon.core.creation import Creation, Step, Steps
from blender_addon.core.environment import STAMP, UNFINISHED, Interpreter, Parts, Plan

from splatcut.errors import UserError


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def plan_in(tmp_path: Path, build: environment.Build = "cpu", uv: Path | None = None) -> Plan:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("torch==2.13.0\n")
    parts = Parts(requirements, tmp_path / "splatcut-0.1.0-py3-none-any.whl")
    return Plan(tmp_path / "env", Interpreter(Path(sys.executable), (3, 11, 7)), build, parts, 1, 1, None, uv)


def test_steps_run_one_after_the_other_with_progress() -> None:
    steps = Steps(
        [
            Step("First", python("print('Collecting numpy'); print('Downloading torch (196 MB)')"), 1.0),
            Step("Second", python("import time; time.sleep(0.1); print('Installing collected packages')"), 3.0),
        ]
    )
    seen: list[tuple[str, float, str]] = []
    while steps.poll():
        seen.append((steps.text, steps.fraction, steps.line))
        time.sleep(0.005)
    assert steps.problem is None
    assert steps.fraction == 1.0
    fractions = [fraction for _, fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert [text for text in dict.fromkeys(text for text, _, _ in seen)] == ["First", "Second"]
    assert "Downloading torch (196 MB)" in {line for _, _, line in seen} | set(steps.output)


def test_a_step_that_fails_ends_the_steps_with_a_sentence() -> None:
    steps = Steps(
        [
            Step("Fetching", python("print('ERROR: Nothing found'); raise SystemExit(1)"), 1.0, None, "Try."),
            Step("Never", python("open('/nowhere', 'w')"), 1.0),
        ]
    )
    steps.wait()
    assert steps.problem == "Fetching failed (code 1). Try. Its output was: ERROR: Nothing found"


def test_a_full_disk_is_told_as_one() -> None:
    steps = Steps([Step("Fetching", python("print('OSError: [Errno 28] No space left'); raise SystemExit(1)"), 1.0)])
    steps.wait()
    assert steps.problem == "The disk is full. Free up some space and create the environment again."


def test_a_step_has_a_second_way() -> None:
    steps = Steps([Step("Fetching", python("raise SystemExit(1)"), 1.0, python("print('from the other place')"))])
    steps.wait()
    assert steps.problem is None
    assert "from the other place" in steps.output


def test_a_program_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    steps = Steps([Step("Making", (str(tmp_path / "python"),), 1.0)])
    steps.wait()
    assert steps.problem is not None
    assert "cannot be started" in steps.problem


def test_cancel_ends_the_process_and_its_children() -> None:
    child = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', 'import time; time.sleep(60)'])"
    steps = Steps([Step("Long", python(child), 1.0)])
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        steps.poll()
        time.sleep(0.02)
    before = time.monotonic()
    steps.cancel()
    assert time.monotonic() - before < 3
    assert steps.done
    assert steps.cancelled
    assert steps.problem == "Stopped."
    assert not steps.poll()


def test_the_mark_is_there_from_the_first_moment_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_in(tmp_path)
    look = f"import os; print('marked', os.path.exists({str(plan.folder / UNFINISHED)!r}))"
    monkeypatch.setattr(
        creation, "steps", lambda plan: [Step("One", python(look), 1.0), Step("Two", python(look), 1.0)]
    )
    made = Creation(plan)
    assert (plan.folder / UNFINISHED).exists()
    made.wait()
    assert made.problem is None
    assert list(made.output) == ["marked True", "marked True"]
    assert not (plan.folder / UNFINISHED).exists()
    stamp = environment.stamp(plan.folder)
    assert stamp is not None
    assert (stamp["build"], stamp["torch"], stamp["splatcut"]) == ("cpu", "2.13.0", "0.1.0")


def test_a_failed_or_stopped_environment_keeps_its_mark_and_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_in(tmp_path)
    monkeypatch.setattr(creation, "steps", lambda plan: [Step("One", python("raise SystemExit(3)"), 1.0)])
    failed = Creation(plan)
    (plan.folder / "lib").mkdir()
    (plan.folder / "lib" / "left over").touch()
    failed.wait()
    assert failed.problem is not None
    assert (plan.folder / UNFINISHED).exists()
    assert not (plan.folder / STAMP).exists()
    monkeypatch.setattr(creation, "steps", lambda plan: [Step("One", python("pass"), 1.0)])
    again = Creation(plan)
    assert [path.name for path in plan.folder.iterdir()] == [UNFINISHED]
    again.wait()
    assert again.problem is None
    # A whole one is replaced, too; somebody else's folder is not.
    Creation(plan).cancel()
    assert environment.stamp(plan.folder) is None
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(UserError, match="already contains other files"):
        creation.prepare(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "builds", lambda: ("cpu", "cuda"))
    plan = plan_in(tmp_path)
    commands = [" ".join(step.command) for step in creation.steps(plan)]
    assert commands[0].endswith(f"-I -m venv {plan.folder}")
    assert commands[1].endswith("torch==2.13.0+cpu")
    assert commands[2].endswith(f"-r {plan.parts.requirements}")
    assert commands[3].endswith(f"--no-deps --force-reinstall {plan.parts.engine}")
    assert all(command.startswith(str(environment.python_in(plan.folder))) for command in commands[1:])
    other = creation.steps(plan)[1].otherwise
    assert other is not None
    assert other[-2:] == ("--extra-index-url", creation.TORCH_CPU_INDEX)
    cuda = [" ".join(step.command) for step in creation.steps(plan_in(tmp_path, "cuda"))]
    assert cuda[1].endswith("torch==2.13.0 gsplat>=1.5")
    # Elsewhere there is one torch only, and the pins name it.
    monkeypatch.setattr(environment, "builds", lambda: ("cpu",))
    assert len(creation.steps(plan)) == len(commands) - 1
    with_uv = creation.steps(plan_in(tmp_path, uv=Path("uv")))[0].command
    assert with_uv[:3] == ("uv", "venv", "--seed")


@pytest.mark.parametrize(("output", "good"), [('{"splatcut": "0.1.0"}', False), ("Segmentation fault", False)])
def test_a_test_that_goes_wrong_is_sentences(tmp_path: Path, output: str, good: bool) -> None:
    test = creation.Test(Path(sys.executable), "0.1.0")
    test._steps[0] = Step("Testing", python(f"print({output!r}); raise SystemExit(1)"), 1.0)
    test.wait()
    assert test.ready is good
    assert test.problem is not None
    assert "does not respond" in test.problem
