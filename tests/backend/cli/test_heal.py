# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut heal`` on a cut that is there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene
from segment_runs import leftovers

from splatcut.cameras import look_at, save_cameras
from splatcut.cli import main
from splatcut.errors import Cancelled
from splatcut.formats import read_splats
from splatcut.messages.findings import Finding
from splatcut.messages.worker import Heal
from splatcut.pipeline import heal_cut, healing
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera, View

Segment = Callable[..., int]
Refused = Callable[..., str]


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def made(blobs: BlobScene, segment: Segment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run with healing, with every third view held out, made once."""
    out = tmp_path_factory.getbasetemp() / "a healed cut"
    if not out.exists():
        job = [blobs.scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--holdout", "3"]
        assert segment(*job, "--heal", "--device", "cpu", "--out", out) == 0
    return out


@pytest.fixture
def cut(made: Path, tmp_path: Path) -> Path:
    """A copy of it without what was healed."""
    folder = Path(shutil.copytree(made, tmp_path / "cut"))
    shutil.rmtree(folder / "healed")
    return folder


@pytest.fixture
def heal(one_thread: None) -> Callable[..., int]:
    def run(*arguments: object) -> int:
        return main(["heal", *map(str, arguments), "--device", "cpu"])

    return run


@pytest.fixture
def refused(heal: Callable[..., int], cut: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The one sentence with which a command is refused; nothing may have been written."""

    def run(*arguments: object) -> str:
        before = content(cut)
        capsys.readouterr()
        assert heal(*arguments) == 2
        errors = capsys.readouterr().err
        assert "Traceback" not in errors
        message = errors.split("splatcut: ")[-1].strip()
        assert "\n" not in message
        assert message.endswith(".")
        assert content(cut) == before
        return message

    return run


def test_the_result_is_the_runs(
    made: Path, cut: Path, heal: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the cameras that the report names, without those that were held out."""
    before = content(cut)
    assert heal(cut) == 0
    told = json.loads((made / "report.json").read_text(encoding="utf-8"))["healed"]
    out = capsys.readouterr().out
    assert f"background: {told['dropped']} Gaussians dropped" in out
    assert f"{told['made_up']:,} made up" in out
    assert str(cut / "healed" / "background.ply") in out
    of_run, of_command = content(made / "healed"), content(cut / "healed")
    assert {name: data for name, data in of_run.items() if name in of_command} == of_command
    assert sorted(set(of_run) - set(of_command)) == [  # a run draws masks of held-out views, too
        "masks/background/view_0.png", "masks/background/view_3.png",
    ]  # fmt: skip
    after = content(cut)
    assert {name: data for name, data in after.items() if not name.startswith("healed/")} == before
    assert heal(cut) == 0  # again
    assert content(cut) == after


def test_a_folder_without_anything_but_splats(cut: Path, blobs: BlobScene, heal: Callable[..., int]) -> None:
    for name in ("report.json", "labels.npz", "contact_sheet.png"):
        (cut / name).unlink()
    for name in ("masks", ".splatcut"):
        shutil.rmtree(cut / name)
    shutil.copy(blobs.cameras, cut / "cameras.json")
    assert heal(cut) == 0
    background, healed = read_splats(cut / "background.ply"), read_splats(cut / "healed" / "background.ply")
    dropped = len(read_splats(cut / "healed" / "background_dropped.ply"))
    filled = healed.table.rows["splatcut_filled"]
    stays = len(background) - dropped
    assert (filled[:stays] == 0).all()
    assert (filled[stays:] > 0).all()
    assert len(list((cut / "healed" / "masks" / "background").iterdir())) == 6
    assert not (cut / ".splatcut").exists()


def test_without_one_the_others_stay(cut: Path, tmp_path: Path, blobs: BlobScene, heal: Callable[..., int]) -> None:
    out = tmp_path / "elsewhere"
    assert heal(cut, "--without", "red", "--cameras", blobs.cameras, "--out", out) == 0
    assert not (cut / "healed").exists()
    rows = read_splats(out / "without_red.ply").table.rows
    stays, dropped = rows[rows["splatcut_filled"] == 0], read_splats(out / "without_red_dropped.ply").table.rows
    names = dropped.dtype.names
    assert names is not None
    together = {row.tobytes() for row in np.concatenate([stays[list(names)].astype(dropped.dtype), dropped])}
    expected = [read_splats(path).table.rows for path in (cut / "background.ply", cut / "objects" / "blue.ply")]
    assert together == {row.tobytes() for row in np.concatenate(expected)}
    blue = {row.tobytes() for row in expected[1]}
    kept = {row.tobytes() for row in stays[list(names)].astype(dropped.dtype)}
    assert len(blue & kept) > 0.9 * len(blue)
    assert heal(cut, "--without", "blue", "red", "--out", out) == 0
    assert (out / "background.ply").is_file()


def test_what_is_wrong_is_said(refused: Refused, cut: Path, tmp_path: Path, blobs: BlobScene) -> None:
    assert "has no object 'vase'. Its objects are 'blue', 'red'" in refused(cut, "--without", "vase")
    assert "does not exist" in refused(tmp_path / "nowhere")
    assert "is a file" in refused(cut / "background.ply")
    assert "is no cut" in refused(blobs.folder)
    assert "do not exist" in refused(cut, "--cameras", tmp_path / "none.json")
    for place in (cut, cut / "objects", cut / "masks" / "x"):
        assert "holds what the run wrote" in refused(cut, "--out", place)
    (tmp_path / "file").write_text("x")
    assert "is a file" in refused(cut, "--out", tmp_path / "file")
    assert "cannot be written" in refused(cut, "--out", tmp_path / "file" / "below")
    other = Path(shutil.copytree(cut, tmp_path / "other"))
    assert "would be replaced, but it is not a healed scene" in refused(cut, "--out", other)
    assert content(other) == content(cut)
    assert refused(cut, "--cameras", blobs.cameras, "--images", tmp_path)  # no photo there
    away = look_at(np.array([0.0, 0.0, -50.0]), np.array([0.0, 0.0, -90.0]), np.array([0.0, -1.0, 0.0]))
    views = [View(f"v{n}", Camera(96, 80, 85.0, 85.0, 48.0, 40.0, away)) for n in range(3)]
    save_cameras(tmp_path / "away.json", views)
    assert "see" in refused(cut, "--cameras", tmp_path / "away.json")


def test_cameras_that_are_not_there_any_more(refused: Refused, cut: Path) -> None:
    document = json.loads((cut / "report.json").read_text(encoding="utf-8"))
    document["data_set"]["cameras"] = str(cut / "gone.json")
    (cut / "report.json").write_text(json.dumps(document), encoding="utf-8")
    assert "are not there any more. Give them with --cameras." in refused(cut)
    for report in ("{}", "[]", "no json"):
        (cut / "report.json").write_text(report, encoding="utf-8")
        assert "says which cameras the scene was cut with" in refused(cut)


def test_photos_of_another_capture_are_refused_unless_trusted(
    refused: Refused, cut: Path, heal: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(gaussians: object, views: list[View], device: str, step: object, *, trusted: bool) -> list[Finding]:
        assert [view.photo is not None for view in views] == [True] * 4
        return [Finding("warning" if trusted else "problem", "The photos show something else.", "cameras")]

    monkeypatch.setattr(healing, "camera_findings", found)
    assert "The photos show something else." in refused(cut)
    assert heal(cut, "--trust-cameras") == 0


def test_an_empty_background_leaves_nothing(refused: Refused, cut: Path, heal: Callable[..., int]) -> None:
    (cut / "background.ply").unlink()
    assert "nothing is left that could be healed" in refused(cut)
    assert heal(cut, "--without", "red") == 0  # the other is left
    shutil.rmtree(cut / "objects")
    assert "no objects/*.ply" in refused(cut)


class Cancelling(Quiet):
    """Raises ``Cancelled`` at a step of a part."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part, self.now = part, ""

    def stage(self, name: str, total: int) -> None:
        self.now = name

    def step(self, count: int = 1) -> None:
        if self.now == self.part:
            raise Cancelled("Enough.")


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("part", ["load", "floaters", "sights", "holes"])
def test_cancelled(cut: Path, part: str) -> None:
    before = content(cut)
    with pytest.raises(Cancelled):
        heal_cut(Heal(cut, device="cpu"), Cancelling(part))
    assert content(cut) == before
    assert leftovers(cut) == []
