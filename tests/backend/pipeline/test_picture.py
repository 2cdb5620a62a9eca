# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``refine``: what it is held to from between the views, and the end of it that fits the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from refined_blobs import PLAIN, Lifted, bits, refined

from splatcut import raster
from splatcut.cameras import load_photo
from splatcut.lift.labels import labels_from_probability
from splatcut.refine.between import views_between
from splatcut.refine.options import Picture
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """On pictures this small threads cost more than they give."""


def _picture(scene: Gaussians, view: View) -> NDArray[np.float32]:
    """[H, W, 3]: the render."""
    image = raster.render(scene, view.camera).image
    assert image is not None
    return image


def test_from_between_the_views_the_picture_stays_the_inputs(
    lifted: Lifted,
) -> None:
    """Seen from poses that no iteration used, too."""
    scene, views, _, _ = lifted
    options = replace(PLAIN, iterations=60, rounds=1, weights=replace(PLAIN.weights, photo=0.0))
    changes: list[float] = []
    for between in (0, 3):
        made = refined(lifted, replace(options, between=between)).labelled.gaussians
        fresh = views_between(views_between(views, 2), 2)
        assert len(fresh) > 3
        pairs = [[_picture(some, view) for some in (made, scene)] for view in fresh]
        changes.append(float(np.mean([((a - b) ** 2).mean() for a, b in pairs])))
    assert changes[1] < 0.5 * changes[0]


def test_the_end_fits_the_picture_and_leaves_the_objects_shapes(
    lifted: Lifted,
) -> None:
    """What the objects cover keeps its bits; their colours and the rest of the scene come closer to the photos."""
    _, views, _, _ = lifted
    options = replace(PLAIN, iterations=40, rounds=1)
    without = refined(lifted, replace(options, picture=Picture(share=0.0)))
    made = refined(lifted, replace(options, picture=Picture(share=1.0)))
    assert "picture_iterations" not in without.summary["rounds"][0]
    assert made.summary["rounds"][0]["picture_iterations"] == made.summary["iterations"] == 40
    before, after = without.labelled, made.labelled
    labels = labels_from_probability(before.probability)
    assert after.probability.tobytes() == before.probability.tobytes()
    for k in range(after.probability.shape[1]):
        own = labels == k + 1
        for item in ("means", "log_scales", "quats", "opacity_logits"):
            assert getattr(after.gaussians, item)[own].tobytes() == getattr(before.gaussians, item)[own].tobytes()
        assert (after.gaussians.sh[own & after.changed] != before.gaussians.sh[own & after.changed]).any()
    moved = after.changed & (labels == 0)
    assert (after.gaussians.means[moved] != before.gaussians.means[moved]).any()
    errors = []
    for labelled in (before, after):
        pictures = [_picture(labelled.gaussians, view) for view in views]
        photos = [load_photo(view) for view in views]
        assert all(photo is not None for photo in photos)
        errors.append(np.mean([np.square(a - b / 255.0).mean() for a, b in zip(pictures, photos, strict=True)]))  # type: ignore[operator]
    assert errors[1] < 0.97 * errors[0]


@pytest.mark.parametrize("sure", [0.0, 0.5, 0.9])
def test_the_end_leaves_the_shapes_of_what_may_be_the_objects(lifted: Lifted, sure: float) -> None:
    """Of what the lift gives to the background with less confidence, colours alone change."""
    options = replace(PLAIN, iterations=40, rounds=1)
    before = refined(lifted, replace(options, picture=Picture(share=0.0))).labelled
    after = refined(lifted, replace(options, picture=Picture(share=1.0, sure=sure))).labelled
    lift = lifted[3].probability.sum(axis=1)[before.parent]
    background = after.changed & (labels_from_probability(before.probability) == 0)
    same = (after.gaussians.means == before.gaussians.means).all(axis=1)
    unsure = background & (1 - lift < sure)
    assert same[unsure].all()
    assert unsure.any() == (sure > 0)
    assert not same[background & (1 - lift > sure)].all()
    if sure > 0:
        assert (after.gaussians.sh[unsure] != before.gaussians.sh[unsure]).any()


@pytest.mark.parametrize("between", [0, 2])
def test_the_end_holds_the_label_image_only_from_between_the_views(lifted: Lifted, between: int) -> None:
    options = replace(PLAIN, rounds=1, between=between)
    without, held = (
        bits(refined(lifted, replace(options, picture=Picture(share=1.0, hold=hold))).labelled) for hold in (0.0, 2.0)
    )
    assert (without == held) == (between == 0)


def test_the_picture_weighs_less_where_the_input_is_far_from_its_photos(
    lifted: Lifted,
) -> None:
    options = replace(PLAIN, rounds=1, between=2, noise=0.0, photo_noise=0.0, picture=Picture(share=1.0))
    usual = refined(lifted, options)
    error = usual.summary["rounds"][0]["input_error"]
    assert 0.001 < error < 0.2
    weights = replace(options.weights, photo=options.weights.photo / 2, between=options.weights.between / 2)
    picture = replace(options.picture, between=options.picture.between / 4)
    half = bits(refined(lifted, replace(options, weights=weights, picture=picture)).labelled)
    less = replace(options, noise=error / 2, photo_noise=error / 2)
    assert bits(refined(lifted, less).labelled) == half != bits(usual.labelled)
