# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A run that is stopped at any moment continues with the same command and ends with the same results."""

from __future__ import annotations

import random
import shutil
import signal
import struct
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene
from segment_runs import go_on, leftovers, results, resumed, stop, waiting

from splatcut.cameras import save_cameras
from splatcut.errors import Cancelled
from splatcut.messages import Job, JobOptions
from splatcut.pipeline import run_job
from splatcut.pipeline.checkpoints import Checkpoints
from splatcut.progress import Quiet
from splatcut.segmenter import EmbeddingCache

#: Where the runs of one job are killed one after the other: in and after each stage.
MOMENTS = (
    *("floaters:2", "after:floaters", "masks:3", "after:masks", "lift:4", "after:lift"),
    *("islands:1", "after:extract", "holes:2", "after:heal", "file:6", "after:write"),
)
STAGES = ("floaters", "masks", "lift", "extract", "heal", "write")

Segment = Callable[..., int]

needs_sigkill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")


@pytest.fixture
def ready(blobs: BlobScene) -> list[object]:
    """A job from ready masks; everything but the output folder."""
    masks = ["--masks", blobs.folder / "masks"]
    return [blobs.scene, "--cameras", blobs.cameras, *masks, "--soft-edges", "--heal", "--no-refine", "--device", "cpu"]


@pytest.fixture
def clicked(blobs: BlobScene, tmp_path: Path) -> list[object]:
    """A job from clicks in two views; everything but the output folder."""
    at = ["--at", blobs.at("red", 1), "--at", blobs.at("red", 4), "--name", "red", "--no-refine", "--no-heal"]
    return [blobs.scene, "--cameras", blobs.cameras, *at, "--device", "cpu", "--cache", tmp_path / "warm"]


@pytest.fixture
def undisturbed(ready: list[object], segment: Segment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of the job from ready masks, made once."""
    out = tmp_path_factory.getbasetemp() / "undisturbed"
    if not out.exists():
        assert segment(*ready, "--out", out) == 0
        assert not any(resumed(out).values())
    return out


@pytest.fixture
def finished(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(undisturbed, tmp_path / "finished"))


@needs_sigkill
def test_killed_in_and_after_every_stage(
    tmp_path: Path, ready: list[object], segment: Segment, undisturbed: Path
) -> None:
    out = tmp_path / "out"
    finished: list[str] = []
    for where in MOMENTS:
        ended = stop("kill", where, [*ready, "--out", out])
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        finished += [where.removeprefix("after:")] if where.startswith("after:") else []
        kept = sorted(path.stem for path in (out / ".splatcut").glob("[!.]*.npz"))
        assert kept == sorted(finished)
    assert segment(*ready, "--out", out) == 0
    assert results(out) == results(undisturbed)
    assert resumed(out) == dict.fromkeys(STAGES, True)
    assert leftovers(out) == []


@pytest.mark.slow
@needs_sigkill
def test_killed_in_the_mask_loop(tmp_path: Path, clicked: list[object], segment: Segment) -> None:
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    # The undisturbed run has an embedding cache of its own, so it starts as cold as the other.
    assert segment(*clicked, "--out", undisturbed) == 0
    elsewhere = [*clicked[:-1], tmp_path / "other cache"]
    for where in ("masks:1", "masks:9", "lift:5"):
        assert stop("kill", where, [*elsewhere, "--out", out]).returncode == -signal.SIGKILL
    ended = stop("never", "never", [*elsewhere, "--out", out])
    assert ended.returncode == 0, ended.stderr
    assert results(out) == results(undisturbed)
    assert resumed(out) == {stage: stage in ("floaters", "masks") for stage in STAGES if stage != "heal"}


@needs_sigkill
def test_killed_at_random_moments(tmp_path: Path, ready: list[object], segment: Segment, undisturbed: Path) -> None:
    out = tmp_path / "out"
    rng = random.Random(7)
    for _ in range(3):
        with waiting("load:1", [*ready, "--out", out]) as process:
            go_on(process)
            time.sleep(rng.uniform(0.0, 1.2))
            process.kill()
    assert segment(*ready, "--out", out) == 0
    assert results(out) == results(undisturbed)
    assert leftovers(out) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("where", ["load:1", "lift:2"])
def test_interrupted(tmp_path: Path, ready: list[object], segment: Segment, undisturbed: Path, where: str) -> None:
    out = tmp_path / "out"
    ended = stop("interrupt", where, [*ready, "--out", out])
    assert ended.returncode == 130, ended.stderr
    assert "run the same command again" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert out.exists() == (where != "load:1")
    assert leftovers(out) == []
    assert segment(*ready, "--out", out) == 0
    assert resumed(out)["masks"] == (where != "load:1")
    assert results(out) == results(undisturbed)


def _inside(file: Path) -> int:
    """Where a byte of an archive stands that counts: half-way through its largest member. Half-way through the file
    there may be one that nobody reads, such as a member's date."""
    with zipfile.ZipFile(file) as archive:
        member = max(archive.infolist(), key=lambda info: info.compress_size)
    data = file.read_bytes()
    lengths = struct.unpack_from("<HH", data, member.header_offset + 26)
    return member.header_offset + 30 + sum(lengths) + member.compress_size // 2


@pytest.mark.parametrize("stage", STAGES)
def test_damaged_checkpoint(finished: Path, ready: list[object], segment: Segment, stage: str) -> None:
    before = results(finished)
    file = finished / ".splatcut" / f"{stage}.npz"
    whole = file.read_bytes()
    middle = _inside(file)
    ways = [whole[:middle] + bytes([whole[middle] ^ 0x55]) + whole[middle + 1 :]]
    if stage == "extract":  # the quickest to do again
        ways += [b"", whole[:middle], bytes(len(whole)), b"\x93NUMPY" + whole[6:]]
        ways += [(finished / ".splatcut" / "masks.npz").read_bytes()]
    for damaged in ways:
        file.write_bytes(damaged)
        assert segment(*ready, "--out", finished) == 0
        assert resumed(finished) == {name: name != stage for name in STAGES}
        assert results(finished) == before


def test_memory_that_runs_out_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is finished is not computed again for it; a damaged header, which asks for anything, is damage."""
    with Checkpoints.open(tmp_path / "out", "job") as checkpoints:
        checkpoints.save("masks", {"a": np.zeros(50)}, {}, compress=False)
        file = tmp_path / "out" / ".splatcut" / "masks.npz"

        def full(*arguments: object, **options: object) -> None:
            raise MemoryError

        monkeypatch.setattr(np, "load", full)
        with pytest.raises(MemoryError):
            checkpoints.load("masks")
        content = bytearray(file.read_bytes())
        content[content.index(b"(50,)") + 1] ^= 1
        file.write_bytes(content)
        assert checkpoints.load("masks") is None


def test_damaged_note_of_the_job(finished: Path, ready: list[object], segment: Segment) -> None:
    for content in (b"", b"{}", b"\xff\xfe", b"[1]"):
        (finished / ".splatcut" / "job.json").write_bytes(content)
        assert segment(*ready, "--out", finished) == 0
        assert all(resumed(finished).values())


def test_results_that_someone_removed(finished: Path, ready: list[object], segment: Segment) -> None:
    before = results(finished)
    for name in ("objects/red.ply", "masks/blue/view_4.png", "contact_sheet.png", "labels.npz"):
        (finished / name).unlink()
    for name in ("background.ply", "masks/red/view_3.png"):
        (finished / name).write_bytes(b"short")
    (finished / "objects" / "red edited.ply").write_bytes(b"someone's own")
    assert segment(*ready, "--out", finished) == 0
    assert results(finished) == {**before, "objects/red edited.ply": b"someone's own"}
    assert resumed(finished) == {stage: stage != "write" for stage in STAGES}


class Cancelling(Quiet):
    """Raises ``Cancelled`` at the call with this number, counted from 1; counts the calls."""

    def __init__(self, at: int = 0) -> None:
        super().__init__()
        self.at, self.calls = at, 0

    def check(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise Cancelled("Enough.")


def test_cancelled_at_any_call(tmp_path: Path, blobs: BlobScene, undisturbed: Path, segment: Segment) -> None:
    """Progress may say stop anywhere; what is finished is kept and the folder is free again."""
    options = JobOptions(device="cpu", refine=False, soft_edges=True, heal=True)
    job = Job(blobs.scene, tmp_path / "out", blobs.cameras, masks=blobs.folder / "masks", options=options)
    whole = Cancelling()
    run_job(job, whole)
    for at in {1, 2, *range(9, whole.calls, 18), whole.calls}:
        job = replace(job, out=tmp_path / str(at))
        with pytest.raises(Cancelled):
            run_job(job, Cancelling(at))
        assert job.out.exists() == (at > 9)  # by then the first stage has ended
        assert leftovers(job.out) == []
        run_job(job, Quiet())
        assert results(job.out) == results(undisturbed)


@pytest.mark.usefixtures("colours", "one_thread", "small_views")
def test_stopped_between_virtual_views_and_masks(tmp_path: Path, blobs: BlobScene) -> None:
    """A job with one camera has one more stage."""
    save_cameras(tmp_path / "one.json", blobs.views[2:3])
    options = JobOptions(device="cpu", quality="draft", refine=False, heal=False)
    job = Job(blobs.scene, tmp_path / "out", tmp_path / "one.json", objects=(blobs.prompted(),), options=options)
    cache = EmbeddingCache(tmp_path / "cache")

    class UntilMasks(Quiet):
        def stage(self, name: str, total: int) -> None:
            if name == "masks":
                raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        run_job(job, UntilMasks(), cache)
    run_job(job, Quiet(), cache)
    assert resumed(job.out) == {"views": True, "masks": False, "lift": False, "extract": False, "write": False}
    undisturbed = replace(job, out=tmp_path / "undisturbed")
    run_job(undisturbed, Quiet(), cache)
    assert results(job.out) == results(undisturbed.out)
    assert (job.out / "cameras.json").read_bytes() == (undisturbed.out / "cameras.json").read_bytes()
