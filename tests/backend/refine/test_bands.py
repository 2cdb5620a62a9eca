# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The bands of all views: which tiles are drawn, how often and with what weight, and what they are held to."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refine_scenes import EdgeScene, edge_scene, plain
from scipy import ndimage

from splatcut import raster
from splatcut.lift import Problem
from splatcut.progress import Quiet
from splatcut.raster.rule import TILE
from splatcut.refine.bands import Band, Movable, always_drawn, make_bands, photo_weight, view_by_view
from splatcut.refine.options import RefineOptions
from splatcut.refine.tiles import tiles_with
from splatcut.refine.translucent import Translucent
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.masks import MaskSet


@cache
def _scene() -> EdgeScene:
    return edge_scene(views=3)


def _reach(scene: EdgeScene, camera: Camera, rows: np.ndarray) -> np.ndarray:
    """Tiles where the moving Gaussians make up more than a 32nd of a pixel, in the scene or alone, by the reference."""
    moving = np.isin(np.arange(len(scene.gaussians)), rows).astype(np.float32)[:, None]
    ball = scene.probability[:, 0] > 0.5
    shown = [
        raster.render(some, camera, features=features, colour=False, device="reference").features[..., 0]
        for some, features in ((scene.gaussians, moving), (scene.gaussians.take(ball), moving[ball]))
    ]
    return tiles_with(np.maximum(*shown) > 1 / 32, camera)


def _image(values: np.ndarray, band: Band) -> np.ndarray:
    """[H, W] of a band's values [T, 256]; 0 where it has no tile."""
    image = np.zeros(band.camera.height * band.camera.width, values.dtype)
    image[band.pixels[band.valid]] = values[band.valid]
    return image.reshape(band.camera.height, band.camera.width)


# ---------------------------------------------------------------------------------------------------------- the tiles


def test_all_that_moving_gaussians_reach_has_its_turn_and_the_edges_are_always_worked_on() -> None:
    scene = replace(_scene(), rows=_scene().rows[::7])
    bands = scene.bands(parts=3)
    always = 0
    for view, mask in zip(scene.views, scene.masks.probability, strict=True):
        own = [band for band in bands if band.name == view.name]
        assert len(own) == 3
        inside = mask[0] > 127
        near = ndimage.binary_dilation(inside, iterations=2) & ~ndimage.binary_erosion(inside, iterations=2)
        reached = _reach(scene, view.camera, scene.rows)
        turns = np.sum([band.tiles for band in own], axis=0)
        # Where nothing moves nothing can be learnt.
        np.testing.assert_array_equal(turns > 0, reached)
        assert (turns[tiles_with(near, view.camera) & reached] == 3).all()
        assert set(np.unique(turns)) <= {0, 1, 3}
        always += (turns == 3).sum()
    assert always < sum(band.tiles.sum() for band in bands) / 3  # some do take turns


def test_over_a_views_bands_every_tile_counts_alike() -> None:
    """A tile is in one band with the weight ``parts`` or in all with 1: the mean of the bands' sums is the whole's."""
    scene = replace(_scene(), rows=_scene().rows[::7])
    rng = np.random.default_rng(1)
    for parts in (1, 4):
        bands = scene.bands(parts=parts)
        for view in scene.views:
            own = [band for band in bands if band.name == view.name]
            assert len(own) == parts
            value = rng.uniform(size=own[0].tiles.shape)
            sums = [(band.weight * value[band.tiles]).sum() for band in own]
            np.testing.assert_allclose(np.mean(sums), value[_reach(scene, view.camera, scene.rows)].sum(), rtol=1e-6)
            turns = np.sum([band.tiles for band in own], axis=0)
            for band in own:
                np.testing.assert_array_equal(band.weight, np.where(turns[band.tiles] == parts, 1, parts))


def test_tiles_reach_what_the_scene_hides_but_shows_when_the_object_is_alone() -> None:
    scene = _scene()
    view = scene.views[1]
    front = scene.gaussians.means[:, 2] > 0.0
    # The ball's far side, of an object without its near side: nothing of it shows in the scene, but all alone.
    behind = np.flatnonzero((scene.gaussians.means[:, 2] < -0.3) & (scene.probability[:, 0] > 0))
    probability = np.where(front[:, None], 0, scene.probability).astype(np.float32)
    hidden = replace(scene, rows=behind, probability=probability, views=[view])
    moving = np.isin(np.arange(len(scene.gaussians)), behind).astype(np.float32)[:, None]
    shown = raster.render(scene.gaussians, view.camera, features=moving, colour=False).features
    assert shown[22:30, 34:42].max() < 1 / 32
    masks = MaskSet(("ball",), (view.name,), scene.masks.probability[1:2], np.ones((1, 1), np.float32))
    (band,) = replace(hidden, masks=masks).bands(parts=1)
    assert band.tiles[26 // TILE, 38 // TILE]


def test_edges_and_errors_by_hand() -> None:
    soft, alone = np.zeros((1, 40, 60), np.float32), np.zeros((40, 60, 1), np.float32)
    soft[0, :, 20:] = 1
    alone[:, 20:] = 1
    found = always_drawn(soft, alone, alone, (soft, soft))
    np.testing.assert_array_equal(found, np.broadcast_to((np.arange(60) >= 16) & (np.arange(60) < 24), (40, 60)))
    spot = alone.copy()
    spot[5, 50] = 0.4
    assert always_drawn(soft, spot, alone, (soft, soft))[5, 50]
    assert always_drawn(soft, alone, spot, (soft, soft))[5, 50]
    spot[5, 50] = 0.6
    assert not always_drawn(soft, spot, spot, (soft, soft))[5, 50]


def test_places_rows_and_subsets_go_together() -> None:
    scene = _scene()
    rows = np.concatenate([scene.rows[3::5], [len(scene.gaussians) - 1]])
    for band in replace(scene, rows=rows).bands(parts=2):
        np.testing.assert_array_equal(band.subset[band.place], rows[band.moving])
        assert set(band.subset[band.place]) == set(band.subset) & set(rows)
        assert (np.diff(band.moving) > 0).all()
        some = raster.render(scene.gaussians.take(band.subset), band.camera, tiles=band.tiles).image
        whole = raster.render(scene.gaussians, band.camera).image
        np.testing.assert_array_equal(*(image.reshape(-1, 3)[band.pixels[band.valid]] for image in (some, whole)))


# -------------------------------------------------------------------------------------------------------- the targets


def test_targets_are_the_tiles_pixels_of_mask_and_photo(tmp_path: Path) -> None:
    scene = _scene()
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (53, 75, 3), dtype=np.uint8)
    Image.fromarray(photo).save(tmp_path / "view.png")
    soft = rng.integers(0, 256, (1, 53, 75), dtype=np.uint8)
    view = replace(scene.views[0], photo=tmp_path / "view.png")
    masks = MaskSet(("ball",), (view.name,), [soft], np.array([[0.7]], np.float32))
    (band,) = replace(scene, views=[view], masks=masks).bands(parts=1)
    np.testing.assert_array_equal(band.masks, soft.reshape(1, -1)[:, band.pixels])
    assert band.alone is band.masks
    np.testing.assert_array_equal(band.photo, photo.reshape(-1, 3)[band.pixels])
    assert band.confidence.tolist() == [np.float32(0.7)]
    # A photo that cannot be used is as none: the scene's own render is what the render is held to.
    image = np.clip(raster.render(scene.gaussians, view.camera).image, 0, 1).reshape(-1, 3)
    problem = Problem(scene.gaussians, [view], masks)
    (unread,) = make_bands(scene.movable, problem, RefineOptions(parts=1), Quiet(), lambda _: None)
    for without in (unread, scene.bands(parts=1)[0]):
        assert np.abs(without.photo - 255 * image[without.pixels])[without.valid].max() <= 0.51
        assert without.error < 0.5 / 255
    difference = (image[band.pixels] - band.photo / 255)[band.valid]
    assert band.error == pytest.approx(np.sqrt(np.mean(difference**2)), rel=1e-5)


def test_photo_weighs_more_where_the_scene_shows_it_well() -> None:
    (band,) = _scene().bands(parts=1)[:1]

    def weight(*errors: float) -> float:
        return photo_weight([replace(band, error=error) for error in errors])

    assert weight(0.016) == pytest.approx(4)
    assert weight(0.032 / 1.5) == pytest.approx(2.25)
    assert weight(0.02, 0.032, 0.1) == pytest.approx(1)
    assert weight(0.1) == 1
    assert weight(0.0) == 4


def test_translucent_gaussians_make_the_targets_their_own() -> None:
    """The label image and the object alone are held to two things, whatever the mask says."""
    scene = _scene()
    view, mask = scene.views[1], scene.masks.probability[1]
    masks = MaskSet(("ball",), (view.name,), [mask], np.ones((1, 1), np.float32))

    class Held(Translucent):
        def targets(self, masks: np.ndarray, camera: Camera, device: str = "cpu") -> tuple[np.ndarray, np.ndarray]:
            assert masks is mask
            assert camera is view.camera
            return masks // 2, masks // 3

    held = Held(scene.gaussians, scene.probability, np.ones(len(scene.gaussians), bool))
    problem = Problem(scene.gaussians, [view], masks)
    (band,) = make_bands(scene.movable, problem, RefineOptions(parts=1), Quiet(), translucent=held)
    np.testing.assert_array_equal(band.masks, (mask // 2).reshape(1, -1)[:, band.pixels])
    np.testing.assert_array_equal(band.alone, (mask // 3).reshape(1, -1)[:, band.pixels])


def test_views_that_nobody_trusts_and_those_that_show_nothing_that_moves_have_no_band() -> None:
    scene = _scene()
    doubtful = replace(scene.masks, confidence=np.array([[1.0], [0.0], [1.0]], np.float32))
    assert [band.name for band in replace(scene, masks=doubtful).bands(parts=1)] == ["view 0", "view 2"]
    assert replace(scene, rows=scene.rows[:0]).bands() == []


def _exempt(extra: Gaussians, probability: float, mask: np.ndarray | None = None) -> np.ndarray:
    """[H, W] bool: the exempt pixels of the second view, of the ball behind a plate and ``extra`` Gaussians.

    A plate stands before the ball's right half, so that the mask, unless given, ends where the plate begins.
    """
    scene = _scene()
    x, y = np.meshgrid(np.linspace(0.0, 1.2, 25), np.linspace(-0.6, 0.6, 25))
    plate = plain(np.stack([x.ravel(), y.ravel(), np.full(x.size, 1.0)], axis=1), 0.06, (0.1, 0.8, 0.1))
    gaussians = concatenate([scene.gaussians, plate, extra])
    ends = [scene.probability[:, 0], np.zeros(len(plate)), np.full(len(extra), probability)]
    share = np.concatenate(ends).astype(np.float32)[:, None]
    view = scene.views[1]
    if mask is None:
        mask = 255 * (raster.render(gaussians, view.camera, features=share, colour=False).features[..., 0] > 0.5)
    masks = MaskSet(("ball",), (view.name,), [mask[None].astype(np.uint8)], np.ones((1, 1), np.float32))
    movable = Movable(gaussians, np.arange(len(gaussians)), share)
    (band,) = make_bands(movable, Problem(gaussians, [view], masks), RefineOptions(parts=1), Quiet())
    return _image(band.exempt[0], band)


def _extra(means: list[list[float]], scales: float | tuple[float, ...], opacity: float) -> Gaussians:
    some = plain(np.reshape(means, (-1, 3)), 1.0, (0.5, 0.5, 0.5))
    some.log_scales[:] = np.log(scales)
    some.opacity_logits[:] = np.log(opacity / (1 - opacity))
    return some


NOTHING = _extra([], 1.0, 0.5)
#: To the right of the ball and behind the plate.
BESIDE = [[0.7, 0.0, 0.0]]


@cache
def _behind() -> tuple[np.ndarray, np.ndarray]:
    """[H, W] bool: pixels of the ball well behind the plate, and those of the mask."""
    exempt = _exempt(NOTHING, 0.0)
    ball = _scene().masks.probability[1][0] > 127
    return ndimage.binary_erosion(ball & (np.arange(75) >= 40), iterations=2), exempt


def test_pixels_where_something_hides_the_object_are_exempt() -> None:
    behind, exempt = _behind()
    ball = ndimage.binary_dilation(_scene().masks.probability[1][0] > 127, iterations=3)
    assert behind.sum() > 100
    assert exempt[behind].all()
    assert not exempt[:, :30].any()  # the plate hides nothing there
    assert not exempt[~ball].any()  # and only the ball is the object


def test_pixels_of_the_mask_are_never_exempt() -> None:
    behind, _ = _behind()
    mask = 255 * (_scene().masks.probability[1][0] > 127)
    assert not _exempt(NOTHING, 0.0, mask).any()
    half = np.where(np.arange(53)[:, None] < 26, mask, 0)
    exempt = _exempt(NOTHING, 0.0, half)
    assert not exempt[:26].any()
    assert exempt[26:][behind[26:]].all()


def test_what_is_hardly_an_objects_is_no_excuse() -> None:
    _, exempt = _behind()
    beside = _extra(BESIDE, 0.15, 0.95)
    assert (_exempt(beside, 1.0) & ~exempt).sum() > 10
    # 0.4 of it cannot cover half a pixel.
    np.testing.assert_array_equal(_exempt(beside, 0.4), exempt)


def test_a_spike_that_reaches_far_from_its_centre_is_no_excuse() -> None:
    """A pixel 0.9 standard deviations from a centre is two thirds covered by it, but a fifth by its core."""
    _, exempt = _behind()
    centre, long = [[0.0, 0.0, 0.0]], 0.78
    spike = _extra(centre, (long, 0.08, 0.08), 0.999)
    column, row = _scene().views[1].camera.project(np.array([[0.9 * long, 0.0, 0.0]]))[0][0].astype(int)
    assert not exempt[row, column]
    alone = 1 - raster.render(spike, _scene().views[1].camera, colour=False).transmittance
    assert alone[row, column] > 0.6
    assert not _exempt(spike, 1.0)[row, column]
    near = _extra([[0.9 * long, 0.0, 0.0]], (long, 0.08, 0.08), 0.999)
    assert _exempt(near, 1.0)[row, column]


def test_every_view_has_its_turn_before_any_has_another() -> None:
    names = [name for name in "abcde" for _ in range(3)] + ["f"]
    order = view_by_view(names, np.random.default_rng(3))
    assert sorted(order) == list(range(16))
    seen = [names[number] for number in order]
    assert sorted(seen[:6]) == list("abcdef")
    assert sorted(seen[6:11]) == sorted(seen[11:]) == list("abcde")
    assert seen[6:11] != seen[11:]
    assert view_by_view(names, np.random.default_rng(3)) == order
    assert view_by_view(names, np.random.default_rng(4)) != order
