# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Healing as a stage of a run: nothing else changes for it, and what is worked out before it is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_scene import BlobScene, make_views
from PIL import Image
from segment_runs import results, resumed

from splatcut import heal as heal_package
from splatcut.cameras import save_cameras
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.heal import Healed

Segment = Callable[..., int]


@pytest.fixture
def ready(blobs: BlobScene) -> list[object]:
    """A job from ready masks; everything but the output folder."""
    return [blobs.scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--device", "cpu"]


def report(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def test_nothing_else_changes_and_earlier_stages_are_kept(
    tmp_path: Path, blobs: BlobScene, ready: list[object], segment: Segment
) -> None:
    plain, healed = tmp_path / "plain", tmp_path / "healed"
    assert segment(*ready, "--out", plain) == 0
    assert report(plain)["healed"] is None
    assert not (plain / "healed").exists()
    shutil.copytree(plain, healed)
    assert segment(*ready, "--heal", "--out", healed) == 2  # another job, which has to be said
    assert segment(*ready, "--heal", "--out", healed, "--force") == 0
    assert resumed(healed) == {
        "floaters": True, "masks": True, "lift": True, "extract": False, "heal": False, "write": False,
    }  # fmt: skip
    before, after = results(plain), results(healed)
    new = {name: after.pop(name) for name in list(after) if name.startswith("healed/")}
    assert [name for name in before if before[name] != after[name]] == ["contact_sheet.png"]
    assert before.keys() == after.keys()
    masks = {f"healed/masks/background/{view.name}.png" for view in blobs.views}
    assert set(new) == {"healed/background.ply", "healed/background_dropped.ply", *masks}
    with Image.open(plain / "contact_sheet.png") as without, Image.open(healed / "contact_sheet.png") as sheet:
        assert sheet.width - without.width == 328  # a column more

    counts = report(healed)["healed"]
    filled = read_splats(healed / "healed" / "background.ply").table.rows["splatcut_filled"]
    assert counts == {
        "file": "healed/background.ply",
        "dropped": len(read_splats(healed / "healed" / "background_dropped.ply")),
        "recoloured": int((filled == 1).sum()),
        "made_up": int((filled == 2).sum()),
    }
    assert int((filled == 0).sum()) + counts["dropped"] == len(read_splats(healed / "background.ply"))
    assert counts["dropped"] > 0
    # Off again: what was healed goes with it.
    assert segment(*ready, "--out", healed, "--force") == 0
    assert results(healed) == before
    assert resumed(healed)["lift"]


def test_training_views_are_used_and_all_get_masks(
    tmp_path: Path, ready: list[object], segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    heal = heal_package.heal

    def spied(scene: Any, labels: Any, removed: Any, cameras: Any, *more: Any) -> Healed:
        seen.extend([cameras, removed.sum(), more[1:]])
        return heal(scene, labels, removed, cameras, *more)

    monkeypatch.setattr(heal_package, "heal", spied)
    out = tmp_path / "out"
    assert segment(*ready, "--heal", "--holdout", "3", "--seed", "5", "--out", out) == 0
    own = {view.name: view.camera for view in make_views()}
    places = [own[f"view_{n}"].position for n in (1, 2, 4, 5)]  # 0 and 3 are held out
    np.testing.assert_allclose([camera.position for camera in seen[0]], places, atol=1e-9)
    labels = np.load(out / "labels.npz")["labels"]
    assert seen[1:] == [(labels > 0).sum(), ("cpu", 5)]
    assert len(list((out / "healed" / "masks" / "background").iterdir())) == 6
    assert len(report(out)["data_set"]["cameras"]) > len("cameras.json")


@pytest.mark.usefixtures("small_views")
def test_virtual_views_are_used_where_there_are_no_cameras(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    save_cameras(tmp_path / "one.json", blobs.views[2:3])
    out = tmp_path / "out"
    job = [blobs.scene, "--cameras", tmp_path / "one.json", "--at", blobs.at("red"), "--quality", "draft"]
    assert segment(*job, "--heal", "--out", out) == 0
    views = json.loads((out / "cameras.json").read_text(encoding="utf-8"))
    assert len(list((out / "healed" / "masks" / "background").iterdir())) == len(views) > 4
    assert report(out)["data_set"]["cameras"] is None


def test_empty_objects_leave_nothing_to_heal(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    masks, out = tmp_path / "masks", tmp_path / "out"
    (masks / "sky").mkdir(parents=True)
    corner = np.zeros((80, 96), np.uint8)
    corner[:6, :6] = 255
    for view in blobs.views:
        Image.fromarray(corner).save(masks / "sky" / f"{view.name}.png")
    job = [blobs.scene, "--cameras", blobs.cameras, "--masks", masks, "--trust-masks", "--heal", "--out", out]
    assert segment(*job) == 0
    told = report(out)
    assert told["healed"] is None
    assert not (out / "healed").exists()
    assert any("nothing to heal" in warning for warning in told["warnings"])


def test_everything_cut_out_leaves_nothing_to_heal(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    red = blobs.gaussians.take(blobs.labels == 2)
    write_splats(tmp_path / "red.ply", SplatFile.from_gaussians(red))
    masks, out = tmp_path / "masks", tmp_path / "out"
    shutil.copytree(blobs.folder / "masks" / "red", masks / "red")
    for path in (masks / "red").iterdir():
        Image.new("L", (96, 80), 255).save(path)
    shutil.copy(blobs.cameras, tmp_path / "cameras.json")
    job = [tmp_path / "red.ply", "--cameras", tmp_path / "cameras.json", "--masks", masks, "--trust-masks"]
    assert segment(*job, "--heal", "--out", out) == 0
    told = report(out)
    assert (told["background"]["gaussians"], told["healed"]) == (0, None)
    assert any("nothing else is in the scene" in warning for warning in told["warnings"])
    assert not (out / "healed").exists()
    assert (out / "contact_sheet.png").is_file()
