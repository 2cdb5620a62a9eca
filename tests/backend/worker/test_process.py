# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut worker`` in processes of its own: the pipes, cancelling in every stage, and the demo scene."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import worker_driver
from blob_scene import BlobScene
from worker_client import WorkerProcess

import splatcut
from splatcut.messages import Job, JobOptions, ObjectPrompt, Points3DPrompt, ViewPrompt, load_prompts
from splatcut.messages.worker import (
    Cancel,
    Convert,
    ConvertResult,
    Encode,
    EncodeResult,
    Failure,
    HeartbeatEvent,
    Hello,
    LoadScene,
    Preview,
    PreviewEvent,
    PreviewResult,
    ProgressEvent,
    ReadyEvent,
    Reply,
    Run,
    RunResult,
    SetViews,
    Shutdown,
)

Start = Callable[..., WorkerProcess]


def red(blobs: BlobScene) -> tuple[ObjectPrompt, ...]:
    x, y = blobs.click("red")
    return (ObjectPrompt("red", (ViewPrompt("view_2", ((x, y, 1),)),)),)


def run_of(blobs: BlobScene, out: Path, refine: bool = False) -> Run:
    options = JobOptions(quality="draft", refine=refine, device="cpu")
    return Run(Job(blobs.scene, out, blobs.cameras, objects=red(blobs), options=options))


def test_from_the_handshake_to_a_cut_object(start: Start, blobs: BlobScene, tmp_path: Path) -> None:
    worker = start("--log", tmp_path / "logs" / "worker.log", TEST_NOISE="1")
    assert isinstance(worker.next(), ReadyEvent)
    hello = worker.greet()
    assert (hello.device, hello.version, hello.pid) == ("cpu", splatcut.__version__, worker.process.pid)
    assert hello.log == str(tmp_path / "logs" / "worker.log")
    assert worker.ask(LoadScene(blobs.scene)).gaussians == 400
    assert len(worker.ask(SetViews(blobs.cameras)).views) == 6
    assert worker.ask(Encode(("view_2",))) == EncodeResult(1)
    preview = worker.ask(Preview(red(blobs), tmp_path / "previews"))
    assert isinstance(preview, PreviewResult)
    assert worker.of(PreviewEvent)[0].stage == "first"
    run = worker.ask(run_of(blobs, tmp_path / "out"))
    assert isinstance(run, RunResult)
    with np.load(preview.file) as seen, np.load(tmp_path / "out" / "labels.npz") as cut:
        assert ((seen["labels"] == 1) == (cut["labels"] == 1)).mean() > 0.95
    fractions = [event.fraction for event in worker.of(ProgressEvent) if event.id == 6]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    # What the noise said is in the log, and none of it in the protocol (the client has parsed every line).
    log = (tmp_path / "logs" / "worker.log").read_text(encoding="utf-8")
    for words in ("a library says hello", "and again", "natively", "from C", "from a child"):
        assert words in log
    worker.send(Shutdown())
    assert worker.process.wait(5) == 0


def test_another_version_is_refused(start: Start) -> None:
    worker = start()
    failure = worker.ask(Hello(1, "0.0.0"))
    assert isinstance(failure, Failure)
    assert failure.kind == "version"
    assert f"SplatCut 0.0.0 (protocol 1) talks to a worker of SplatCut {splatcut.__version__}" in failure.message


def test_garbage_does_no_harm(start: Start, blobs: BlobScene, tmp_path: Path) -> None:
    worker = start()
    for line in (b"garbage\n", b"\xff\n", b"\n", b'{"id": 9, "op": "no"}\n'):
        worker.raw(line)
    replies = []
    while len(replies) < 3:
        answer = worker.next()
        if isinstance(answer, Reply):
            replies.append(answer)
    assert [reply.id for reply in replies] == [None, None, 9]
    worker.greet()
    assert worker.ask(Convert(blobs.scene, tmp_path / "a.splat")) == ConvertResult(400, worker_losses(worker))


def worker_losses(worker: WorkerProcess) -> tuple[str, ...]:
    """What the last reply said about losses."""
    return tuple(json.loads(worker.lines[-1])["result"]["losses"])


def test_it_shows_that_it_lives(start: Start) -> None:
    worker = start()
    worker.greet()
    end = time.monotonic() + 20
    while len(worker.of(HeartbeatEvent)) < 2 and time.monotonic() < end:
        worker.next()
    beats = worker.of(HeartbeatEvent)
    assert len(beats) >= 2
    assert beats[-1].busy is None


STAGES = [
    "load", "photos", "floaters", "masks", "lift", "movers", "bands", "refine", "islands", "objects",
    "final masks", "sheet",
]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of embeddings for the runs of this module."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def slow_worker(finished: Path) -> Iterator[WorkerProcess]:
    """A worker in which every stage takes a while."""
    arguments = ["--device", "cpu", "--cache", finished]
    environment = {"TEST_SLOW": "*", "TEST_BUDGET": "30"}
    with WorkerProcess([str(Path(worker_driver.__file__))], arguments, environment) as worker:
        worker.greet()
        yield worker


@pytest.fixture(scope="module")
def one_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cancelled") / "out"


@pytest.mark.parametrize("stage", STAGES)
def test_cancelling_in_every_stage(
    slow_worker: WorkerProcess, blobs: BlobScene, one_folder: Path, tmp_path: Path, stage: str
) -> None:
    """The reply is there within a second, the worker goes on, and the next run takes up what was finished."""
    number = slow_worker.send(run_of(blobs, one_folder, refine=True))
    slow_worker.until_stage(stage)
    began = time.monotonic()
    cancel = slow_worker.send(Cancel(number))
    answers: dict[int | None, Reply] = {}
    while len(answers) < 2:
        answer = slow_worker.next()
        if isinstance(answer, Reply):
            answers[answer.id] = answer
    assert time.monotonic() - began < 1.0
    assert answers[cancel].outcome == {"cancelled": True}
    failure = answers[number].outcome
    assert isinstance(failure, Failure)
    assert failure.kind == "cancelled"
    assert slow_worker.ask(Convert(blobs.scene, tmp_path / "a.ply")) == ConvertResult(400)
    if stage == STAGES[-1]:
        assert isinstance(slow_worker.ask(run_of(blobs, one_folder, refine=True)), RunResult)


def test_virtual_views_can_be_cancelled(start: Start, blobs: BlobScene, tmp_path: Path) -> None:
    worker = start(TEST_SLOW="views")
    worker.greet()
    said = (ObjectPrompt("ball", (Points3DPrompt(((0.55, 0.0, -0.2, 1),)),)),)
    number = worker.send(Run(Job(blobs.scene, tmp_path / "out", objects=said, options=JobOptions(device="cpu"))))
    worker.until_stage("views")
    began = time.monotonic()
    worker.send(Cancel(number))
    failure = next(answer for answer in iter(worker.next, None) if isinstance(answer, Reply) and answer.id == number)
    assert isinstance(failure.outcome, Failure)
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("stage", ["load", "masks", "refine", "final masks"])
def test_the_end_of_the_input_ends_it_at_once(
    start: Start, blobs: BlobScene, tmp_path: Path, finished: Path, stage: str
) -> None:
    worker = start("--cache", finished, TEST_SLOW=stage, TEST_BUDGET="30")
    worker.greet()
    worker.send(run_of(blobs, tmp_path / "out", refine=True))
    worker.until_stage(stage)
    began = time.monotonic()
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    worker.process.wait(5)
    assert time.monotonic() - began < 1.0
    # What it left can be continued.
    if stage == "refine":
        again = start("--cache", finished, TEST_BUDGET="30")
        again.greet()
        assert isinstance(again.ask(run_of(blobs, tmp_path / "out", refine=True)), RunResult)


def test_it_ends_while_it_starts(start: Start) -> None:
    worker = start()
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(30) == 0


NAMES = ("teapot", "bread", "plant", "pear", "book")


def test_previews_of_the_demo_scene(demo: Path, tmp_path: Path) -> None:
    """With the embedded 2D model: one click on the pear, all prompts of all five objects, then another click."""
    truth = np.load(demo / "labels.npz")["labels"]

    def overlap(file: Path, label: int, name: str) -> float:
        with np.load(file) as stored:
            found, wanted = stored["labels"] == label, truth == 1 + NAMES.index(name)
        return float((found & wanted).sum() / (found | wanted).sum())

    with WorkerProcess(["-m", "splatcut"], ["worker", "--device", "cpu", "--cache", tmp_path / "cache"]) as worker:
        worker.greet()
        assert worker.ask(LoadScene(demo / "scene.ply")).gaussians == len(truth)
        assert not worker.ask(SetViews(demo / "cameras.json")).virtual
        click = ObjectPrompt("pear", (ViewPrompt("view_049", ((235.0, 240.0, 1),)),))
        result = worker.ask(Preview((click,), tmp_path))
        assert overlap(worker.of(PreviewEvent)[0].file, 1, "pear") > 0.75
        assert overlap(result.file, 1, "pear") > 0.9
        # Of each object what was said in the one view that it was clicked in first.
        objects = tuple(ObjectPrompt(item.name, item.prompts[:1]) for item in load_prompts(demo / "prompts.json"))
        result = worker.ask(Preview(objects, tmp_path), timeout=300)
        scores = {name: overlap(result.file, 1 + number, name) for number, name in enumerate(NAMES)}
        assert min(scores.values()) > 0.65, scores
        assert np.mean(list(scores.values())) > 0.85, scores
        assert set(result.counts) == set(NAMES)
