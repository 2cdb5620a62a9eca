# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the worker does for each request."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_scene import BlobScene
from mask_scenes import iou

from splatcut.errors import Cancelled, UserError
from splatcut.formats import read_splats
from splatcut.messages import Job, JobOptions
from splatcut.messages import worker as wire
from splatcut.worker import session as session_module
from splatcut.worker.session import PREVIEWS_LEFT, Session

DRAFT = JobOptions(quality="draft", refine=False)


class Asking:
    """Asks a session and keeps the events."""

    def __init__(self, session: Session) -> None:
        self.session, self.number = session, 0
        self.events: list[wire.Event] = []
        self.cancel = threading.Event()

    def __call__(self, request: wire.Request) -> Any:
        self.number += 1
        self.events.clear()
        return self.session.work(self.number, request, self.events.append, self.cancel)


@pytest.fixture
def ask(session: Session) -> Asking:
    return Asking(session)


@pytest.fixture
def loaded(ask: Asking, blobs: BlobScene) -> Asking:
    ask(wire.LoadScene(blobs.scene))
    ask(wire.SetViews(blobs.cameras))
    return ask


def test_a_scene_is_told_by_its_content(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    first = ask(wire.LoadScene(blobs.scene))
    assert (first.gaussians, first.dropped, len(first.scene)) == (400, 0, 64)
    previewer = ask.session._scene
    copy = tmp_path / "copy.ply"
    copy.write_bytes(blobs.scene.read_bytes())
    assert ask(wire.LoadScene(copy)) == first
    assert ask.session._scene is previewer  # nothing was lost
    assert ask(wire.LoadScene(copy, drop_invalid=True)) != first


def test_views_as_blender_is_told_of_them(ask: Asking, blobs: BlobScene) -> None:
    ask(wire.LoadScene(blobs.scene))
    result = ask(wire.SetViews(blobs.cameras, None, (blobs.inline("viewport"),)))
    assert not result.virtual
    assert [view.name for view in result.views] == [*(view.name for view in blobs.views), "viewport"]
    told, camera = result.views[2], blobs.views[2].camera
    assert (told.width, told.height, told.fx, told.cy) == (camera.width, camera.height, camera.fx, camera.cy)
    assert np.allclose(told.camera_from_world, camera.camera_from_world)
    assert told.photo == blobs.folder / "images" / "view_2.png"
    alone = ask(wire.SetViews(None, None, (blobs.inline("viewport"),)))
    assert alone.virtual
    assert [view.photo for view in alone.views] == [None]


def test_encoding_ahead(loaded: Asking) -> None:
    assert loaded(wire.Encode(("view_0", "view_3"))) == wire.EncodeResult(2)
    told = [event for event in loaded.events if isinstance(event, wire.ProgressEvent)]
    assert (told[-1].done, told[-1].total, told[-1].fraction) == (2, 2, 1.0)
    with pytest.raises(UserError, match="no view 'nowhere'"):
        loaded(wire.Encode(("nowhere",)))


def test_a_preview_in_files(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    result = loaded(wire.Preview((blobs.prompted(),), tmp_path / "previews"))
    early = [event for event in loaded.events if isinstance(event, wire.PreviewEvent)]
    assert [(event.id, event.stage) for event in early] == [(3, "first")]
    for file in (early[0].file, result.file):
        with np.load(file, allow_pickle=False) as stored:
            labels, probability = stored["labels"], stored["probability"]
        assert (labels.dtype, probability.dtype) == (np.int32, np.uint8)
        assert labels.shape == probability.shape == (400,)
    with np.load(result.file) as stored:
        assert result.counts == {"red": int((stored["labels"] == 1).sum())}
    assert 0 < result.seconds < 60


def test_old_preview_files_go(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    for _ in range(PREVIEWS_LEFT + 3):
        last = loaded(wire.Preview((blobs.prompted(),), tmp_path / "previews"))
    left = sorted((tmp_path / "previews").iterdir())
    assert len(left) == PREVIEWS_LEFT
    assert left[-1] == last.file


def test_a_run_as_the_command_line_does_it(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    job = Job(blobs.scene, tmp_path / "out", blobs.cameras, objects=(blobs.prompted(),), options=DRAFT)
    result = loaded(wire.Run(job))
    assert result.objects == {"red": tmp_path / "out" / "objects" / "red.ply"}
    assert result.background == tmp_path / "out" / "background.ply"
    assert result.report.is_file()
    assert len(read_splats(result.objects["red"])) == result.counts["red"]
    told = [event for event in loaded.events if isinstance(event, wire.ProgressEvent)]
    assert told[-1].fraction == pytest.approx(1.0)
    assert {event.stage for event in told} >= {"load", "floaters", "masks", "lift", "islands", "final masks", "sheet"}
    other = replace(job, objects=(replace(job.objects[0], grow=0.5),))
    with pytest.raises(UserError, match="results of another job"):
        loaded(wire.Run(other))
    assert isinstance(loaded(wire.Run(other, force=True)), wire.RunResult)


def test_a_run_with_clicks_in_the_viewport(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    """The viewport's view makes masks but is in no data set, so it gets no final masks."""
    written = run_in_the_viewport(loaded, blobs, tmp_path / "out", blobs.cameras)
    assert written == {view.name for view in blobs.views}


def run_in_the_viewport(loaded: Asking, blobs: BlobScene, out: Path, cameras: Path | None) -> set[str]:
    """Runs a job with a click in the viewport, which finds the ball; the views that got final masks."""
    said = (blobs.prompted(view="viewport"),)
    job = Job(blobs.scene, out, cameras, objects=said, prompt_views=(blobs.inline("viewport"),), options=DRAFT)
    loaded(wire.Run(job))
    assert iou(np.load(out / "labels.npz")["labels"] == 1, blobs.labels == 2) > 0.9
    return {path.stem for path in (out / "masks" / "red").iterdir()}


@pytest.mark.usefixtures("small_views")
def test_a_run_from_the_viewport_alone(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    """Virtual views stand in; they get the final masks, the viewport does not."""
    written = run_in_the_viewport(loaded, blobs, tmp_path / "out", None)
    assert len(written) >= 2
    assert all(name.startswith("virtual_") for name in written)
    told = [event for event in loaded.events if isinstance(event, wire.ProgressEvent)]
    assert "views" in {event.stage for event in told}


def test_an_object_that_was_grown_in_a_run(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    sizes = []
    for grow in (-1.0, 0.0, 1.0):
        objects = (blobs.prompted(grow=grow),)
        job = Job(blobs.scene, tmp_path / str(grow), blobs.cameras, objects=objects, options=DRAFT)
        sizes.append(loaded(wire.Run(job)).counts["red"])
    assert sizes[0] < sizes[1] < sizes[2]


def test_converting(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    result = ask(wire.Convert(blobs.scene, tmp_path / "scene.spz"))
    assert result.gaussians == 400
    ask(wire.Convert(tmp_path / "scene.spz", tmp_path / "back.ply"))
    assert np.abs(read_splats(tmp_path / "back.ply").gaussians.means - blobs.gaussians.means).max() < 0.01
    with pytest.raises(UserError):
        ask(wire.Convert(tmp_path / "nothing.spz", tmp_path / "a.ply"))


def test_requests_in_the_wrong_order_say_what_is_missing(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No scene is loaded"):
        ask(wire.SetViews(blobs.cameras))
    ask(wire.LoadScene(blobs.scene))
    with pytest.raises(UserError, match="No views are registered"):
        ask(wire.Preview((blobs.prompted(),), tmp_path))
    ask(wire.SetViews(blobs.cameras))
    ask(wire.LoadScene(blobs.scene, drop_invalid=True))  # another scene has other views
    with pytest.raises(UserError, match="No views are registered"):
        ask(wire.Encode(("view_0",)))
    with pytest.raises(UserError, match="There is no scene at"):
        ask(wire.LoadScene(tmp_path / "nothing.ply"))


def test_cancelled_work_stops_and_can_be_done_again(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    loaded.cancel.set()
    with pytest.raises(Cancelled):
        loaded(wire.Preview((blobs.prompted(),), tmp_path))
    loaded.cancel = threading.Event()
    assert isinstance(loaded(wire.Preview((blobs.prompted(),), tmp_path)), wire.PreviewResult)


def test_memory_is_given_back(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    loaded(wire.Preview((blobs.prompted(),), tmp_path))
    scene = loaded.session._scene
    assert scene.previewer.model.store.bytes > 0
    loaded.session.forget()
    assert scene.previewer.model.store.bytes == scene.previewer.model.drawings.bytes == 0
    assert isinstance(loaded(wire.Preview((blobs.prompted(),), tmp_path)), wire.PreviewResult)


def test_getting_ready_never_fails(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.warm()

    def missing(*arguments: object) -> None:
        raise UserError("There is no model.")

    session._segmenter = None
    monkeypatch.setattr(session_module, "load_segmenter", missing)
    session.warm()
