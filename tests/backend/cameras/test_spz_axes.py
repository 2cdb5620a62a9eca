# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The axes of an .spz that does not say which they are: those in which it fits cameras and photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mask_scenes import balls_on_floor, ring
from PIL import Image

from splatcut import raster
from splatcut.cameras.likeness import median_likeness
from splatcut.cameras.spz_axes import with_fitting_axes
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.formats.axes import reorient
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians


@pytest.fixture
def scene(tmp_path: Path) -> tuple[Gaussians, list[View]]:
    """Balls on a floor, with photos of them."""
    gaussians = balls_on_floor((0.0, 0.0, 0.0), (0.7, 0.1, 0.3)).gaussians
    views = []
    for view in ring(6):
        photo = tmp_path / f"{view.name}.png"
        pixels = raster.render(gaussians, view.camera).image.clip(0, 1) * 255
        Image.fromarray(np.rint(pixels).astype(np.uint8)).save(photo)
        views.append(replace(view, photo=photo))
    return gaussians, views


@pytest.mark.parametrize("axes", ["RUB", "RDF"])
def test_photos_tell_the_axes(tmp_path, scene, axes) -> None:
    gaussians, views = scene
    path = tmp_path / "scene.spz"
    write_splats(path, SplatFile.from_gaussians(reorient(reorient(gaussians, "RDF", axes), "RUB", "RDF")))
    splats = with_fitting_axes(read_splats(path), path, views)
    np.testing.assert_allclose(splats.gaussians.means, gaussians.means, atol=1e-5)
    assert [finding.severity for finding in splats.findings] == (["warning"] if axes == "RDF" else [])
    assert splats.table.rows["y"].tolist() == splats.gaussians.means[:, 1].tolist()
    assert (
        median_likeness(splats.gaussians, views)
        > 0.95
        > median_likeness(reorient(splats.gaussians, "RDF", "RUB"), views) + 0.3
    )


def test_what_is_said_is_not_guessed_at(tmp_path, scene) -> None:
    gaussians, views = scene
    path = tmp_path / "scene.spz"
    write_splats(path, SplatFile.from_gaussians(reorient(gaussians, "RDF", "RUB")))
    for axes in ("rub", "rdf"):
        splats = read_splats(path, spz_axes=axes)
        assert with_fitting_axes(splats, path, views) is splats
    splats = read_splats(path)
    assert with_fitting_axes(splats, path, []) is splats


def test_without_photos_what_the_cameras_see_tells(tmp_path, scene) -> None:
    gaussians, views = scene
    shifted = replace(gaussians, means=gaussians.means + np.float32([0, 50, 0]))
    moved = []
    for view in views:
        matrix = view.camera.camera_from_world.copy()
        matrix[:3, 3] -= matrix[:3, :3] @ [0, 50, 0]
        moved.append(replace(view, photo=None, camera=replace(view.camera, camera_from_world=matrix)))
    path = tmp_path / "scene.spz"
    write_splats(path, SplatFile.from_gaussians(reorient(shifted, "RDF", "RUB")))
    splats = with_fitting_axes(read_splats(path), path, moved)
    np.testing.assert_allclose(splats.gaussians.means, shifted.means, atol=1e-4)
    assert "cameras see the scene" in splats.findings[0].what
