# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians that move."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from raster_scenes import SceneOptions, random_scene

from splatcut.refine.parameters import GEOMETRY, NAMES, Moving, pixel_sizes
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians

ROWS = np.array([1, 4, 5, 11, 39])


def _scene(degree: int = 2) -> tuple[Gaussians, np.ndarray]:
    scene = random_scene(4, SceneOptions(sh_degree=degree)).gaussians
    share = np.random.default_rng(0).dirichlet([1.0, 1.0, 1.0], len(scene)).astype(np.float32)
    return scene, share[:, 1:]


@pytest.mark.parametrize("degree", [0, 2])
def test_moving_begins_where_the_scene_is(degree: int) -> None:
    scene, probability = _scene(degree)
    moving = Moving.of(scene, ROWS, probability)
    assert tuple(moving.tensors) == NAMES
    for name in ("means", "log_scales", "opacity_logits"):
        np.testing.assert_array_equal(moving.tensors[name].detach(), getattr(scene, name)[ROWS])
    np.testing.assert_array_equal(moving.tensors["sh_dc"].detach(), scene.sh[ROWS, :1])
    np.testing.assert_array_equal(moving.tensors["sh_rest"].detach(), scene.sh[ROWS, 1:])
    quats = moving.tensors["quats"].detach().numpy()
    np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1, rtol=1e-6)
    scale = np.linalg.norm(scene.quats[ROWS], axis=1, keepdims=True)
    np.testing.assert_allclose(quats * scale, scene.quats[ROWS], rtol=1e-5, atol=1e-6)
    assert all(tensor.requires_grad and tensor.is_leaf for tensor in moving.tensors.values())


def test_labels_begin_at_the_votes_and_shares_below_a_hundredth_are_lifted() -> None:
    scene, _ = _scene()
    probability = np.zeros((len(scene), 2), np.float32)
    probability[ROWS] = [[0.3, 0.5], [0.0, 0.0], [1.0, 0.0], [0.6, 0.4], [0.004, 0.5]]
    found = Moving.of(scene, ROWS, probability).probability().detach().numpy()
    np.testing.assert_allclose(found[0], [0.3, 0.5], atol=1e-6)
    np.testing.assert_allclose(found[1], [0.01 / 1.02, 0.01 / 1.02], atol=1e-6)
    np.testing.assert_allclose(found[2], [1 / 1.02, 0.01 / 1.02], atol=1e-6)
    np.testing.assert_allclose(found[3], [0.6 / 1.01, 0.4 / 1.01], atol=1e-6)
    np.testing.assert_allclose(found[4], [0.01 / 1.006, 0.5 / 1.006], atol=1e-6)


def test_labels_of_what_hardly_shows_stay() -> None:
    scene, probability = _scene()
    moving = Moving.of(scene, ROWS, probability, np.array([True, False, True, False, False]))
    (moving.probability() * torch.rand(5, 2)).sum().backward()
    gradient = moving.tensors["label_logits"].grad
    assert gradient is not None
    assert (gradient != 0).any(dim=1).tolist() == [True, False, True, False, False]


def test_votes_that_add_up_to_more_than_one_stay_finite() -> None:
    scene, probability = _scene()
    found = Moving.of(scene, ROWS, np.full_like(probability, 0.8)).probability().detach().numpy()
    np.testing.assert_allclose(found, 0.8 / 1.61, atol=1e-6)


def test_put_into_changes_the_moving_rows_alone() -> None:
    scene, probability = _scene()
    # What a comparison of numbers would overlook: signs of zero and payloads of NaN in rows that do not move.
    scene.means[0, 0] = -0.0
    scene.sh[2].view(np.uint32)[...] = 0x7FC01234
    before = {name: getattr(scene, name).tobytes() for name in (*GEOMETRY, "sh")}
    moving = Moving.of(scene, ROWS, probability)
    rng = np.random.default_rng(1)
    wanted = {}
    with torch.no_grad():
        for name, tensor in moving.tensors.items():
            wanted[name] = rng.normal(size=tuple(tensor.shape)).astype(np.float32)
            tensor.copy_(torch.from_numpy(wanted[name]))
    after = moving.put_into(scene)
    others = np.setdiff1d(np.arange(len(scene)), ROWS)
    for name in (*GEOMETRY, "sh"):
        assert getattr(after, name)[others].tobytes() == getattr(scene, name)[others].tobytes()
        assert getattr(scene, name).tobytes() == before[name]
        assert not np.shares_memory(getattr(after, name), getattr(scene, name))
    for name in GEOMETRY:
        np.testing.assert_array_equal(getattr(after, name)[ROWS], wanted[name])
    np.testing.assert_array_equal(after.sh[ROWS], np.concatenate([wanted["sh_dc"], wanted["sh_rest"]], axis=1))


def test_only_some_are_put_into_the_scene_and_those_that_are_finite_are_known() -> None:
    scene, probability = _scene()
    moving = Moving.of(scene, ROWS, probability)
    with torch.no_grad():
        moving.tensors["means"] += 1.0
        moving.tensors["sh_rest"][1, 0, 2] = torch.inf
        moving.tensors["label_logits"][3, 1] = torch.nan
    np.testing.assert_array_equal(moving.finite(), [True, False, True, False, True])
    after = moving.put_into(scene, np.array([True, False, False, False, True]))
    expected = scene.means.copy()
    expected[ROWS[[0, 4]]] += 1
    np.testing.assert_array_equal(after.means, expected)
    assert after.invalid().sum() == 0


def test_nothing_that_moves_is_no_change() -> None:
    scene, probability = _scene()
    moving = Moving.of(scene, np.zeros(0, np.int64), probability)
    assert moving.probability().shape == (0, 2)
    after = moving.put_into(scene)
    assert all(np.array_equal(getattr(after, name), getattr(scene, name)) for name in (*GEOMETRY, "sh"))


def test_pixel_sizes_are_those_of_the_closest_view_that_sees_a_point() -> None:
    def view(z: float, focal: float) -> View:
        transform = np.eye(4)
        transform[2, 3] = -z
        return View(str(z), Camera(100, 80, focal, focal, 50.0, 40.0, transform))

    views = [view(0.0, 100.0), view(2.0, 100.0), view(0.0, 400.0)]
    points = np.array([[0, 0, 4.0], [0.9, 0, 4.0], [0, 0, 1.0], [50.0, 0, 4.0]], np.float32)
    # On the axis the third camera has 4 / 400, beside it the second (2 / 100, its image ends at x = 1 there), behind
    # the second the third; what no image holds takes the smallest of all.
    np.testing.assert_allclose(pixel_sizes(points, views), [0.01, 0.02, 0.0025, 0.01], rtol=1e-6)
    np.testing.assert_allclose(pixel_sizes(points, views[:1]), [0.04, 0.04, 0.01, 0.04], rtol=1e-6)
