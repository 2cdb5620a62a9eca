# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks one after the other, over as many workers as it takes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blender_addon.core.client import Limits, Outcome, Problem, WorkerClient
from blender_addon.core.session import Scene, Session, Task

from splatcut.errors import UserError
from splatcut.messages import worker as messages

FAKE = Path(__file__).resolve().parents[2] / "support" / "fake_worker.py"


class Workers:
    """Starts fake workers: the n-th with the n-th modes, the last ones from then on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modes: list[tuple[str, ...]] = [()]
        self.started = 0
        self.session = Session(self.start)

    def start(self) -> WorkerClient:
        modes = self.modes[min(self.started, len(self.modes) - 1)]
        self.started += 1
        command = [sys.executable, str(FAKE), *modes, f"log={self.folder / 'asked'}"]
        return WorkerClient(command, self.folder / "log", "0.1.0", Limits(1.0, 5.0, 1.0))

    def asked(self) -> list[str]:
        """What the workers were asked, but for greetings."""
        words = (self.folder / "asked").read_text().split()
        return [word for word in words if word not in ("hello", "shutdown")]

    def scene(self, key: object, name: str = "scene.ply") -> Scene:
        return Scene(key, lambda: self.folder / name)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    made = Workers(tmp_path)
    yield made
    made.session.close()


def preview(folder: Path = Path("out")) -> messages.Preview:
    from splatcut.messages import ObjectPrompt, Points3DPrompt

    return messages.Preview((ObjectPrompt("vase", (Points3DPrompt(((0.0, 0.0, 0.0, 1),)),)),), folder)


VIEWS = messages.SetViews()


def kind(outcome: Outcome | None) -> str | None:
    assert outcome is not None
    return outcome.problem.kind if outcome.problem else None


def poll_until(session: Session, condition: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        session.poll()
        time.sleep(0.01)


def test_scene_and_views_are_sent_once_and_only_when_they_change(workers: Workers) -> None:
    session = workers.session
    assert not session.holds(workers.scene(1), VIEWS)
    for _ in range(2):
        assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
        assert session.holds(workers.scene(1), VIEWS)
        assert not session.holds(workers.scene(2), VIEWS)
    assert workers.asked() == ["load_scene", "set_views", "preview", "preview"]
    other = messages.SetViews(Path("sparse"))
    assert session.wait(session.submit(Task(preview(), workers.scene(1), other))).ok
    assert workers.asked()[4:] == ["set_views", "preview"]
    # Another scene has other views, even where they are asked for in the same words.
    assert session.wait(session.submit(Task(preview(), workers.scene(2), other))).ok
    assert workers.asked()[6:] == ["load_scene", "set_views", "preview"]
    assert session.loaded == messages.LoadSceneResult("hash of scene.ply", 3)
    assert session.views is not None


def test_after_a_death_the_next_task_gets_a_new_worker_with_everything(workers: Workers) -> None:
    workers.modes = [("kill=preview",), ()]
    session = workers.session
    assert kind(session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS)))) == "died"
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
    assert workers.started == 2
    assert workers.asked() == ["load_scene", "set_views", "preview"] * 2


def test_a_worker_killed_while_idle_is_replaced_without_a_word(workers: Workers) -> None:
    session = workers.session
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
    assert session.client is not None
    assert session.client.hello is not None
    os.kill(session.client.hello.pid, signal.SIGKILL)
    poll_until(session, lambda: session.client is not None and not session.client.alive)
    assert not session.holds(workers.scene(1), VIEWS)
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok


@pytest.mark.parametrize("step", ["load_scene", "set_views", "preview"])
def test_a_refusal_at_any_step_ends_the_task_and_the_next_begins_there(workers: Workers, step: str) -> None:
    workers.modes = [(f"fail={step}:user",)]
    session = workers.session
    assert kind(session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS)))) == "user"
    steps = ["load_scene", "set_views", "preview"]
    assert workers.asked() == steps[: steps.index(step) + 1]
    assert kind(session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS)))) == "user"
    assert workers.asked()[steps.index(step) + 1 :] == [step]
    assert workers.started == 1


def test_a_scene_that_did_not_load_is_not_taken_for_the_one_before(workers: Workers) -> None:
    workers.modes = [("slow=0.2",)]
    session = workers.session
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
    task = session.submit(Task(preview(), workers.scene(2), VIEWS))
    poll_until(session, lambda: task.number)
    session.cancel(task)
    assert kind(session.wait(task)) == "cancelled"
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
    assert workers.asked()[-3:] == ["load_scene", "set_views", "preview"]


@pytest.mark.parametrize("kind_of_error", ["internal", "memory"])
def test_after_a_defect_everything_is_sent_again(workers: Workers, kind_of_error: str) -> None:
    workers.modes = [(f"fail=encode:{kind_of_error}",)]
    session = workers.session
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
    assert kind(session.wait(session.submit(Task(messages.Encode(("v",)))))) == kind_of_error
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
    assert workers.asked()[-3:] == ["load_scene", "set_views", "preview"]


def test_tasks_wait_for_each_other_so_that_scenes_do_not_mix(workers: Workers) -> None:
    workers.modes = [("slow=0.1",)]
    session = workers.session
    first = session.submit(Task(preview(), workers.scene(1), VIEWS))
    second = session.submit(Task(preview(), workers.scene(2), VIEWS))
    assert session.wait(second).ok
    assert first.outcome is not None
    assert first.outcome.ok
    assert workers.asked() == ["load_scene", "set_views", "preview"] * 2


def test_a_waiting_task_gives_way_to_a_later_one_of_its_slot(workers: Workers) -> None:
    workers.modes = [("slow=0.2",)]
    session = workers.session
    tasks = [session.submit(Task(preview(), workers.scene(1), VIEWS, slot="preview")) for _ in range(4)]
    other = session.submit(Task(messages.Encode(()), slot="other"))
    assert session.wait(other).ok
    # The first was under way already.
    assert [kind(task.outcome) for task in tasks] == [None, "cancelled", "cancelled", None]
    assert workers.asked().count("preview") == 2


def test_a_task_is_cancelled_between_its_steps(workers: Workers) -> None:
    workers.modes = [("slow=0.2",)]
    session = workers.session
    task = session.submit(Task(preview(), workers.scene(1), VIEWS))
    poll_until(session, lambda: "load_scene" in task.steps and session.client and session.client.hello)
    session.cancel(task)
    assert kind(session.wait(task)) == "cancelled"
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok


def test_what_cannot_be_written_ends_the_task_with_its_sentence(workers: Workers) -> None:
    def full() -> Path:
        raise UserError("The disk is full.")

    session = workers.session
    outcome = session.wait(session.submit(Task(preview(), Scene(1, full), VIEWS)))
    assert outcome.problem == Problem("user", "The disk is full.")
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok


def test_without_an_environment_every_task_says_so() -> None:
    def start() -> WorkerClient:
        raise UserError("There is no environment.")

    session = Session(start)
    for _ in range(2):
        outcome = session.wait(session.submit(Task(preview())))
        assert outcome.problem is not None
        assert outcome.problem.message == "There is no environment."
    assert session.idle


def test_views_that_are_the_task_itself_are_remembered(workers: Workers) -> None:
    session = workers.session
    assert session.wait(session.submit(Task(VIEWS, workers.scene(1)))).ok
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
    assert workers.asked() == ["load_scene", "set_views", "preview"]
    session.forget_views()
    assert session.wait(session.submit(Task(preview(), workers.scene(1), VIEWS))).ok
    assert workers.asked()[3:] == ["set_views", "preview"]


def test_a_reply_may_submit_the_next_task(workers: Workers) -> None:
    session = workers.session
    later: list[Task] = []
    first = Task(preview(), workers.scene(1), VIEWS, on_reply=lambda _: later.append(session.submit(Task(preview()))))
    session.wait(session.submit(first))
    poll_until(session, lambda: later and later[0].outcome)
    assert kind(later[0].outcome) is None


def test_close_answers_all_tasks(workers: Workers) -> None:
    workers.modes = [("slow=5",)]
    session = workers.session
    tasks = [session.submit(Task(preview(), workers.scene(1), VIEWS)) for _ in range(3)]
    poll_until(session, lambda: session.client and session.client.hello)
    session.close()
    assert [kind(task.outcome) for task in tasks] == ["cancelled"] * 3
    assert session.client is None
