# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the worker does for each request."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene
from placed_scene import UTM, placed

from splatcut.cameras import virtual
from splatcut.errors import Cancelled, UserError
from splatcut.formats import read_splats
from splatcut.masks import viewpoints
from splatcut.messages import InlineView, Job, JobOptions, ObjectPrompt, Points3DPrompt, ViewPrompt
from splatcut.messages.worker import (
    Check,
    CheckResult,
    Convert,
    ConvertResult,
    Encode,
    EncodeResult,
    Event,
    Heal,
    HealResult,
    LoadScene,
    LoadSceneResult,
    Match,
    MatchResult,
    Preview,
    PreviewEvent,
    PreviewResult,
    ProgressEvent,
    Request,
    Run,
    RunResult,
    SetViews,
    SetViewsResult,
)
from splatcut.worker import session as session_module
from splatcut.worker.session import PREVIEWS_LEFT, Session


class Asking:
    """Asks a session and keeps the events."""

    def __init__(self, session: Session) -> None:
        self.session, self.number = session, 0
        self.events: list[Event] = []
        self.cancel = threading.Event()

    def __call__(self, request: Request) -> object:
        self.number += 1
        self.events.clear()
        return self.session.work(self.number, request, self.events.append, self.cancel)


@pytest.fixture
def ask(session: Session) -> Asking:
    return Asking(session)


@pytest.fixture
def loaded(ask: Asking, blobs: BlobScene) -> Asking:
    ask(LoadScene(blobs.scene))
    ask(SetViews(blobs.cameras))
    return ask


def red(blobs: BlobScene) -> tuple[ObjectPrompt, ...]:
    x, y = blobs.click("red")
    return (ObjectPrompt("red", (ViewPrompt("view_2", ((x, y, 1),)),)),)


def test_a_scene_is_told_by_its_content(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    first = ask(LoadScene(blobs.scene))
    assert isinstance(first, LoadSceneResult)
    assert (first.gaussians, first.dropped, len(first.scene)) == (400, 0, 64)
    previewer = ask.session._previewer
    copy = tmp_path / "copy.ply"
    copy.write_bytes(blobs.scene.read_bytes())
    assert ask(LoadScene(copy)) == first
    assert ask.session._previewer is previewer  # nothing was lost
    assert ask(LoadScene(copy, drop_invalid=True)) != first


def test_views_as_blender_is_told_of_them(ask: Asking, blobs: BlobScene) -> None:
    ask(LoadScene(blobs.scene))
    result = ask(SetViews(blobs.cameras, None, (inline(blobs, "viewport"),)))
    assert isinstance(result, SetViewsResult)
    assert not result.virtual
    assert [view.name for view in result.views] == [*(view.name for view in blobs.views), "viewport"]
    told, camera = result.views[2], blobs.views[2].camera
    assert (told.width, told.height, told.fx, told.cy) == (camera.width, camera.height, camera.fx, camera.cy)
    assert np.allclose(told.camera_from_world, camera.camera_from_world)
    assert told.photo == blobs.folder / "images" / "view_2.png"
    alone = ask(SetViews(None, None, (inline(blobs, "viewport"),)))
    assert isinstance(alone, SetViewsResult)
    assert alone.virtual
    assert [view.photo for view in alone.views] == [None]


def test_a_check_tells_of_scene_views_and_photos(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    data = Path(shutil.copytree(blobs.folder, tmp_path / "data"))
    ask(LoadScene(data / "scene.ply"))
    ask(SetViews(data / "cameras.json"))
    good = ask(Check())
    assert isinstance(good, CheckResult)
    assert good.findings == ()
    assert good.looked_at[:3] == (
        "Scene: 400 Gaussians, SH degree 1.",
        "Views: 6, of 96 x 80 pixels.",
        "Photos: all 6 found.",
    )
    assert good.looked_at[3].startswith("Likeness of renders to photos: ")
    names = [f"view_{number}.png" for number in range(6)]
    photos = [(data / "images" / name).read_bytes() for name in names]
    for name, content in zip(names, photos[3:] + photos[:3], strict=True):
        (data / "images" / name).write_bytes(content)
    result = ask(Check())
    assert isinstance(result, CheckResult)
    (finding,) = result.findings
    assert finding.severity == "problem"
    assert "They fit photos of other views: the camera of view_0 that of view_3" in finding.what
    (data / "images" / "view_1.png").unlink()
    ask(SetViews(data / "cameras.json"))
    result = ask(Check())
    assert isinstance(result, CheckResult)
    assert [item.severity for item in result.findings] == ["warning", "problem"]
    assert "the first is 'view_1'" in result.findings[0].what


def inline(blobs: BlobScene, name: str) -> InlineView:
    c = blobs.views[2].camera
    rows = tuple(tuple(row) for row in c.camera_from_world.tolist())
    return InlineView(name, c.width, c.height, c.fx, c.fy, c.cx, c.cy, rows)  # type: ignore[arg-type]


def test_encoding_ahead(loaded: Asking) -> None:
    assert loaded(Encode(("view_0", "view_3"))) == EncodeResult(2)
    told = [event for event in loaded.events if isinstance(event, ProgressEvent)]
    assert (told[-1].done, told[-1].total, told[-1].fraction) == (2, 2, 1.0)
    with pytest.raises(UserError, match="no view 'nowhere'"):
        loaded(Encode(("nowhere",)))


def test_a_preview_in_files(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    result = loaded(Preview(red(blobs), tmp_path / "previews"))
    assert isinstance(result, PreviewResult)
    early = [event for event in loaded.events if isinstance(event, PreviewEvent)]
    assert [(event.id, event.stage) for event in early] == [(3, "first")]
    for file in (early[0].file, result.file):
        with np.load(file, allow_pickle=False) as stored:
            labels, probability = stored["labels"], stored["probability"]
        assert (labels.dtype, probability.dtype, labels.shape, probability.shape) == (
            np.dtype(np.int32),
            np.dtype(np.uint8),
            (400,),
            (400,),
        )
    with np.load(result.file) as stored:
        assert result.counts == {"red": int((stored["labels"] == 1).sum())}
    assert 0 < result.seconds < 60


def test_old_preview_files_go(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    for _ in range(PREVIEWS_LEFT + 3):
        last = loaded(Preview(red(blobs), tmp_path / "previews"))
    assert isinstance(last, PreviewResult)
    left = sorted((tmp_path / "previews").iterdir())
    assert len(left) == PREVIEWS_LEFT
    assert left[-1] == last.file


def test_a_run_as_the_command_line_does_it(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    options = JobOptions(quality="draft", refine=False)
    job = Job(blobs.scene, tmp_path / "out", blobs.cameras, objects=red(blobs), options=options)
    result = loaded(Run(job))
    assert isinstance(result, RunResult)
    assert result.objects == {"red": tmp_path / "out" / "objects" / "red.ply"}
    assert result.background == tmp_path / "out" / "background.ply"
    assert result.report.is_file()
    assert len(read_splats(result.objects["red"])) == result.counts["red"]
    told = [event for event in loaded.events if isinstance(event, ProgressEvent)]
    assert told[-1].fraction == pytest.approx(1.0)
    assert {event.stage for event in told} >= {"load", "floaters", "masks", "lift", "islands", "final masks", "sheet"}
    other = replace(job, objects=(replace(job.objects[0], grow=0.5),))
    with pytest.raises(UserError, match="results of another job"):
        loaded(Run(other))
    assert isinstance(loaded(Run(other, force=True)), RunResult)


def test_a_run_with_clicks_in_the_viewport(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    """The viewport's view makes masks but is in no data set, so it gets no final masks."""
    x, y = blobs.click("red")
    said = (ObjectPrompt("red", (ViewPrompt("viewport", ((x, y, 1),)),)),)
    job = Job(
        blobs.scene, tmp_path / "out", blobs.cameras, objects=said, prompt_views=(inline(blobs, "viewport"),),
        options=JobOptions(quality="draft", refine=False),
    )  # fmt: skip
    result = loaded(Run(job))
    assert isinstance(result, RunResult)
    labels = np.load(tmp_path / "out" / "labels.npz")["labels"]
    truth = blobs.labels == 2
    assert ((labels == 1) & truth).sum() / ((labels == 1) | truth).sum() > 0.9
    written = {path.stem for path in (tmp_path / "out" / "masks" / "red").iterdir()}
    assert written == {view.name for view in blobs.views}


def test_a_run_from_the_viewport_alone(
    loaded: Asking, blobs: BlobScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Virtual views stand in; they get the final masks, the viewport does not."""
    monkeypatch.setattr(viewpoints, "COUNT", 12)
    monkeypatch.setattr(virtual, "PROBE_WIDTH", 64)
    monkeypatch.setattr(virtual, "WIDTH", 128)
    x, y = blobs.click("red")
    said = (ObjectPrompt("red", (ViewPrompt("viewport", ((x, y, 1),)),)),)
    job = Job(
        blobs.scene, tmp_path / "out", objects=said, prompt_views=(inline(blobs, "viewport"),),
        options=JobOptions(quality="draft", refine=False),
    )  # fmt: skip
    result = loaded(Run(job))
    assert isinstance(result, RunResult)
    labels = np.load(tmp_path / "out" / "labels.npz")["labels"]
    truth = blobs.labels == 2
    assert ((labels == 1) & truth).sum() / ((labels == 1) | truth).sum() > 0.9
    written = {path.stem for path in (tmp_path / "out" / "masks" / "red").iterdir()}
    assert len(written) >= 2
    assert all(name.startswith("virtual_") for name in written)
    told = [event for event in loaded.events if isinstance(event, ProgressEvent)]
    assert "views" in {event.stage for event in told}


def test_an_object_that_was_grown_in_a_run(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    sizes = []
    for grow in (-1.0, 0.0, 1.0):
        job = Job(
            blobs.scene, tmp_path / str(grow), blobs.cameras, objects=(replace(red(blobs)[0], grow=grow),),
            options=JobOptions(quality="draft", refine=False),
        )  # fmt: skip
        result = loaded(Run(job))
        assert isinstance(result, RunResult)
        sizes.append(result.counts["red"])
    assert sizes[0] < sizes[1] < sizes[2]


def test_converting(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    result = ask(Convert(blobs.scene, tmp_path / "scene.spz"))
    assert isinstance(result, ConvertResult)
    assert result.gaussians == 400
    back = ask(Convert(tmp_path / "scene.spz", tmp_path / "back.ply"))
    assert isinstance(back, ConvertResult)
    assert np.abs(read_splats(tmp_path / "back.ply").gaussians.means - blobs.gaussians.means).max() < 0.01
    with pytest.raises(UserError):
        ask(Convert(blobs.scene, tmp_path / "scene.obj"))
    with pytest.raises(UserError):
        ask(Convert(tmp_path / "nothing.spz", tmp_path / "a.ply"))


def test_matching_and_back(session: Session, blobs: BlobScene, tmp_path: Path) -> None:
    told: list[Event] = []
    stop = threading.Event()
    request = Match(blobs.scene, tmp_path / "a.ply", cameras=blobs.cameras)
    result = session.work(1, request, told.append, stop)
    assert isinstance(result, MatchResult)
    assert result.file == tmp_path / "a.ply"
    assert result.gaussians == 400
    assert result.before is not None
    assert result.after is not None
    assert result.after < 0.7 * result.before
    fractions = [event.fraction for event in told if isinstance(event, ProgressEvent)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    back = session.work(2, Match(result.file, tmp_path / "b.ply", "display"), told.append, stop)
    assert back == MatchResult(tmp_path / "b.ply", 400)
    assert (tmp_path / "b.ply").read_bytes() == blobs.scene.read_bytes()
    with pytest.raises(UserError, match="already exists"):
        session.work(3, request, told.append, stop)
    stop.set()
    with pytest.raises(Cancelled):
        session.work(4, replace(request, force=True, blend="linear"), told.append, stop)
    assert (tmp_path / "a.ply").read_bytes() != blobs.scene.read_bytes()


def test_requests_in_the_wrong_order_say_what_is_missing(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No scene is loaded"):
        ask(SetViews(blobs.cameras))
    ask(LoadScene(blobs.scene))
    with pytest.raises(UserError, match="No views are registered"):
        ask(Preview(red(blobs), tmp_path))
    ask(SetViews(blobs.cameras))
    ask(LoadScene(blobs.scene, drop_invalid=True))  # another scene has other views
    with pytest.raises(UserError, match="No views are registered"):
        ask(Encode(("view_0",)))
    with pytest.raises(UserError, match="There is no scene at"):
        ask(LoadScene(tmp_path / "nothing.ply"))


def test_cancelled_work_stops_and_can_be_done_again(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    loaded.cancel.set()
    with pytest.raises(Cancelled):
        loaded(Preview(red(blobs), tmp_path))
    loaded.cancel = threading.Event()
    assert isinstance(loaded(Preview(red(blobs), tmp_path)), PreviewResult)


def test_a_cut_is_healed(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    """With views that stand in the request, as Blender has them; the scene need not be loaded."""
    options = JobOptions(refine=False, heal=True, device="cpu")
    job = Job(blobs.scene, tmp_path / "cut", blobs.cameras, masks=blobs.folder / "masks", options=options)
    run = ask(Run(job))
    assert isinstance(run, RunResult)
    assert run.healed == tmp_path / "cut" / "healed" / "background.ply"
    cameras = ask(LoadScene(blobs.scene)) and ask(SetViews(blobs.cameras))
    assert isinstance(cameras, SetViewsResult)
    before = {path: path.read_bytes() for path in (tmp_path / "cut").rglob("*.ply")}
    result = ask(Heal(tmp_path / "cut", ("red",), cameras=cameras.views))
    assert isinstance(result, HealResult)
    folder = tmp_path / "cut" / "healed"
    assert (result.name, result.file) == ("without_red", folder / "without_red.ply")
    assert (result.dropped, result.masks) == (folder / "without_red_dropped.ply", folder / "masks" / "without_red")
    filled = read_splats(result.file).table.rows["splatcut_filled"]
    assert result.counts == {
        "dropped": len(read_splats(folder / "without_red_dropped.ply")),
        "recoloured": (filled == 1).sum(),
        "made_up": (filled == 2).sum(),
    }
    assert all(path.read_bytes() == content for path, content in before.items())
    told = [event for event in ask.events if isinstance(event, ProgressEvent)]
    assert [event.fraction for event in told] == sorted(event.fraction for event in told)
    assert {"sights", "holes", "healed"} <= {event.stage for event in told}
    with pytest.raises(UserError, match="has no object 'vase'"):
        ask(Heal(tmp_path / "cut", ("vase",)))
    ask.cancel.set()
    with pytest.raises(Cancelled):
        ask(Heal(tmp_path / "cut"))


def test_memory_is_given_back(loaded: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    loaded(Preview(red(blobs), tmp_path))
    previewer = loaded.session._previewer
    assert previewer is not None
    assert previewer.model.store.bytes > 0
    loaded.session.forget()
    assert previewer.model.store.bytes == previewer.model.drawings.bytes == 0
    assert isinstance(loaded(Preview(red(blobs), tmp_path)), PreviewResult)


def test_getting_ready_never_fails(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.warm()

    def missing(*arguments: object) -> None:
        raise UserError("There is no model.")

    del session.segmenter
    monkeypatch.setattr(session_module, "load_segmenter", missing)
    session.warm()


def test_a_georeferenced_scene_is_previewed_in_the_files_world(ask: Asking, blobs: BlobScene, tmp_path: Path) -> None:
    """Views and points in space go in and out as they stand in the file."""
    found = {}
    for name, place in (("near", np.zeros(3)), ("far", UTM)):
        folder = placed(blobs, tmp_path / name, place)
        ask(LoadScene(folder / "scene.ply"))
        views = ask(SetViews(folder / "cameras.json"))
        assert isinstance(views, SetViewsResult)
        point = Points3DPrompt(((*(np.array([-0.55, 0.0, -0.25]) + place).tolist(), 1),))
        result = ask(Preview((ObjectPrompt("red", (point,)),), tmp_path / f"{name} preview"))
        assert isinstance(result, PreviewResult)
        with np.load(result.file) as arrays:
            poses = np.array([view.camera_from_world for view in views.views])
            places = np.array([-pose[:3, :3].T @ pose[:3, 3] for pose in poses])
            found[name] = arrays["labels"], places
    assert (found["far"][0] == found["near"][0]).mean() > 0.99
    assert (found["near"][0] == 1).sum() > 90
    np.testing.assert_allclose(found["far"][1] - UTM, found["near"][1], atol=1e-6)
