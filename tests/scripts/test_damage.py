# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Damaged masks: as bad as said, no worse, and the same every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bench.quality.damage import Part, damage_mask, write_damaged_masks, wrong_parts
from bench.quality.scenes import Scene, scene_at
from splatcut.cameras import save_cameras
from splatcut.scene.camera import Camera, View


def disc(radius: float = 30.0, size: int = 120) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:size, 0:size] - size / 2 + 0.5
    return np.where(np.hypot(x, y) < radius, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("seed", range(12))
def test_the_edge_moves_by_as_much_as_noted_and_at_most_three_pixels(seed: int) -> None:
    mask = disc()
    damaged, done = damage_mask(mask, np.random.default_rng(seed))
    assert 1 <= done["pixels"] <= 3
    inside, now = mask > 127, damaged > 127
    outwards = float(ndimage.distance_transform_edt(~inside)[now].max())
    inwards = float(ndimage.distance_transform_edt(inside)[~now].max())
    assert max(outwards, inwards) <= done["pixels"] + 0.6
    if done["kind"] == "erode":
        assert not (now & ~inside).any()
        assert inwards > done["pixels"] - 0.6
    elif done["kind"] == "dilate":
        assert not (inside & ~now).any()
        assert outwards > done["pixels"] - 0.6
    else:
        assert np.array_equal(np.roll(inside, done["offset"], (0, 1)), now)


def test_all_three_kinds_are_drawn() -> None:
    kinds = [damage_mask(disc(), np.random.default_rng(s))[1]["kind"] for s in range(60)]
    assert {kind: kinds.count(kind) >= 10 for kind in set(kinds)} == {"erode": True, "dilate": True, "shift": True}


@pytest.mark.parametrize("part", ["added", "removed"])
@pytest.mark.parametrize("seed", range(8))
def test_a_wrong_part_is_one_blob_of_the_size_noted_at_the_edge(seed: int, part: Part) -> None:
    plain, _ = damage_mask(disc(), np.random.default_rng(seed))
    wrong, done = damage_mask(disc(), np.random.default_rng(seed), part)
    before, after = plain > 127, wrong > 127
    changed = before != after
    assert 0.1 <= changed.sum() / before.sum() <= 0.2 + 1 / before.sum()
    assert done["part_share"] == pytest.approx(changed.sum() / before.sum())
    assert done["part"] == part
    assert (after & ~before).any() == (part == "added")
    assert ndimage.label(changed, np.ones((3, 3)))[1] <= 2  # an edge bent inwards may cut a sliver off
    assert (changed & ndimage.binary_dilation(before) & ndimage.binary_dilation(~before)).any()


def test_soft_edges_stay_soft() -> None:
    soft = np.rint(ndimage.gaussian_filter(disc().astype(float), 1.0)).astype(np.uint8)
    damaged, _ = damage_mask(soft, np.random.default_rng(0))
    assert ((damaged > 20) & (damaged < 235)).sum() > 50


def test_an_empty_mask_stays_empty() -> None:
    damaged, done = damage_mask(np.zeros((9, 9), np.uint8), np.random.default_rng(0), "added")
    assert not damaged.any()
    assert done == {"kind": "none"}


def test_a_fifth_of_the_views_have_a_wrong_part_whatever_their_order() -> None:
    views = [f"view_{number:03d}" for number in range(60)]
    chosen = wrong_parts("demo", "pear", views, 0.2)
    assert sorted(chosen.values()) == ["added"] * 6 + ["removed"] * 6
    assert chosen == wrong_parts("demo", "pear", views[::-1], 0.2)
    assert set(chosen) != set(wrong_parts("demo", "book", views, 0.2))


def small_scene(folder: Path) -> Scene:
    (folder / "masks" / "ball").mkdir(parents=True)
    (folder / "scene.ply").touch()
    views = [View(f"v{n}", Camera(120, 120, 100.0, 100.0, 60.0, 60.0, np.eye(4))) for n in range(12)]
    save_cameras(folder / "cameras.json", views)
    for view in views:
        Image.fromarray(disc()).save(folder / "masks" / "ball" / f"{view.name}.png")
    return scene_at("small", folder, "cameras.json", 6)


def test_only_training_views_are_written_and_the_same_again(tmp_path: Path) -> None:
    scene = small_scene(tmp_path / "scene")
    notes = write_damaged_masks(scene, tmp_path / "first")
    assert notes == write_damaged_masks(scene, tmp_path / "second")
    written = sorted((tmp_path / "first" / "ball").iterdir())
    assert [path.stem for path in written] == [view.name for view in scene.views[0]]
    assert len(written) == 10
    assert sum("part" in done for done in notes["ball"].values()) == 2
    for path in written:
        assert path.read_bytes() == (tmp_path / "second" / "ball" / path.name).read_bytes()
    assert (tmp_path / "first.json").is_file()
