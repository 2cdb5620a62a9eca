# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Ready masks against scene and cameras: right ones pass, wrong ones are refused with the likely cause."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from mask_scenes import Scene, balls_on_floor, hard_masks, ring
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from splatcut.masks.agreeing import agreements, compared_masks
from splatcut.masks.findings import CONTRADICTS, RIGHT, inverted_findings, mask_findings
from splatcut.scene.camera import View
from splatcut.scene.masks import MaskSet

Pose = NDArray[np.float64]

VIEWS = ring(9, radius=2.6, width=128, height=96)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Two balls, of which none lies in the middle."""
    return balls_on_floor((0.55, 0.0, 0.3), (-0.6, 0.1, -0.2), radius=0.35)


@pytest.fixture(scope="module")
def masks(scene: Scene) -> MaskSet:
    """Exact ones."""
    return hard_masks(VIEWS, [np.stack([scene.truth(view.camera, k) for k in (1, 2)]) for view in VIEWS])


def values(scene: Scene, views: list[View], masks: MaskSet) -> NDArray[np.float64]:
    return agreements(scene.gaussians, *compared_masks(masks, views)).values


def posed(change: Callable[[Pose], Pose]) -> list[View]:
    return [
        replace(view, camera=replace(view.camera, camera_from_world=change(view.camera.camera_from_world)))
        for view in VIEWS
    ]


def test_right_masks_agree(scene: Scene, masks: MaskSet) -> None:
    assert mask_findings(scene.gaussians, VIEWS, masks) == []
    assert values(scene, VIEWS, masks).min() > 0.95


def test_masks_that_are_somewhat_wrong_agree(scene: Scene, masks: MaskSet) -> None:
    """Grown, shrunk and shifted by up to 3 pixels of 128; every fifth shows nothing."""
    rng = np.random.default_rng(2)

    def spoilt(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        change = rng.integers(4)
        size = int(rng.integers(1, 4))
        if change < 2:
            morph = (ndimage.grey_dilation, ndimage.grey_erosion)[change]
            return np.asarray(morph(mask, size=(1, 2 * size - 1, 2 * size - 1)))
        return np.roll(mask, size, axis=int(change) - 1)

    made = [spoilt(mask) if n % 5 else np.zeros_like(mask) for n, mask in enumerate(masks.probability)]
    found = replace(masks, probability=made)
    assert mask_findings(scene.gaussians, VIEWS, found) == []
    assert np.median(values(scene, VIEWS, found)) > RIGHT + 0.05


def test_few_masks_and_a_faint_object_agree(scene: Scene, masks: MaskSet) -> None:
    few = replace(masks, probability=[m if n < 4 else m * 0 for n, m in enumerate(masks.probability)])
    assert mask_findings(scene.gaussians, VIEWS, few) == []
    faint = scene.gaussians.opacity_logits.copy()
    faint[scene.owner > 0] = -2.0
    assert mask_findings(replace(scene.gaussians, opacity_logits=faint), VIEWS, masks) == []


WRONG = {
    "The poses are inverted": np.linalg.inv,
    "The cameras have different axes: y and z point the other way.": lambda pose: np.diag([1.0, -1, -1, 1]) @ pose,
    "The scene is turned against the cameras by quarter turns": lambda pose: pose @ np.diag([1.0, -1, -1, 1]),
    "The scene is mirrored against the cameras": lambda pose: pose @ np.diag([1.0, 1, -1, 1]),
}


@pytest.mark.parametrize("said", WRONG)
def test_wrong_cameras_are_refused_with_the_likely_cause(scene: Scene, masks: MaskSet, said: str) -> None:
    views = posed(WRONG[said])
    (finding,) = mask_findings(scene.gaussians, views, masks)
    assert finding.severity == "problem"
    assert finding.what.startswith("Cameras or masks are wrong: ")
    assert f"The likely cause: {said}" in finding.what
    assert ("--spz-axes" in finding.remedy) == ("quarter turns" in said)
    assert finding.remedy.endswith("use --trust-masks (in Blender: Use masks as they are).")
    assert np.median(values(scene, views, masks)) < CONTRADICTS - 0.1
    (trusted,) = mask_findings(scene.gaussians, views, masks, trusted=True)
    assert (trusted.severity, trusted.what) == ("warning", finding.what)
    assert "--trust-masks" not in trusted.remedy


def test_cameras_of_another_world_are_refused(scene: Scene, masks: MaskSet) -> None:
    """As of a scene that nerfstudio exported: turned, moved, and a quarter as large."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("yx", [50, 10], degrees=True).as_matrix()
    turn[:3, 3] = 0.3, -0.2, 0.1

    def moved(pose: Pose) -> Pose:
        pose = pose @ turn
        pose[:3, 3] *= 4
        return pose

    (finding,) = mask_findings(scene.gaussians, posed(moved), masks)
    assert finding.severity == "problem"
    assert "of what a mask shows lies where its camera sees nothing of the scene." in finding.what
    assert "dataparser_transforms.json" in finding.remedy


def test_masks_of_other_views_are_refused(scene: Scene, masks: MaskSet) -> None:
    shifted = replace(masks, probability=[*masks.probability[3:], *masks.probability[:3]])
    (finding,) = mask_findings(scene.gaussians, VIEWS, shifted)
    assert finding.severity == "problem"
    assert "or the masks of other photos." in finding.what
    assert "Check that each mask has the name of its photo" in finding.remedy


def test_masks_of_opposite_views_have_no_verdict(scene: Scene, masks: MaskSet) -> None:
    """Two views have nothing to contradict each other with."""
    two = replace(masks, probability=[m if n in (0, 4) else m * 0 for n, m in enumerate(masks.probability)])
    assert mask_findings(scene.gaussians, VIEWS, two) == []


def inverted(masks: MaskSet, *objects: int) -> MaskSet:
    made = [mask.copy() for mask in masks.probability]
    for mask in made:
        mask[list(objects)] = 255 - mask[list(objects)]
    return replace(masks, probability=made)


def alone(masks: MaskSet, k: int) -> MaskSet:
    return replace(
        masks,
        objects=masks.objects[k : k + 1],
        probability=[mask[k : k + 1] for mask in masks.probability],
        confidence=masks.confidence[:, k : k + 1],
    )


def test_inverted_masks_are_refused(scene: Scene, masks: MaskSet) -> None:
    for wrong in (inverted(masks, 0, 1), alone(inverted(masks, 1), 1)):
        (finding,) = mask_findings(scene.gaussians, VIEWS, wrong)
        assert finding.severity == "problem"
        assert finding.what.startswith("The masks seem to be inverted. The masks of 'object ")
        assert re.search(r"cover 8\d% of the pictures and (99|100)% of their borders\.", finding.what)
        assert "invert them" in finding.remedy
        assert {found.severity for found in inverted_findings(wrong, trusted=True)} == {"warning"}
    # An object that surrounds the others, as an image of ids may have it, is only asked about.
    (finding,) = inverted_findings(inverted(masks, 1))
    assert (finding.severity, finding.where) == ("warning", "object 2")


def test_an_object_that_fills_the_pictures_is_not_inverted(masks: MaskSet) -> None:
    """A wall beside which something else begins, in all pictures."""
    wall = np.zeros((1, 96, 128), np.uint8)
    wall[:, :, 16:] = 255
    assert inverted_findings(replace(alone(masks, 0), probability=[wall] * len(VIEWS))) == []
    full = replace(alone(masks, 0), probability=[np.full_like(wall, 255)] * len(VIEWS))
    assert inverted_findings(full) == []
