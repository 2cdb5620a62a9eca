# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A healed scene as files: rows of the input bit by bit, new ones at the end, marked, and where they show."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from plyfile import PlyData, PlyElement

from splatcut.errors import UserError
from splatcut.export.healed import (
    BACKGROUND,
    FILLED,
    HealedFiles,
    check_replaceable,
    healed_files,
    healed_name,
    healed_scene,
    write_healed,
)
from splatcut.formats import SplatFile, read_splats
from splatcut.heal import Healed
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import SH_C0, Gaussians, concatenate

COUNT = 30
VIEWS = [View(name, Camera(40, 30, 40.0, 40.0, 20.0, 15.0, np.eye(4), 0.1)) for name in ("a", "b")]


def wall(count: int, depth: float, colour: float) -> Gaussians:
    """A row of opaque round Gaussians across the picture."""
    means = np.stack([np.linspace(-1, 1, count), np.zeros(count), np.full(count, depth)], axis=1)
    return Gaussians(
        means.astype(np.float32),
        np.full((count, 3), np.log(0.1), np.float32),
        np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        np.full(count, 5.0, np.float32),
        np.full((count, 1, 3), (colour - 0.5) / SH_C0, np.float32),
    )


def scene_file(folder: Path, kind: str) -> Path:
    """The wall as a PLY with properties of other programs and a comment, or the standard layout as text."""
    rows = np.array(SplatFile.from_gaussians(wall(COUNT, 4.0, 0.8)).table.rows)
    if kind == "odd":
        fields = [("mystery", "<i2"), *((name, "<f8" if name == "y" else "<f4") for name in rows.dtype.names)]
        odd = np.zeros(COUNT, [*fields, ("flag", "u1")])
        for name in rows.dtype.names:
            odd[name] = rows[name]
        odd["y"] += 1e-12
        odd["mystery"], odd["flag"], odd["nx"] = np.arange(COUNT) - 9, np.arange(COUNT), -0.0
        rows = odd
    path = folder / "scene.ply"
    PlyData([PlyElement.describe(rows, "vertex")], text=kind == "text", byte_order="<", comments=["mine"]).write(path)
    return path


def parts(splats: SplatFile) -> tuple[NDArray[np.bool_], Healed]:
    """The first ten are taken out, two more dropped, one recoloured, and three made up in front."""
    removed, dropped = np.arange(COUNT) < 10, np.isin(np.arange(COUNT), [12, 13, 20])
    copy = splats.gaussians.take(np.array([20]))
    copy.sh[:, 0] = -1.0
    filling = concatenate([copy, wall(3, 3.0, 0.2)])
    return removed, Healed(dropped, filling, np.array([20, -1, -1, -1]), ())


@pytest.mark.parametrize("kind", ["standard", "odd", "text"])
def test_rows_come_back_bit_by_bit_and_new_ones_are_marked(tmp_path: Path, kind: str) -> None:
    path = scene_file(tmp_path, kind)
    splats = read_splats(path)
    removed, healed = parts(splats)
    made = write_healed(splats, removed, healed, VIEWS, tmp_path / "out", BACKGROUND, Quiet())
    assert made == healed_files(healed, removed, tmp_path / "out", BACKGROUND)
    assert made == HealedFiles(
        tmp_path / "out" / "background.ply", tmp_path / "out" / "background_dropped.ply",
        tmp_path / "out" / "masks" / "background", 3, 1, 3,
    )  # fmt: skip
    whole, written = PlyData.read(path), PlyData.read(made.scene)
    source, rows = whole["vertex"].data, written["vertex"].data
    assert (written.comments, written.text) == (whole.comments, whole.text)
    assert [p.name for p in written["vertex"].properties] == [*source.dtype.names, FILLED]
    keep = ~removed & ~healed.dropped
    assert rows[FILLED].tolist() == [0] * int(keep.sum()) + [1, 2, 2, 2]
    stays = np.empty(int(keep.sum()), source.dtype)
    for name in source.dtype.names:
        stays[name] = rows[name][: len(stays)]
    assert stays.tobytes() == source[keep].tobytes()
    dropped = PlyData.read(made.dropped)["vertex"].data
    assert dropped.tobytes() == source[healed.dropped].tobytes()
    copy = rows[len(stays)]
    others = [name for name in source.dtype.names if not name.startswith("f_dc")]
    assert [copy[name] for name in others] == [source[20][name] for name in others]
    assert copy["f_dc_0"] == -1.0
    again = read_splats(made.scene).gaussians
    expected = healed_scene(splats.gaussians, removed, healed)
    for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(again, name), getattr(expected, name))


def test_masks_show_the_filling_and_what_is_before_it(tmp_path: Path) -> None:
    splats = read_splats(scene_file(tmp_path, "standard"))
    removed, healed = parts(splats)
    before = concatenate([splats.gaussians, wall(30, 1.0, 0.5).take(np.arange(15))])  # hides the left half
    splats = SplatFile.from_gaussians(before)
    more = np.zeros(15, bool)
    removed, dropped = np.concatenate([removed, more]), np.concatenate([healed.dropped, more])
    healed = Healed(dropped, healed.filling, healed.parent, ())
    made = write_healed(splats, removed, healed, VIEWS[:1], tmp_path / "out", BACKGROUND, Quiet())
    mask = np.asarray(Image.open(made.masks / "a.png"))
    assert (mask.dtype, mask.shape) == (np.uint8, (30, 40))
    assert mask[15, 33] > 200  # the last of those that were made up: x = 1 at a depth of 3
    assert mask[15, 7] < 30  # the first, behind what stands before it
    assert mask[2].max() == 0


def test_again_replaces_and_removes_what_is_not_there_any_more(tmp_path: Path) -> None:
    splats = read_splats(scene_file(tmp_path, "standard"))
    removed, healed = parts(splats)
    write_healed(splats, removed, healed, VIEWS, tmp_path, BACKGROUND, Quiet())
    nothing = Healed(np.zeros(COUNT, bool), healed.filling.take(slice(0, 0)), np.zeros(0, np.int64), ())
    made = write_healed(splats, removed, nothing, VIEWS[:1], tmp_path, BACKGROUND, Quiet())
    assert made.dropped is None
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "a.png", "background.ply", "scene.ply",
    ]  # fmt: skip
    assert len(read_splats(tmp_path / "background.ply")) == 20
    assert np.asarray(Image.open(made.masks / "a.png")).max() == 0
    made = write_healed(splats, np.ones(COUNT, bool), nothing, VIEWS[:1], tmp_path, BACKGROUND, Quiet())
    assert made.scene is None
    assert not (tmp_path / "background.ply").exists()


def test_a_healed_scene_can_be_healed_again(tmp_path: Path) -> None:
    splats = read_splats(scene_file(tmp_path, "standard"))
    removed, healed = parts(splats)
    once = write_healed(splats, removed, healed, VIEWS[:1], tmp_path, BACKGROUND, Quiet())
    splats = read_splats(once.scene)
    before = splats.table.rows[FILLED].tolist()
    filling = wall(2, 3.0, 0.1)
    more = Healed(np.zeros(len(splats), bool), filling, np.array([-1, -1]), ())
    write_healed(splats, np.zeros(len(splats), bool), more, VIEWS[:1], tmp_path / "more", BACKGROUND, Quiet())
    rows = PlyData.read(tmp_path / "more" / "background.ply")["vertex"].data
    assert rows[FILLED].tolist() == [*before, 2, 2]
    assert rows.dtype.names.count(FILLED) == 1


def test_what_is_no_healed_scene_is_not_replaced(tmp_path: Path) -> None:
    splats = read_splats(scene_file(tmp_path, "standard"))
    removed, healed = parts(splats)
    made = write_healed(splats, removed, healed, [], tmp_path / "out", BACKGROUND, Quiet())
    check_replaceable(made.scene)
    check_replaceable(tmp_path / "nothing there")
    (tmp_path / "text.ply").write_text("no splats")
    for path in (tmp_path / "scene.ply", tmp_path / "text.ply", tmp_path):
        with pytest.raises(UserError, match="would be replaced, but it is not a healed scene"):
            check_replaceable(path)


@pytest.mark.parametrize(
    ("chosen", "objects", "name"),
    [
        (["vase"], ["vase"], "background"),
        (["book", "vase"], ["book", "vase"], "background"),
        (["vase"], ["book", "vase"], "without_vase"),
        (["vase", "book"], ["book", "pear", "vase"], "without_book_and_vase"),
        (["a_and_b"], ["a", "a_and_b", "b"], "without_a_and_b"),
    ],
)
def test_names(chosen: list[str], objects: list[str], name: str) -> None:
    assert healed_name(chosen, objects) == name


words = st.lists(st.sampled_from(["a", "b", "and", "_", "_and_", "_dropped", "x" * 60]), min_size=1, max_size=4)


@given(st.lists(words.map("".join), min_size=2, max_size=4, unique=True))
def test_no_two_choices_write_the_same_file(objects: list[str]) -> None:
    choices = [chosen for size in range(1, len(objects) + 1) for chosen in combinations(objects, size)]
    names = [healed_name(chosen, objects) for chosen in choices]
    files = [end for name in names for end in (f"{name}.ply", f"{name}_dropped.ply")]
    assert len(set(files)) == len(files)
    assert all(len(file.encode()) < 210 for file in files)
