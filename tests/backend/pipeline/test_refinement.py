# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``refine``: what it changes, what it leaves alone, and that it goes on where it was stopped."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from blob_scene import VIEWS, BlobScene
from refined_blobs import PLAIN, QUICK, Lifted, Memory, Stopping, bits, refined
from segment_runs import leftovers, results, resumed, stop

import splatcut.masks.viewpoints
import splatcut.refine.options
from splatcut import raster
from splatcut.cameras import save_cameras
from splatcut.errors import Cancelled
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.lift import Labelled, Problem, lift
from splatcut.lift.labels import labels_from_probability
from splatcut.masks.virtual import VirtualOptions
from splatcut.messages import OPTIONS, Job, JobOptions, ObjectPrompt, ViewPrompt
from splatcut.pipeline import RunSettings, run_job
from splatcut.pipeline.refinement import PICTURE, ROUND, STATE, Refined, refine_scene
from splatcut.progress import Quiet
from splatcut.refine.options import ABLATIONS, BUDGETS, Picture, RefineOptions
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet

Segment = Callable[..., int]


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """On pictures this small threads cost more than they give."""


def mask_error(labelled: Labelled, views: list[View], masks: MaskSet) -> float:
    """Mean difference between the objects rendered alone and their masks."""
    labels = labels_from_probability(labelled.probability)
    errors = []
    for number, view in enumerate(views):
        for k, mask in enumerate(masks.soft(number)):
            drawn = raster.render(labelled.gaussians.take(labels == k + 1), view.camera, colour=False)
            errors.append(np.abs(1 - drawn.transmittance - mask)[mask.shape[0] // 4 :].mean())
    return float(np.mean(errors))


def test_only_marked_rows_change(lifted: Lifted) -> None:
    scene, _, _, _ = lifted
    made = refined(lifted, QUICK).labelled
    before = scene.take(made.parent)
    differs = np.zeros(len(made.gaussians), bool)
    for item in fields(Gaussians):
        now, then = (getattr(some, item.name).reshape(len(differs), -1) for some in (made.gaussians, before))
        differs |= (now.view(np.uint32) != then.view(np.uint32)).any(axis=1)
    assert differs.any()
    assert not differs.all()
    assert (differs == made.changed).all()
    assert (made.split <= made.changed).all()
    assert ((made.probability >= 0) & (made.probability <= 1)).all()
    # What is written is made again from the changed rows alone.
    again = Labelled.from_arrays(scene, made.arrays(), made.boundary)
    assert bits(again) == bits(made)


def test_all_properties_of_the_gaussians_move(lifted: Lifted) -> None:
    scene, _, _, _ = lifted
    made = refined(lifted, PLAIN).labelled
    assert made.parent.tolist() == list(range(len(scene)))
    for item in fields(Gaussians):
        assert (getattr(made.gaussians, item.name) != getattr(scene, item.name))[made.changed].any(), item.name


def test_objects_fit_their_masks_better(lifted: Lifted) -> None:
    _, views, masks, labelled = lifted
    made = refined(lifted, replace(PLAIN, iterations=60, rounds=1))
    assert mask_error(made.labelled, views, masks) < 0.9 * mask_error(labelled, views, masks)
    (told,) = made.summary["rounds"]
    assert told["mask_loss_end"] < 0.9 * told["mask_loss_start"]
    assert told["iterations"] == 60
    assert told["moved"] == int(made.labelled.changed.sum()) == made.summary["changed"]


def test_nothing_to_refine(lifted: Lifted) -> None:
    """Views that nobody trusts move nothing."""
    scene, views, masks, _ = lifted
    doubted = replace(masks, confidence=np.zeros_like(masks.confidence))
    labelled = lift(Problem(scene, views, doubted), 0.6, Quiet())
    made = refine_scene(scene, labelled, views, doubted, QUICK, Quiet())
    assert bits(made.labelled) == bits(labelled)
    assert made.summary["iterations"] == 0


def test_stops_when_the_masks_are_met(lifted: Lifted) -> None:
    still = replace(PLAIN.rates, **{item.name: 0.0 for item in fields(PLAIN.rates) if item.name != "last"})
    patient = replace(PLAIN, iterations=100, rounds=1, patience=2 * VIEWS, rates=still)
    (told,) = refined(lifted, patient).summary["rounds"]
    assert told["stopped_early"]
    # Only after whole turns through the views; which object is looked at alone is drawn, so it may take a few more.
    assert told["iterations"] in range(4 * VIEWS, 100, VIEWS)


# ------------------------------------------------------------------------------------------------------------ resume


@pytest.mark.parametrize(
    ("stage", "at"), [("refine", 1), ("refine", 4), ("refine", 7), ("refine", 11), ("bands", 9), ("edge normals", 14)]
)
def test_goes_on_bit_by_bit(lifted: Lifted, stage: str, at: int, whole: Refined) -> None:
    store = Memory()
    with pytest.raises(Cancelled):
        refined(lifted, QUICK, Stopping(stage, at), store, every=3)
    went_on = Stopping()
    made = refined(lifted, QUICK, went_on, store, every=3)
    assert bits(made.labelled) == bits(whole.labelled)
    assert made.summary == whole.summary
    # What was done before is not done again.
    rounds = [total for name, total in went_on.stages if name == "refine"]
    assert (
        len(rounds) == (2 if (stage, at) in (("refine", 1), ("refine", 4), ("refine", 7)) else 1) or stage != "refine"
    )


@pytest.mark.parametrize(
    ("stage", "at"), [("refine", 5), ("refine", 8), ("picture", 1), ("picture", 4), ("picture", 14)]
)
def test_goes_on_bit_by_bit_between_the_views_and_at_the_picture(lifted: Lifted, stage: str, at: int) -> None:
    options = replace(PLAIN, rounds=1, between=2, picture=Picture(share=1.0))
    undisturbed = refined(lifted, options)
    assert undisturbed.summary["iterations"] == 14
    store = Memory()
    with pytest.raises(Cancelled):
        refined(lifted, options, Stopping(stage, at), store, every=3)
    made = refined(lifted, options, None, store, every=3)
    assert bits(made.labelled) == bits(undisturbed.labelled)
    assert made.summary == undisturbed.summary


@pytest.fixture(scope="module")
def whole(lifted: Lifted) -> Refined:
    """The undisturbed refinement, which saves nothing."""
    return refined(lifted, QUICK)


def test_state_is_kept_now_and_then(lifted: Lifted, whole: Refined) -> None:
    store = Memory()
    assert bits(refined(lifted, QUICK, store=store, every=3).labelled) == bits(whole.labelled)
    assert store.saved == [ROUND, STATE, STATE, STATE] * 2 + [PICTURE] * 3
    # A state of another round is not taken up.
    store.kept[ROUND][1]["round"] = 0
    assert store.kept[STATE][1]["round"] == 1


def test_another_seed_is_another_result(lifted: Lifted, whole: Refined) -> None:
    assert bits(refined(lifted, replace(QUICK, seed=1)).labelled) != bits(whole.labelled)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_killed_inside_the_stage(
    tmp_path: Path, blobs: BlobScene, segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing: a process that dies, a checkpoint on disk, and the same command again."""
    monkeypatch.setattr(splatcut.refine.options, "BUDGETS", {"draft": (60, 0, 1)})
    job: list[object] = [blobs.scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--device", "cpu"]
    job += ["--quality", "draft", "--ablate", "no-hidden"]
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    assert segment(*job, "--out", undisturbed, refine=True) == 0
    ended = stop("kill", "refine:56", [*job, "--out", out], budget=(60, 1))
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert {f"{ROUND}.npz", f"{STATE}.npz", "lift.npz"} <= {path.name for path in (out / ".splatcut").iterdir()}
    assert segment(*job, "--out", out, refine=True) == 0
    assert results(out) == results(undisturbed)
    assert resumed(out) == {name: name in ("floaters", "masks", "lift") for name in resumed(undisturbed)}
    assert leftovers(out) == []
    assert not list((out / ".splatcut").glob("refine-*"))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["refine"]["iterations"] == 60
    assert report["refine"]["rounds"][0]["hidden"] is None


# -------------------------------------------------------------------------------------------------------- odd inputs


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refinement takes a few iterations, whatever the quality."""
    monkeypatch.setattr(splatcut.refine.options, "BUDGETS", dict.fromkeys(BUDGETS, (4, 0, 1)))


@pytest.mark.usefixtures("brief")
def test_damaged_photo(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    """The scene's own render stands in, and the user is told."""
    images, out = Path(shutil.copytree(blobs.folder / "images", tmp_path / "images")), tmp_path / "out"
    photo = images / "view_3.png"
    photo.write_bytes(photo.read_bytes()[:-1500])
    job = [blobs.scene, "--cameras", blobs.cameras, "--images", images, "--masks", blobs.folder / "masks"]
    for _ in range(2):  # the second time from the checkpoint
        assert segment(*job, "--out", out, refine=True) == 0
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        assert any("view_3.png" in text and "own render" in text for text in report["warnings"])


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("suffix", [".ply", ".splat"])
def test_gaussians_beyond_every_camera_stay(tmp_path: Path, blobs: BlobScene, segment: Segment, suffix: str) -> None:
    far = replace(blobs.gaussians, means=blobs.gaussians.means.copy())
    far.means[:20] = (0.0, -1.0, -60.0)
    far.means[20:25] = (1e18, 0.0, 0.0)
    scene, out = tmp_path / f"scene{suffix}", tmp_path / "out"
    write_splats(scene, SplatFile.from_gaussians(far if suffix == ".ply" else without_harmonics(far)))
    job = [scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--soft-edges"]
    assert segment(*job, "--out", out, refine=True) == 0
    source = read_splats(scene).gaussians
    parts = [read_splats(path).gaussians for path in [*(out / "objects").glob("*.ply"), out / "background.ply"]]
    means = np.concatenate([part.means for part in parts])
    for place in np.unique(source.means[:25], axis=0):
        expected = int((source.means == place).all(axis=1).sum())
        assert int((means == place).all(axis=1).sum()) == expected
    assert not any(part.invalid().any() for part in parts)


def without_harmonics(gaussians: Gaussians) -> Gaussians:
    return replace(gaussians, sh=np.ascontiguousarray(gaussians.sh[:, :1]))


@pytest.mark.usefixtures("brief")
def test_virtual_views_and_photos_larger_than_the_masks(
    tmp_path: Path, blobs: BlobScene, colours: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompted jobs work on smaller pictures than the photos, and without photos."""
    x, y = blobs.click("red")
    objects = (ObjectPrompt("red", (ViewPrompt("view_2", ((x, y, 1),)),)),)
    options = JobOptions(device="cpu", quality="draft")
    settings = RunSettings(cache=tmp_path / "cache", max_side=64)
    images = blobs.folder / "images"
    job = Job(blobs.scene, tmp_path / "out", blobs.cameras, images=images, objects=objects, options=options)
    labels = run_job(job, Quiet(), settings).labels
    parent = np.load(tmp_path / "out" / "labels.npz")["parent"]
    whole = np.bincount(parent)[parent] == 1  # what was split has parts on both sides
    assert ((labels == 1) == (blobs.labels[parent] == 2))[whole].mean() > 0.9
    small = partial(VirtualOptions, count=8, probe_width=64)
    monkeypatch.setattr(splatcut.masks.viewpoints, "VirtualOptions", small)
    save_cameras(tmp_path / "one.json", blobs.views[2:3])
    run_job(replace(job, cameras=tmp_path / "one.json", images=None, out=tmp_path / "virtual"), Quiet(), settings)
    report = json.loads((tmp_path / "virtual" / "report.json").read_text(encoding="utf-8"))
    assert report["refine"]["iterations"] == 4


# ----------------------------------------------------------------------------------------------------------- options


def test_what_can_be_left_out() -> None:
    assert tuple(BUDGETS) == OPTIONS["quality"].values
    usual = RefineOptions.of()
    changed = {
        "no-rbf": not RefineOptions.of(ablate=["no-rbf"]).field.rbf,
        "no-hash": not RefineOptions.of(ablate=["no-hash"]).field.hash,
        "field-then-gaussians": not RefineOptions.of(ablate=["field-then-gaussians"]).field.joint,
        "no-alone": RefineOptions.of(ablate=["no-alone"]).weights.alone == 0,
        "no-spill": RefineOptions.of(ablate=["no-spill"]).weights.spill == 1,
        "no-far": RefineOptions.of(ablate=["no-far"]).weights.far == 1,
        "no-between": RefineOptions.of(ablate=["no-between"]).between == 0,
        "no-picture": RefineOptions.of(ablate=["no-picture"]).picture.share == 0,
        "no-noise": RefineOptions.of(ablate=["no-noise"]).noise == 0,
        "no-hidden": not RefineOptions.of(ablate=["no-hidden"]).hidden,
    }
    assert changed == dict.fromkeys(ABLATIONS, True)
    assert not RefineOptions.of(split=False).split
    assert RefineOptions.of(split=True).split
    assert not usual.field.on
    assert RefineOptions.of(field=True).field.on
    assert (RefineOptions.of(tau=0.3).tau, RefineOptions.of(seed=4).seed) == (0.3, 4)
    assert RefineOptions.of("draft").iterations < usual.iterations < RefineOptions.of("fine").iterations
    with pytest.raises(ValueError, match="no quality 'best'"):
        RefineOptions.of("best")
    with pytest.raises(ValueError, match="nothing called 'no-mask'"):
        RefineOptions.of(ablate=["no-mask"])
