# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Whose the output folder is, and where it may lie."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene
from segment_runs import go_on, leftovers, results, resumed, waiting

from splatcut.errors import UserError
from splatcut.pipeline.checkpoints import Checkpoints

Segment = Callable[..., int]


@pytest.fixture
def ready(blobs: BlobScene) -> list[object]:
    """A job from ready masks; everything but the output folder."""
    masks = ["--masks", blobs.folder / "masks"]
    return [blobs.scene, "--cameras", blobs.cameras, *masks, "--no-refine", "--no-heal", "--device", "cpu"]


@pytest.fixture
def refusal(segment: Segment, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The message of a command that is refused."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        assert segment(*arguments) == 2
        errors = capsys.readouterr().err
        assert "Traceback" not in errors
        assert "ignored" not in errors
        message = errors.split("splatcut: ")[-1].strip()
        assert "\n" not in message
        return message

    return run


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def finished(ready: list[object], segment: Segment, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of ``ready``."""
    made = tmp_path_factory.getbasetemp() / "finished"
    if not made.exists():
        assert segment(*ready, "--out", made) == 0
    return Path(shutil.copytree(made, tmp_path / "finished"))


# ------------------------------------------------------------------------------------------------------- other jobs


def test_another_job(
    blobs: BlobScene, ready: list[object], finished: Path, segment: Segment, refusal: Callable[..., str]
) -> None:
    before = content(finished)
    for other in (["--tau", "0.5"], ["--seed", "4"], ["--holdout", "3"], ["--soft-edges"]):
        message = refusal(*ready, *other, "--out", finished)
        assert "another job" in message
        assert "--force" in message
    clicked = [blobs.scene, "--cameras", blobs.cameras, "--at", blobs.at("blue"), "--name", "pot"]
    assert "another job" in refusal(*clicked, "--out", finished)
    assert content(finished) == before
    assert segment(*clicked, "--out", finished, "--force", "--holdout", "5") == 0
    assert sorted(p.name for p in finished.iterdir()) == sorted(
        [".splatcut", "background.ply", "contact_sheet.png", "labels.npz", "masks", "objects", "report.json"]
    )
    assert [p.name for p in (finished / "objects").iterdir()] == ["pot.ply"]
    assert [p.name for p in (finished / "masks").iterdir()] == ["pot"]
    assert not any(resumed(finished).values())


def test_force_with_bad_input_keeps_the_other_job(
    blobs: BlobScene, finished: Path, refusal: Callable[..., str], ready: list[object], segment: Segment
) -> None:
    before = content(finished)
    job = [blobs.scene, "--cameras", blobs.cameras, "--out", finished, "--force"]
    assert "background" in refusal(*job, "--at", "view_2:2,2")
    assert "view_9" in refusal(*job, "--at", "view_9:2,2")
    assert content(finished) == before


def test_force_on_the_same_job_keeps_what_is_finished(ready: list[object], finished: Path, segment: Segment) -> None:
    assert segment(*ready, "--out", finished, "--force") == 0
    assert all(resumed(finished).values())


def test_late_options_take_what_another_job_has_finished(
    ready: list[object], finished: Path, tmp_path: Path, segment: Segment, refusal: Callable[..., str]
) -> None:
    """With --force, only what these options change is worked out again; the results are those of a run from start."""
    changed = [*ready, "--soft-edges", "--keep-islands"]
    assert "another job" in refusal(*changed, "--out", finished)
    assert segment(*changed, "--out", finished, "--force") == 0
    late = resumed(finished)
    assert {stage for stage, found in late.items() if not found} == {"extract", "write"}
    assert segment(*changed, "--out", tmp_path / "fresh") == 0
    assert results(finished) == results(tmp_path / "fresh")
    (finished / ".splatcut" / "job.json").unlink()
    assert segment(*changed, "--out", finished) == 0  # whose it is can still be told
    assert all(resumed(finished).values())
    (finished / ".splatcut" / "extract.npz").unlink()
    assert segment(*ready, "--out", finished, "--force") == 0
    assert resumed(finished) == late


def test_inputs_moved_elsewhere_are_the_same_job(
    tmp_path: Path, blobs: BlobScene, finished: Path, segment: Segment
) -> None:
    moved = Path(shutil.copytree(blobs.folder, tmp_path / "moved"))
    job = [moved / "scene.ply", "--cameras", moved / "cameras.json", "--masks", moved / "masks"]
    assert segment(*job, "--images", moved / "images", "--out", finished) == 0
    assert all(resumed(finished).values())


def test_changed_inputs_are_another_job(
    tmp_path: Path, blobs: BlobScene, finished: Path, refusal: Callable[..., str]
) -> None:
    moved = Path(shutil.copytree(blobs.folder, tmp_path / "moved"))
    job = [moved / "scene.ply", "--cameras", moved / "cameras.json", "--masks", moved / "masks", "--out", finished]
    (moved / "masks" / "red").rename(moved / "masks" / "rod")
    assert "another job" in refusal(*job)
    (moved / "masks" / "rod").rename(moved / "masks" / "red")
    mask = moved / "masks" / "red" / "view_1.png"
    shutil.copyfile(moved / "masks" / "red" / "view_2.png", mask)
    assert "another job" in refusal(*job)
    shutil.copyfile(blobs.folder / "masks" / "red" / "view_1.png", mask)
    shutil.copyfile(moved / "images" / "view_2.png", moved / "images" / "view_1.png")
    assert "another job" in refusal(*job)


def test_folder_of_someone_else(
    tmp_path: Path, ready: list[object], blobs: BlobScene, refusal: Callable[..., str], segment: Segment
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.doc").write_text("do not lose")
    for extra in ([], ["--force"]):
        assert "'thesis.doc'" in refusal(*ready, "--out", out, *extra)
    assert [p.name for p in out.iterdir()] == ["thesis.doc"]
    before = content(blobs.folder)
    assert "output folder" in refusal(*ready, "--out", blobs.folder)
    assert content(blobs.folder) == before
    assert "is a file" in refusal(*ready, "--out", out / "thesis.doc")
    assert "thesis.doc" in refusal(*ready, "--out", out / "thesis.doc" / "below")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / ".DS_Store").write_bytes(b"Finder's")
    assert segment(*ready, "--out", empty) == 0


def test_results_as_inputs(
    finished: Path, blobs: BlobScene, ready: list[object], refusal: Callable[..., str], tmp_path: Path
) -> None:
    """Cutting the background of an earlier result into the same folder must not delete it."""
    before = content(finished)
    masks = ["--masks", blobs.folder / "masks"]
    scene = [finished / "background.ply", "--cameras", blobs.cameras, *masks]
    assert "background.ply" in refusal(*scene, "--out", finished, "--force")
    own = [blobs.scene, "--cameras", blobs.cameras, "--masks", finished / "masks"]
    assert "masks" in refusal(*own, "--out", finished, "--force")
    inside = Path(shutil.copytree(blobs.folder / "masks", tmp_path / "masks"))
    job = [blobs.scene, "--cameras", blobs.cameras, "--masks", inside]
    assert "every subfolder is an object" in refusal(*job, "--out", inside / "cut")
    assert content(finished) == before


def test_unfinished_job_that_was_given_up(
    tmp_path: Path, ready: list[object], blobs: BlobScene, segment: Segment, refusal: Callable[..., str]
) -> None:
    """A mistyped prompt must not make the corrected command another job's."""
    out = tmp_path / "out"
    clicked = [blobs.scene, "--cameras", blobs.cameras, "--name", "red", "--out", out]
    assert "background" in refusal(*clicked, "--at", "view_2:2,2")
    assert not out.exists()
    with Checkpoints.open(out, "another") as early:
        early.save("floaters", {"near": np.zeros(3)}, {})
    assert segment(*clicked, "--at", blobs.at("red")) == 0
    assert not any(resumed(out).values())


# ----------------------------------------------------------------------------------------------------------- places


def test_unicode_and_spaces(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    place = Path(shutil.copytree(blobs.folder, tmp_path / "Żółw & 彫像 (1)"))
    (place / "scene.ply").rename(place / "シーン 1.ply")
    (place / "masks" / "red").rename(place / "masks" / "czerwona kula")
    (place / "masks" / "blue").rename(place / "masks" / "青い玉")
    out = place / "wynik – 結果"
    job = [place / "シーン 1.ply", "--cameras", place / "cameras.json", "--masks", place / "masks", "--out", out]
    assert segment(*job) == 0
    assert {p.name for p in (out / "objects").iterdir()} == {"czerwona kula.ply", "青い玉.ply"}
    assert (out / "masks" / "青い玉" / "view_5.png").is_file()
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert [item["name"] for item in report["objects"]] == ["czerwona kula", "青い玉"]
    assert segment(*job) == 0
    assert all(resumed(out).values())


def test_folder_that_cannot_be_made(ready: list[object], refusal: Callable[..., str]) -> None:
    if sys.platform != "linux":
        pytest.skip("needs a place where nobody may write, /proc")
    assert "cannot be written" in refusal(*ready, "--out", "/proc/splatcut/out")


def test_folder_without_permission(tmp_path: Path, ready: list[object], refusal: Callable[..., str]) -> None:
    if sys.platform == "win32" or os.geteuid() == 0:
        pytest.skip("permissions do not bind the administrator, and work otherwise on Windows")
    place = tmp_path / "place"
    place.mkdir(mode=0o500)
    assert "cannot be written" in refusal(*ready, "--out", place / "out")


def test_cache_that_cannot_be_written(tmp_path: Path, blobs: BlobScene, colours: None, one_thread: None) -> None:
    """Embeddings that cannot be kept cost time only, and the user is told."""
    from splatcut.cli import main

    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "out"
    job = [
        "segment",
        str(blobs.scene),
        "--cameras",
        str(blobs.cameras),
        "--at",
        blobs.at("red", 3),
        "--quality",
        "draft",
    ]
    job += ["--holdout", "2", "--no-refine"]
    assert main([*job, "--out", str(out), "--cache", str(tmp_path / "file" / "cache")]) == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert any("embeddings cannot be cached" in warning for warning in report["warnings"])


# ------------------------------------------------------------------------------------------------------- two at once


def test_two_runs_in_one_folder(
    tmp_path: Path, ready: list[object], finished: Path, segment: Segment, refusal: Callable[..., str]
) -> None:
    out = tmp_path / "out"
    with waiting("after:masks", [*ready, "--out", out]) as process:
        message = refusal(*ready, "--out", out)
        assert f"process {process.pid}" in message
        assert "another folder" in message
        assert "another" in refusal(*ready, "--tau", "0.3", "--force", "--out", out).lower()
        go_on(process)
        assert process.wait(60) == 0
    assert results(out) == results(finished)
    assert leftovers(out) == []
    # A killed run does not hold the folder.
    with waiting("after:masks", [*ready, "--out", tmp_path / "killed"]) as process:
        process.kill()
    assert (tmp_path / "killed" / ".splatcut" / "lock").exists()
    assert segment(*ready, "--out", tmp_path / "killed") == 0
    assert leftovers(tmp_path / "killed") == []


def test_lock_in_one_process(tmp_path: Path) -> None:
    with Checkpoints.open(tmp_path / "a" / "out", "job") as first:
        with pytest.raises(UserError, match="Another run"), Checkpoints.open(tmp_path / "a" / "out", "job"):
            pass
        first.save("masks", {"a": np.arange(3)}, {"b": 1})
    with Checkpoints.open(tmp_path / "a" / "out", "job") as second:
        stored = second.load("masks")
        assert stored is not None
        assert stored[0]["a"].tolist() == [0, 1, 2]
        assert stored[1] == {"b": 1}
    with Checkpoints.open(tmp_path / "b" / "out", "job"):
        pass
    assert not (tmp_path / "b").exists()


# --------------------------------------------------------------------------------------------------------- full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A disk of so many KiB; it can be asked for again to change its size."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = False

    def mount(kibibytes: int) -> Path:
        nonlocal mounted
        if sys.platform != "linux" or os.geteuid() != 0:
            pytest.skip("only root on Linux may mount a small disk")
        how = "remount," if mounted else ""
        command = ["mount", "-t", "tmpfs", "-o", f"{how}size={kibibytes}k", "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("this container may not mount a small disk")
        mounted = True
        return place

    yield mount
    if mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_disk_that_fills_up(
    ready: list[object],
    finished: Path,
    segment: Segment,
    refusal: Callable[..., str],
    small_disk: Callable[[int], Path],
) -> None:
    total = sum(len(data) for data in content(finished).values())
    # Full at once; during the stages; while objects, labels, masks and the contact sheet are written.
    for kibibytes in (4, 12, 20, 28, 36, 48, 72, 100, 140, total // 1024):
        out = small_disk(kibibytes) / "out"
        message = refusal(*ready, "--out", out)
        assert "disk is full" in message
        assert not any(name.startswith(".") and not name.startswith(".splatcut/") for name in content(out))
    out = small_disk(total // 1024 + 1000) / "out"
    assert segment(*ready, "--out", out) == 0
    assert results(out) == results(finished)
    assert resumed(out)["masks"]
    assert resumed(out)["lift"]
    assert leftovers(out) == []


def test_read_only_disk(ready: list[object], refusal: Callable[..., str], small_disk: Callable[[int], Path]) -> None:
    place = small_disk(1000)
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    assert "Read-only" in refusal(*ready, "--out", place / "out")
