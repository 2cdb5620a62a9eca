# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Objects put into scenes, and the scores of scenes whose labels are known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.quality.compose import COMPOSITIONS, place
from bench.quality.cut import Cut, LabelFile, partners
from bench.quality.exact import score_boundary
from bench.quality.scenes import Scene
from bench.quality.scores import score_labels
from splatcut.cameras import look_at
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians

RNG = np.random.default_rng(7)


def cloud(count: int = 4000) -> Gaussians:
    """A box of 2 x 6 x 2 about (5, 1, -3)."""
    means = RNG.uniform([-1, -3, -1], [1, 3, 1], (count, 3)) + np.array([5, 1, -3])
    return Gaussians(
        means.astype(np.float32),
        np.full((count, 3), -3.0, np.float32),
        np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        np.zeros(count, np.float32),
        np.zeros((count, 1, 3), np.float32),
    )


@pytest.mark.parametrize("turn", [0.0, 90.0, 200.0])
def test_an_object_stands_on_its_foot_upright_and_as_high_as_asked(turn: float) -> None:
    tilt = 20.0
    # World z is up; the camera looks down by the tilt.
    ahead = np.array([0.0, math.cos(math.radians(tilt)), -math.sin(math.radians(tilt))])
    place_of_camera = np.array([1.0, -4.0, 3.0])
    camera = Camera(100, 80, 90.0, 90.0, 50.0, 40.0, look_at(place_of_camera, place_of_camera + ahead, (0, 0, 1)))
    foot = np.array([2.0, 6.0, 0.5])
    placed = place(cloud(), camera, foot, 1.5, tilt, turn)
    low, high = np.quantile(placed.means, [0.005, 0.995], axis=0)
    assert high[2] - low[2] == pytest.approx(1.5, rel=1e-3)
    assert low[2] == pytest.approx(0.5, abs=1e-3)
    assert (low + high)[:2] / 2 == pytest.approx(foot[:2], abs=0.06)
    assert np.exp(placed.log_scales[0, 0]) == pytest.approx(math.exp(-3.0) * 1.5 / 5.94, rel=5e-3)


def test_no_composition_has_two_objects_of_one_name() -> None:
    for item in COMPOSITIONS.values():
        names = [placed.name for placed in item.objects]
        assert len(set(names)) == len(names)


def labelled(folder: Path, truth: list[int], boundary: list[int] | None) -> Scene:
    arrays: dict[str, NDArray[np.generic]] = {"labels": np.array(truth, np.int32), "names": np.array(["cup", "pot"])}
    if boundary is not None:
        arrays["boundary"] = np.array(boundary, bool)
    np.savez(folder / "labels.npz", **arrays)  # type: ignore[arg-type]
    return Scene("s", folder, folder, 4, None, None, None, folder / "labels.npz", exact=True)


def cut_of(labels: list[int], parent: list[int], names: tuple[str, ...]) -> Cut:
    rows = LabelFile(
        np.array(labels, np.int32), names, np.zeros((len(labels), len(names)), np.float16), np.array(parent, np.int64)
    )
    return Cut(cloud(len(labels)), np.sort(rows.labels), names, rows)


def test_boundary_gaussians_are_counted_in_their_objects(tmp_path: Path) -> None:
    scene = labelled(tmp_path, truth=[0, 1, 1, 2, 2], boundary=[1, 1, 0, 1, 0])
    # The run has the objects in another order, and two rows of Gaussians 1 and 3.
    cut = cut_of([0, 2, 0, 0, 1, 1, 1], [0, 1, 1, 2, 3, 3, 4], ("pot", "cup"))
    score = score_boundary(cut, scene)
    assert score["gaussians"] == 3
    assert score["accuracy"] == pytest.approx(4 / 5)
    assert score["objects"]["cup"] == {"precision": 1.0, "recall": 0.5}
    assert score["objects"]["pot"] == {"precision": 1.0, "recall": 1.0}
    labels = score_labels(cut, scene)
    assert labels["cup"]["recall"] == pytest.approx(1 / 3)
    assert labels["pot"]["gaussians"] == 3


def test_a_scene_that_names_no_boundary_has_no_such_score(tmp_path: Path) -> None:
    assert score_boundary(cut_of([0], [0], ("cup",)), labelled(tmp_path, [0], None)) == {}


def test_objects_find_their_partners() -> None:
    assert partners(("object",), ["statue"]) == {"object": "statue"}
    assert partners(("a", "b"), ["b", "c"]) == {"b": "b"}
