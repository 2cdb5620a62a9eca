# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What is worked on in a view: tiles, Gaussians and targets, on images whose sides are no multiples of 16."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refine_scenes import EdgeScene, edge_scene, plain
from scipy import ndimage

from splatcut import raster
from splatcut.progress import Quiet
from splatcut.raster import cpu
from splatcut.raster.rule import TILE
from splatcut.refine.band import VISIBLE, Band, moving_tiles, reaching, tile_pixels, tiles_with
from splatcut.refine.between import views_between
from splatcut.refine.evidence import EDGE, far_from_edges
from splatcut.refine.options import RefineOptions
from splatcut.refine.rounds import (
    COVERED,
    ERROR,
    LEAST_ERROR,
    MOST_ERROR,
    edge_or_error,
    input_error,
    make_bands,
    pixel_sizes,
)
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import concatenate
from splatcut.scene.masks import MaskSet


@cache
def _scene() -> EdgeScene:
    return edge_scene(views=3)


def _bands(
    scene: EdgeScene, rows: np.ndarray | None = None, parts: int = 1, between: int = 0, **changed: object
) -> list[Band]:
    supported = np.ones(len(scene.gaussians), bool)
    options = RefineOptions(parts=parts, between=between)
    rows = scene.rows if rows is None else rows
    arguments = {"views": scene.views, "masks": scene.masks, "supported": supported} | changed
    return make_bands(
        scene.gaussians, rows, scene.probability, arguments["supported"], arguments["views"], arguments["masks"],
        options, Quiet(),
    )  # fmt: skip


def _reach(scene: EdgeScene, camera: Camera, rows: np.ndarray) -> np.ndarray:
    """[H, W]: where the moving Gaussians make up more than ``VISIBLE``, in the scene or alone, by the reference."""
    moving = np.isin(np.arange(len(scene.gaussians)), rows).astype(np.float32)[:, None]
    ball = scene.probability[:, 0] > 0.5
    whole = raster.render(scene.gaussians, camera, features=moving, colour=False, device="reference").features
    alone = raster.render(
        scene.gaussians.take(ball), camera, features=moving[ball], colour=False, device="reference"
    ).features
    return np.maximum(whole, alone)[..., 0] > VISIBLE


def _full(tiles: np.ndarray, camera: Camera) -> np.ndarray:
    """[H, W] bool: the pixels of the tiles."""
    return np.kron(tiles, np.ones((TILE, TILE), bool))[: camera.height, : camera.width]


@pytest.mark.parametrize(("width", "height"), [(75, 53), (16, 16), (17, 15), (64, 48), (5, 3)])
def test_tiles_and_their_pixels(width: int, height: int) -> None:
    camera = Camera(width, height, 50.0, 50.0, 0.5 * width, 0.5 * height, np.eye(4))
    rng = np.random.default_rng(width)
    shape = (-(-height // TILE), -(-width // TILE))
    points = rng.uniform(size=(height, width)) < 0.01
    tiles = tiles_with(points, camera)
    assert tiles.shape == shape
    for row, column in np.ndindex(*shape):
        there = points[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        assert tiles[row, column] == there.any()
    tiles = rng.uniform(size=shape) < 0.6
    tiles[-1, -1] = True
    pixels, valid = tile_pixels(tiles, camera)
    assert pixels.shape == valid.shape == (tiles.sum(), 256)
    image = np.zeros(height * width, int)
    np.add.at(image, pixels[valid], 1)
    np.testing.assert_array_equal(image.reshape(height, width), _full(tiles, camera))
    assert pixels.min() >= 0
    assert pixels.max() < width * height
    # Row by row within a tile: the last tile's entry at (y, x) is the pixel at (y, x) from its corner.
    top, left = (shape[0] - 1) * TILE, (shape[1] - 1) * TILE
    for y, x in ((0, 0), (0, 2), (2, 1)):
        if top + y < height and left + x < width:
            assert pixels[-1, y * TILE + x] == (top + y) * width + left + x
            assert valid[-1, y * TILE + x]


def test_all_that_moving_gaussians_reach_has_its_turn_and_the_edges_are_always_worked_on() -> None:
    scene = _scene()
    rows = scene.rows[::7]
    bands = _bands(scene, rows, parts=3)
    always = 0
    for view, mask in zip(scene.views, scene.masks.probability, strict=True):
        own = [band for band in bands if band.name == view.name]
        assert len(own) == 3
        reach = _reach(scene, view.camera, rows)
        inside = mask[0] > 127
        near = np.zeros_like(inside)
        edges = [*np.argwhere(inside[:, 1:] != inside[:, :-1]), *np.argwhere(inside[1:] != inside[:-1])]
        for y, x in edges:
            near[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = True
        assert (reach & near).sum() > 100
        reached = tiles_with(reach, view.camera)
        turns = np.sum([band.tiles for band in own], axis=0)
        # Where nothing moves nothing can be learnt.
        np.testing.assert_array_equal(turns > 0, reached)
        assert (turns[tiles_with(near, view.camera) & reached] == 3).all()
        assert set(np.unique(turns)) <= {0, 1, 3}
        always += (turns == 3).sum()
    assert always < sum(band.tiles.sum() for band in bands) / 3  # some do take turns


def test_with_one_part_all_that_moving_gaussians_reach_is_worked_on() -> None:
    scene = _scene()
    for band, view in zip(_bands(scene, scene.rows[::9]), scene.views, strict=True):
        np.testing.assert_array_equal(band.tiles, tiles_with(_reach(scene, view.camera, scene.rows[::9]), view.camera))


def test_moving_tiles_see_what_is_hidden_in_the_scene_but_shows_in_the_object_alone() -> None:
    scene = _scene()
    camera = scene.views[1].camera
    # The ball's far side: nothing of it shows in the scene, but alone without its near side it would.
    behind = np.flatnonzero((scene.gaussians.means[:, 2] < -0.3) & (scene.probability[:, 0] > 0))
    front = scene.gaussians.means[:, 2] > 0.0
    probability = np.where(front[:, None], 0, scene.probability).astype(np.float32)
    tiles, labels, alone = moving_tiles(scene.gaussians, camera, behind, probability, "cpu")
    part = scene.gaussians.take(probability[:, 0] > 0)
    expected = 1 - raster.render(part, camera, colour=False).transmittance
    np.testing.assert_allclose(alone[..., 0], expected, atol=1e-6)
    centre = (slice(22, 30), slice(34, 42))
    assert labels[(*centre, 0)].max() < 0.01
    assert alone[(*centre, 0)].min() > 0.9
    assert tiles[26 // TILE, 38 // TILE]


def test_the_subset_renders_the_tiles_as_the_whole_scene_does() -> None:
    scene = _scene()
    for band in _bands(scene, parts=2):
        part = scene.gaussians.take(band.subset)
        assert (np.diff(band.subset) > 0).all()
        assert len(part) < len(scene.gaussians)
        some = raster.render(part, band.camera, features=scene.probability[band.subset], tiles=band.tiles)
        whole = raster.render(scene.gaussians, band.camera, features=scene.probability)
        worked = _full(band.tiles, band.camera)
        for name in ("image", "features", "transmittance"):
            np.testing.assert_array_equal(getattr(some, name)[worked], getattr(whole, name)[worked])


def test_nothing_is_in_the_subset_that_does_not_reach_the_tiles() -> None:
    scene = _scene()
    band = _bands(scene)[0]
    worked = _full(band.tiles, band.camera)
    found = raster.accumulate(scene.gaussians, band.camera, worked[None].astype(np.float32), device="reference")
    assert np.isin(np.flatnonzero(found.weighted[:, 0] > 0), band.subset).all()
    assert np.array_equal(band.subset, reaching(cpu.prepare(scene.gaussians, band.camera), band.tiles))
    camera, far = band.camera, band.tiles.copy()
    far[:, 1:] = False
    left = reaching(cpu.prepare(scene.gaussians, camera, tiles=band.tiles), far)
    pixels, _ = camera.project(scene.gaussians.means[left])
    assert (pixels[:, 0] < TILE + 40).all()


def test_places_and_rows_go_together() -> None:
    scene = _scene()
    rows = np.concatenate([scene.rows[3::5], [len(scene.gaussians) - 1]])
    for band in _bands(scene, rows):
        np.testing.assert_array_equal(band.subset[band.place], rows[band.moving])
        assert set(band.subset[band.place]) == set(band.subset) & set(rows)
        assert (np.diff(band.moving) > 0).all()


def test_targets_are_the_tiles_pixels_of_mask_and_photo(tmp_path: Path) -> None:
    scene = _scene()
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (53, 75, 3), dtype=np.uint8)
    Image.fromarray(photo).save(tmp_path / "view.png")
    soft = rng.integers(0, 256, (1, 53, 75), dtype=np.uint8)
    view = replace(scene.views[0], photo=tmp_path / "view.png")
    masks = MaskSet(("ball",), (view.name,), [soft], np.array([[0.7]], np.float32))
    supported = np.ones(len(scene.gaussians), bool)
    image = np.clip(raster.render(scene.gaussians, view.camera).image, 0, 1)
    plain = make_bands(
        scene.gaussians,
        scene.rows,
        scene.probability,
        supported,
        [view],
        masks,
        RefineOptions(parts=1, between=0),
        Quiet(),
    )[0]
    around = _full(plain.tiles, view.camera)
    error = float(np.sqrt((((image - photo / 255)[around]) ** 2).mean()))
    assert 0.2 < error < 0.6
    for share in (1.0, 0.75, 0.4):
        options = RefineOptions(parts=1, photo_error=0.1 if share == 1 else error / share, between=0)
        (band,) = make_bands(scene.gaussians, scene.rows, scene.probability, supported, [view], masks, options, Quiet())
        np.testing.assert_array_equal(band.masks, soft.reshape(1, -1)[:, band.pixels])
        assert band.trust.tolist() == pytest.approx([0.7])
        wanted = share * photo.reshape(-1, 3)[band.pixels] + (1 - share) * 255 * image.reshape(-1, 3)[band.pixels]
        difference = np.abs(band.photo - wanted)[band.valid]
        assert difference.max() <= 0.51


def test_without_a_photo_the_scenes_own_render_is_what_the_render_is_held_to() -> None:
    scene = _scene()
    band = _bands(scene)[0]
    image = np.clip(raster.render(scene.gaussians, band.camera).image, 0, 1).reshape(-1, 3)[band.pixels]
    assert np.abs(band.photo - 255 * image)[band.valid].max() <= 0.51


def test_views_that_nobody_trusts_have_no_band() -> None:
    scene = _scene()
    doubtful = replace(scene.masks, confidence=np.array([[1.0], [0.0], [1.0]], np.float32))
    assert [band.name for band in _bands(scene, masks=doubtful)] == ["view 0", "view 2"]


def test_between_the_views_the_scenes_own_render_is_the_target_and_there_are_no_masks() -> None:
    scene = _scene()
    views = views_between(scene.views, 1)
    assert len(views) == 2
    bands = _bands(scene, parts=3, between=1)
    assert [band.held for band in bands] == [True] * 9 + [False] * 4
    for view in views:
        own = [band for band in bands if band.name == view.name]
        image = np.clip(raster.render(scene.gaussians, view.camera).image, 0, 1).reshape(-1, 3)
        shown = raster.render(scene.gaussians, view.camera, features=scene.probability, colour=False).features[..., 0]
        inside = shown > 0.5
        line = ndimage.binary_dilation(inside) ^ inside
        for band in own:
            assert np.abs(band.photo - 255 * image[band.pixels])[band.valid].max() <= 0.51
            assert not band.trust.any()
            assert not band.exempt.any()
            assert not band.far.any()
            assert not band.masks.any()
            assert band.masks.shape == band.exempt.shape == band.far.shape == (1, *band.pixels.shape)
            assert _full(band.tiles, view.camera)[line].all()
        reached = tiles_with(_reach(scene, view.camera, scene.rows), view.camera)
        np.testing.assert_array_equal(np.any([band.tiles for band in own], axis=0), reached)


@pytest.mark.parametrize(("off", "wanted"), [(0.06, 0.06), (0.0, LEAST_ERROR), (0.5, MOST_ERROR), (None, ERROR)])
def test_between_the_views_bands_know_how_far_the_scene_is_from_its_photos(off: float | None, wanted: float) -> None:
    """Root mean square, where what moves is seen; elsewhere the photos are black and nobody minds."""
    scene = _scene()
    photo = Path("photo.png")
    views = [replace(view, photo=None if off is None else photo) for view in scene.views]

    def read_photo(view: View) -> np.ndarray:
        image = raster.render(scene.gaussians, view.camera).image
        assert image is not None
        assert off is not None
        around = np.zeros(image.shape[:2], bool)
        for tiles in (band.tiles for band in held if band.name == view.name):
            around |= _full(tiles, view.camera)
        moved = np.where(image > 0.5, image - off, image + off) * around[..., None]
        return np.rint(255 * moved.clip(0, 1)).astype(np.uint8)

    held = _bands(scene)
    options = RefineOptions(parts=1, between=1)
    supported = np.ones(len(scene.gaussians), bool)
    bands = make_bands(
        scene.gaussians, scene.rows, scene.probability, supported, views, scene.masks, options, Quiet(),
        read_photo=read_photo,
    )  # fmt: skip
    own = [band.error for band in bands if band.held]
    assert own == pytest.approx([off or 0.0] * len(views), abs=0.002)
    assert input_error(bands) == pytest.approx(off or 0.0, abs=0.002)
    (error,) = {band.error for band in bands if not band.held}
    assert error == pytest.approx(wanted, abs=0.002)


def test_every_view_with_a_photo_counts_once_in_the_inputs_error() -> None:
    bands = _bands(_scene(), parts=2)
    names = [band.name for band in bands]
    assert names == [name for name in ("view 0", "view 1", "view 2") for _ in range(2)]
    off = {"view 0": 0.3, "view 1": 0.0, "view 2": 0.4}
    some = [replace(band, error=off[band.name]) for band in bands]
    assert input_error(some) == pytest.approx(math.sqrt((0.09 + 0.16) / 2))
    assert input_error([*some, some[0], some[0]]) == input_error(some)
    assert input_error(bands) == 0


def test_only_trusted_views_have_others_between_them() -> None:
    scene = _scene()
    doubtful = replace(scene.masks, confidence=np.array([[1.0], [0.0], [1.0]], np.float32))
    assert [band.name for band in _bands(scene, between=2, masks=doubtful) if not band.held] == [
        "view 0~view 2",
        "view 0~view 2",
    ]


def test_bands_know_what_is_far_from_the_masks_edges() -> None:
    scene = _scene()
    for band, soft in zip(_bands(scene, parts=1), scene.masks.probability, strict=True):
        far = far_from_edges(soft.astype(np.float32) / 255).reshape(1, -1)
        np.testing.assert_array_equal(band.far, far[:, band.pixels])
        assert 0.1 < band.far[0][band.valid].mean() < 0.95


def test_pixels_where_something_else_hides_a_supported_part_are_exempt() -> None:
    """A plate before the ball's right half: the masks end where it begins, though the ball does not."""
    scene = _scene()
    x, y = np.meshgrid(np.linspace(0.0, 0.6, 13), np.linspace(-0.6, 0.6, 25))
    plate = plain(np.stack([x.ravel(), y.ravel(), np.full(x.size, 1.0)], axis=1), 0.06, (0.1, 0.8, 0.1))
    gaussians = concatenate([scene.gaussians, plate])
    probability = np.concatenate([scene.probability, np.zeros((len(plate), 1), np.float32)])
    view = scene.views[1]
    seen = raster.render(gaussians, view.camera, features=probability, colour=False).features[..., 0]
    mask = ((seen > 0.5) * 255).astype(np.uint8)
    masks = MaskSet(("ball",), (view.name,), [mask[None]], np.ones((1, 1), np.float32))
    hidden = replace(scene, gaussians=gaussians, probability=probability, views=[view], masks=masks)
    (band,) = _bands(hidden, supported=np.ones(len(gaussians), bool))
    exempt = np.zeros(53 * 75, bool)
    exempt[band.pixels[band.valid]] = band.exempt[0][band.valid]
    exempt = exempt.reshape(53, 75)
    far = np.zeros(53 * 75, bool)
    far[band.pixels[band.valid]] = band.far[0][band.valid]
    distant = far_from_edges(masks.soft(0))[0]
    alone = raster.render(gaussians, view.camera, features=probability, colour=False, opacity_scale=probability[:, 0])
    covered = (alone.features[..., 0] - seen > COVERED) & (mask < 128)
    reached = np.isin(np.arange(53 * 75), band.pixels).reshape(53, 75)
    assert (distant & covered & reached).sum() > 50
    np.testing.assert_array_equal(far.reshape(53, 75), distant & ~covered & reached)
    ball = scene.masks.probability[1][0] > 127
    behind = ndimage.binary_erosion(ball & (seen < 0.25), iterations=2)
    assert behind.sum() > 50
    assert exempt[behind].all()
    assert not exempt[mask > 127].any()
    # What no view supports is no excuse.
    (band,) = _bands(hidden, supported=np.zeros(len(gaussians), bool))
    assert not band.exempt.any()


def test_edges_and_errors_by_hand() -> None:
    soft, alone = np.zeros((1, 40, 60), np.float32), np.zeros((40, 60, 1), np.float32)
    soft[0, :, 20:] = 1
    alone[:, 20:] = 1
    found = edge_or_error(soft, alone, alone)
    np.testing.assert_array_equal(found.any(axis=0), (np.arange(60) >= 20 - EDGE) & (np.arange(60) < 20 + EDGE))
    assert found.all(axis=0).sum() == 2 * EDGE
    spot = alone.copy()
    spot[5, 50] = 0.4
    assert edge_or_error(soft, spot, alone)[5, 50]
    assert edge_or_error(soft, alone, spot)[5, 50]
    spot[5, 50] = 0.6
    assert not edge_or_error(soft, spot, spot)[5, 50]


def test_pixel_sizes_are_those_of_the_closest_view_that_sees_a_point() -> None:
    def view(z: float, focal: float) -> View:
        transform = np.eye(4)
        transform[2, 3] = -z
        return View(str(z), Camera(100, 80, focal, focal, 50.0, 40.0, transform))

    views = [view(0.0, 100.0), view(2.0, 100.0), view(0.0, 400.0)]
    points = np.array([[0, 0, 4.0], [0.9, 0, 4.0], [0, 0, 1.0], [50.0, 0, 4.0]], np.float32)
    # On the axis the third camera has 4 / 400, beside it the second (2 / 100, its picture ends at x = 1 there), behind
    # the second the third; what no picture holds takes the smallest of all.
    np.testing.assert_allclose(pixel_sizes(points, views), [0.01, 0.02, 0.0025, 0.01], rtol=1e-6)
    np.testing.assert_allclose(pixel_sizes(points, views[:1]), [0.04, 0.04, 0.01, 0.04], rtol=1e-6)
