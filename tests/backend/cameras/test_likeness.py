# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Renders compared with photos: right cameras pass whatever the photos are like, others are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.spatial.transform import Rotation

from splatcut import raster
from splatcut.cameras import camera_findings, look_at
from splatcut.cameras.displacement import are_off, displacements
from splatcut.cameras.likeness import RIGHT, WRONG, likeness, median_likeness, with_small_photos
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import SH_C0, Gaussians

Photo = NDArray[np.uint8]
COUNT = 6


@pytest.fixture(scope="module")
def gaussians() -> Gaussians:
    """Balls of many colours and places over a floor of many colours; nothing in it repeats."""
    rng = np.random.default_rng(3)
    floor = np.column_stack([rng.uniform(-2, 2, (900, 2)), rng.normal(0, 0.01, 900)])
    centres = rng.uniform([-1.3, -1.3, 0.2], [1.3, 1.3, 0.8], (7, 3))
    balls = centres[:, None] + 0.25 * rng.normal(size=(7, 60, 3)) / 1.7
    colours = np.concatenate([rng.uniform(0.2, 0.8, (900, 3)), np.repeat(rng.uniform(0, 1, (7, 3)), 60, axis=0)])
    means = np.concatenate([floor, balls.reshape(-1, 3)]).astype(np.float32)
    return Gaussians(
        means,
        np.full((len(means), 3), np.log(0.07), np.float32),
        np.tile(np.array([1, 0, 0, 0], np.float32), (len(means), 1)),
        np.full(len(means), 3, np.float32),
        ((colours - 0.5) / SH_C0).astype(np.float32)[:, None],
    )


def cameras() -> list[Camera]:
    """Unevenly all around."""
    angles = np.radians([0, 47, 128, 170, 231, 310])
    places = [(4 * np.cos(a), 4 * np.sin(a), 1.5 + 0.3 * k) for k, a in enumerate(angles)]
    poses = [look_at(np.array(place), np.array([0, 0, 0.3]), np.array([0, 0, 1.0])) for place in places]
    return [Camera(160, 120, 150.0, 150.0, 80.0, 60.0, pose) for pose in poses]


def photographed(
    gaussians: Gaussians, folder: Path, change: Callable[[Photo], Photo] = lambda photo: photo
) -> list[View]:
    """The views with their renders as photos, changed."""
    views = []
    for number, camera in enumerate(cameras()):
        image = np.rint(raster.render(gaussians, camera).image.clip(0, 1) * 255).astype(np.uint8)
        Image.fromarray(change(image)).save(folder / f"v{number}.png")
        views.append(View(f"v{number}", camera, folder / f"v{number}.png"))
    return views


def posed(views: list[View], change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> list[View]:
    return [
        replace(view, camera=replace(view.camera, camera_from_world=change(view.camera.camera_from_world)))
        for view in views
    ]


def moved(turn: NDArray[np.float64], shift: tuple[float, float, float] = (0, 0, 0), scale: float = 1.0):
    """Poses in a world that is turned, shifted and scaled."""

    def change(pose: NDArray[np.float64]) -> NDArray[np.float64]:
        world, scaled = np.eye(4), pose.copy()
        world[:3, :3], world[:3, 3] = turn, shift
        scaled[:3, 3] *= scale
        return scaled @ world

    return change


def noisy(photo: Photo) -> Photo:
    return np.clip(photo + np.random.default_rng(0).normal(0, 25, photo.shape), 0, 255).astype(np.uint8)


def crowded(photo: Photo) -> Photo:
    """Something large stands before two fifths of it."""
    photo = photo.copy()
    photo[:, :64] = np.random.default_rng(len(photo)).integers(0, 255, 3)
    return photo


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda photo: photo, id="as trained"),
        pytest.param(lambda photo: (255 * (photo / 255.0) ** 2.2 * 0.6).astype(np.uint8), id="underexposed"),
        pytest.param(lambda photo: (photo * 0.3 + 150).astype(np.uint8), id="haze"),
        pytest.param(
            lambda photo: np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(3))), id="blurred"
        ),
        pytest.param(noisy, id="noise"),
        pytest.param(crowded, id="people"),
        pytest.param(lambda photo: np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8), id="grey"),
    ],
)
def test_right_cameras_pass_whatever_the_photos_are_like(gaussians, tmp_path, change) -> None:
    views = photographed(gaussians, tmp_path, change)
    assert camera_findings(gaussians, views) == []
    assert median_likeness(gaussians, views) > RIGHT + 0.1


WRONG_CAMERAS = {
    "poses are inverted": np.linalg.inv,
    "have different axes: y and z point the other way.": lambda pose: np.diag([1.0, -1, -1, 1]) @ pose,
    "point the other way, and the poses are inverted": lambda pose: np.linalg.inv(np.diag([1.0, -1, -1, 1]) @ pose),
    "by quarter turns": moved(Rotation.from_euler("x", 90, degrees=True).as_matrix()),
    "mirrored against the cameras": lambda pose: pose @ np.diag([1.0, -1, 1, 1]),
    "about 0.2 times as large": moved(np.eye(3), scale=5.0),
    "about 4 times as large": moved(np.eye(3), scale=0.25),
    "different worlds": moved(Rotation.from_euler("zx", [50, 30], degrees=True).as_matrix(), (0.3, -0.2, 0.1), 0.24),
}


#: What is tried last takes long.
LATE = ("about 4 times as large", "different worlds")


@pytest.mark.parametrize(
    "said", [pytest.param(said, marks=[pytest.mark.slow] if said in LATE else []) for said in WRONG_CAMERAS]
)
def test_wrong_cameras_are_refused_with_the_likely_cause(gaussians, tmp_path, said) -> None:
    views = posed(photographed(gaussians, tmp_path), WRONG_CAMERAS[said])
    (finding,) = camera_findings(gaussians, views)
    assert finding.severity == "problem"
    assert said in finding.what
    assert finding.remedy.endswith("use --trust-cameras (in Blender: Use cameras as they are).")
    assert abs(median_likeness(gaussians, views)) < WRONG
    (trusted,) = camera_findings(gaussians, views, trusted=True)
    assert (trusted.severity, trusted.what) == ("warning", finding.what)


def test_photos_under_others_names_are_refused_with_the_names(gaussians, tmp_path) -> None:
    views = photographed(gaussians, tmp_path)
    shifted = [replace(view, photo=views[number - 1].photo) for number, view in enumerate(views)]
    (finding,) = camera_findings(gaussians, shifted)
    assert "They fit photos of other views: the camera of v0 that of v1, " in finding.what


def in_a_ring(gaussians: Gaussians, folder: Path) -> list[View]:
    """Eight views with photos, evenly around at one height."""
    angles = np.radians(45.0 * np.arange(8))
    places = [(4 * np.cos(a), 4 * np.sin(a), 1.5) for a in angles]
    poses = [look_at(np.array(place), np.array([0, 0, 0.3]), np.array([0, 0, 1.0])) for place in places]
    views = []
    for number, pose in enumerate(poses):
        camera = Camera(160, 120, 150.0, 150.0, 80.0, 60.0, pose)
        image = np.rint(raster.render(gaussians, camera).image.clip(0, 1) * 255).astype(np.uint8)
        Image.fromarray(image).save(folder / f"r{number}.png")
        views.append(View(f"r{number}", camera, folder / f"r{number}.png"))
    return views


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (moved(Rotation.from_euler("z", 45, degrees=True).as_matrix()), "Either the scene is turned by 45 degrees"),
        (moved(Rotation.from_euler("z", 90, degrees=True).as_matrix()), "The scene is turned against the cameras"),
        (lambda pose: pose @ np.diag([-1.0, 1, 1, 1]), "The scene is mirrored against the cameras"),
    ],
)
def test_worlds_that_a_ring_of_cameras_confuses_with_other_photos(gaussians, tmp_path, change, said) -> None:
    (finding,) = camera_findings(gaussians, posed(in_a_ring(gaussians, tmp_path), change))
    assert finding.severity == "problem"
    assert said in finding.what


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (moved(np.eye(3), scale=1 / 1.1), "it is about 1.1 times as large as the cameras have it."),
        (moved(np.eye(3), scale=1.1), "it is about 0.91 times as large as the cameras have it."),
        (moved(np.eye(3), (0.05, 0.08, 0.05)), "Scene and cameras are a little moved, turned or scaled"),
    ],
)
def test_cameras_that_are_a_little_off_are_told(gaussians, tmp_path, change, said) -> None:
    views = posed(photographed(gaussians, tmp_path), change)
    assert median_likeness(gaussians, views) > RIGHT
    (finding,) = camera_findings(gaussians, views)
    assert finding.severity == "warning"
    assert finding.what.startswith("The photos lie beside the renders of the scene: ")
    assert said in finding.what


def test_displacements_are_those_of_the_photos(gaussians, tmp_path) -> None:
    """Photos moved by 3 pixels of 160 lie 2.4 pixels of 128 beside the renders, as near as whole pixels tell."""
    right = photographed(gaussians, tmp_path)
    assert np.median(displacements(gaussians, *with_small_photos(right))) == 0
    moved_photos = photographed(gaussians, tmp_path, lambda photo: np.roll(photo, 3, axis=1))
    found = displacements(gaussians, *with_small_photos(moved_photos))
    assert len(found) > 100
    assert np.median(found) in (2.0, np.hypot(2, 1), 3.0)
    assert are_off(found)


def test_a_single_strange_photo_is_a_warning(gaussians, tmp_path) -> None:
    views = photographed(gaussians, tmp_path)
    noise = np.random.default_rng(1).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "v2.png")
    (finding,) = camera_findings(gaussians, views)
    assert finding.severity == "warning"
    assert finding.what.endswith("does not look like the photo: v2.")


def test_without_photos_nothing_is_said(gaussians) -> None:
    assert camera_findings(gaussians, [View("a", camera) for camera in cameras()]) == []


def test_the_likeness_of_a_render_to_itself_is_one(gaussians, tmp_path) -> None:
    views = photographed(gaussians, tmp_path)
    steps = []
    found = likeness(gaussians, *with_small_photos(views), step=lambda: steps.append(1))
    np.testing.assert_allclose(found.own, 1, atol=0.01)
    assert found.best_other.max() < 0.4
    assert len(steps) == COUNT
