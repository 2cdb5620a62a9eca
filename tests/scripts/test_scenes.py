# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A scene with other test views has the same views, masks and Gaussians."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from blob_scene import NAMES, make_scene

import bench_quality
from bench.quality.scenes import Scene, folded, scene_at
from splatcut.errors import UserError

EVERY = 3


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    blobs = make_scene(tmp_path_factory.mktemp("blobs") / "data")
    np.savez(blobs.folder / "labels.npz", labels=blobs.labels, names=np.array(NAMES))
    return scene_at("blobs", blobs.folder, "cameras.json", EVERY)


@pytest.mark.parametrize("fold", range(EVERY))
def test_the_test_views_are_every_nth_from_the_fold_on(scene: Scene, fold: int, tmp_path: Path) -> None:
    made = folded(scene, fold, tmp_path / "fold")
    names = sorted(view.name for views in scene.views for view in views)
    training, test = made.views
    own = {view.name: view.name.split("_", 1)[1] for view in (*training, *test)}
    assert sorted(own.values()) == names
    # The first view's number in the new order: it is a test view in its turn only.
    assert {own[view.name] for view in test} >= set(names[fold::EVERY])
    assert all(names.index(own[view.name]) in (*range(fold, len(names), EVERY), *range(fold)) for view in test)
    cameras = {view.name: view for views in scene.views for view in views}
    for view in (*training, *test):
        before = cameras[own[view.name]]
        assert np.allclose(view.camera.camera_from_world, before.camera.camera_from_world, atol=1e-9)
        assert view.photo is not None
        assert before.photo is not None
        assert view.photo.resolve() == before.photo.resolve()
    assert made.masks is not None
    assert scene.masks is not None
    for name, masks in scene.masks.items():
        links = {own[view]: mask.path.resolve() for view, mask in made.masks[name].items()}
        assert links == {view: mask.path.resolve() for view, mask in masks.items()}
    assert (made.folder / "scene.ply").samefile(scene.folder / "scene.ply")
    assert made.labels is not None
    assert made.labels.samefile(scene.folder / "labels.npz")
    assert (made.name, made.fold) == (scene.name, fold)
    # Once more to the same place: what other runs may be reading stays.
    before = (tmp_path / "fold").stat().st_ino
    assert [view.name for view in folded(scene, fold, tmp_path / "fold").views[1]] == [view.name for view in test]
    assert (tmp_path / "fold").stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["fold"]


def test_there_are_as_many_folds_as_views_from_one_test_view_to_the_next(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="folds 0 to 2, not 3"):
        folded(scene, EVERY, tmp_path / "fold")
    assert not (tmp_path / "fold").exists()


def test_prompts_do_not_go_with_other_test_views(tmp_path: Path) -> None:
    args = bench_quality.parse(["--protocol", "A", "B", "--scene", "demo", "--fold", "1", "--out", str(tmp_path)])
    with pytest.raises(UserError, match="protocol A"):
        next(bench_quality.series(args))
