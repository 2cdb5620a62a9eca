# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the user said, brought to working pixels, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mask_scenes import Scene, balls_on_floor, camera_at, ring
from numpy.typing import NDArray
from PIL import Image

from splatcut.cameras import Undistortion
from splatcut.cameras.lens import Lens
from splatcut.cameras.pictures import WorkingView, working_view
from splatcut.errors import UserError
from splatcut.masks.prompted import PixelPrompt, merge, prompts_in_views, read_scribble
from splatcut.messages import MaskPrompt, ObjectPrompt, Points3DPrompt, Prompt, ScribblePrompt, ViewPrompt
from splatcut.scene.camera import View


@pytest.fixture(scope="module")
def scene() -> Scene:
    return balls_on_floor((0.0, 0.0, 0.0))


#: Photos of 128 x 96 pixels, worked on at half that.
VIEWS = {view.name: working_view(view, 64) for view in ring(4, width=128, height=96)}
FIRST = VIEWS["view_00"]


def _gather(scene: Scene, *prompts: Prompt) -> dict[str, PixelPrompt]:
    return prompts_in_views([ObjectPrompt("ball", prompts)], VIEWS, scene.gaussians)[0]


def _write(path: Path, pixels: Any) -> Path:
    Image.fromarray(np.asarray(pixels)).save(path)
    return path


def _assert_box(box: NDArray[np.float32] | None, expected: list[float]) -> None:
    np.testing.assert_allclose(box, expected, rtol=1e-6)


def test_points_and_boxes_are_scaled(scene: Scene):
    said = _gather(scene, ViewPrompt("view_00", ((64, 48, 1), (10, 90, 0)), (50, 40, 78.5, 60)))
    assert list(said) == ["view_00"]
    np.testing.assert_allclose(said["view_00"].points, [[32, 24], [5, 45]])
    assert said["view_00"].labels.tolist() == [1, 0]
    _assert_box(said["view_00"].box, [25, 20, 39.25, 30])
    assert said["view_00"].mask is None
    # A box is cut at the picture.
    said = _gather(scene, ViewPrompt("view_00", (), (-20, 40, 70, 500)))
    _assert_box(said["view_00"].box, [0, 20, 35, 48])


def test_prompts_of_one_view_come_together(scene: Scene):
    said = _gather(
        scene,
        ViewPrompt("view_00", ((64, 48, 1),), (50, 40, 70, 60)),
        ViewPrompt("view_00", ((10, 90, 0),), (51, 41, 71, 61)),
        ViewPrompt("view_02", ((64, 48, 1),)),
    )
    assert sorted(said) == ["view_00", "view_02"]
    assert said["view_00"].labels.tolist() == [1, 0]
    _assert_box(said["view_00"].box, [25.5, 20.5, 35.5, 30.5])


def test_merging_keeps_a_box_or_mask_that_the_later_prompt_lacks():
    box, mask = np.array([1, 2, 3, 4], np.float32), np.full((2, 2), 255, np.uint8)
    first = PixelPrompt(np.zeros((1, 2), np.float32), np.ones(1, np.int32), box, mask)
    second = PixelPrompt(np.ones((1, 2), np.float32), np.zeros(1, np.int32))
    both = merge(first, second)
    assert both.box is box
    assert both.mask is mask
    assert both.labels.tolist() == [1, 0]
    assert merge(None, first) is first


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (ViewPrompt("view_99", ((1, 1, 1),)), "'view_99', which does not exist or is held out.*view_00, view_01"),
        (ViewPrompt("view_00", ((128.5, 1, 1),)), r"point \(128.5, 1\) lies outside view 'view_00'.*128 x 96"),
        (ViewPrompt("view_00", ((1, -1, 1),)), "lies outside view"),
        (ViewPrompt("view_00", (), (200, 0, 300, 50)), "box .* lies outside view 'view_00'.*128 x 96"),
        (ViewPrompt("view_00", ((64, 0.5, 1),)), "empty background.*Choose points on the object"),
        (ViewPrompt("view_00", (), (0, 0, 128, 3)), "only empty background"),
        (Points3DPrompt(((50.0, 50.0, 50.0, 1),)), "none of its points in space is visible"),
        (Points3DPrompt(((0.0, 0.0, 0.0, 1),)), "none of its points in space is visible"),  # inside the ball
    ],
)
def test_prompts_that_cannot_be_used_are_refused(scene: Scene, prompt: Prompt, said: str):
    with pytest.raises(UserError, match=said) as caught:
        _gather(scene, prompt)
    assert str(caught.value).startswith("The object 'ball'")


def test_points_in_space_go_to_a_view_that_shows_them(scene: Scene):
    """The ball's point nearest to the view from the left is hidden from the other side."""
    for number in (1, 3):
        towards = VIEWS[f"view_0{number}"].view.camera.position
        point = 0.4 * towards / np.linalg.norm(towards)
        said = _gather(scene, Points3DPrompt(((*point, 1), (*(-point), 0))))
        ((name, part),) = said.items()
        assert part.labels.tolist() == [1]  # the other one is behind the ball
        camera = VIEWS[name].view.camera
        np.testing.assert_allclose(part.points, camera.project(point[None])[0], atol=1e-3)
        assert np.dot(camera.position, towards) > 0


def test_the_view_is_the_one_that_shows_most_points(scene: Scene):
    """From behind, both points would lie nearer to the middle of the picture, but only the top one is visible."""
    top, front = (0.0, -0.4, 0.0), (0.0, 0.0, -0.4)
    ((name, part),) = _gather(scene, Points3DPrompt(((*top, 1), (*front, 1)))).items()
    assert name == "view_00"
    assert part.labels.tolist() == [1, 1]


def test_views_behind_do_not_keep_a_point_from_being_found(scene: Scene):
    """More views from behind than are looked at once something is found, all with the point nearer their middle."""
    point = np.array([0.0, -0.2, -0.35])
    views = [View(f"behind_{i:02d}", camera_at((0.03 * i, -1.5, 2.6), target=point)) for i in range(14)]
    behind = {view.name: WorkingView(view, view) for view in views}
    said = prompts_in_views(
        [ObjectPrompt("ball", (Points3DPrompt(((*point, 1),)),))], {**behind, **VIEWS}, scene.gaussians
    )[0]
    assert list(said) == ["view_00"]


def test_a_hint_in_space_of_what_is_not_the_object(scene: Scene):
    """A point of the floor in front of the ball, seen from above, is no prompt of its own."""
    floor = Points3DPrompt(((0.0, 0.38, -0.9, 0),))
    said = _gather(scene, ViewPrompt("view_02", ((64, 48, 1),)), floor)
    assert said["view_02"].locates
    (other,) = set(said) - {"view_02"}
    assert said[other].labels.tolist() == [0]
    assert not said[other].locates


def test_a_mask_by_value(scene: Scene, tmp_path: Path):
    pixels = np.zeros((96, 128), np.uint8)
    pixels[20:60, 30:70] = 255
    file = _write(tmp_path / "mask.png", pixels)
    said = _gather(scene, MaskPrompt("view_00", file))["view_00"]
    assert len(said.points) == 0
    assert said.mask is not None
    expected = np.zeros((48, 64), bool)
    expected[10:30, 15:35] = True
    np.testing.assert_array_equal(said.mask > 127, expected)


@pytest.mark.parametrize(
    ("kind", "pixels", "said"),
    [
        (MaskPrompt, np.zeros((10, 20), np.uint8), "20 x 10 pixels, which does not fit view 'view_00'"),
        (MaskPrompt, np.zeros((96, 128), np.uint8), "entirely black"),
        (
            ScribblePrompt,
            np.full((10, 20, 3), 255, np.uint8),
            "20 x 10 pixels, which does not fit view 'view_00'",
        ),
        (ScribblePrompt, np.full((96, 128, 3), (255, 0, 0), np.uint8), "no bright strokes"),
        *((kind, None, "does not exist") for kind in (MaskPrompt, ScribblePrompt)),
        *((kind, b"no image", "cannot be read as an image") for kind in (MaskPrompt, ScribblePrompt)),
    ],
)
def test_files_that_cannot_be_used_are_refused(scene: Scene, tmp_path: Path, kind: Any, pixels: Any, said: str):
    if isinstance(pixels, bytes):
        (tmp_path / "a.png").write_bytes(pixels)
    elif pixels is not None:
        _write(tmp_path / "a.png", pixels)
    with pytest.raises(UserError, match=said):
        _gather(scene, kind("view_00", tmp_path / "a.png"))


def _strokes(file: Path, *strokes: tuple[tuple[int, int, int, int], tuple[int, ...]]) -> Path:
    """Rectangles (x0, y0, x1, y1) of a colour on black, or on nothing where colours have alpha."""
    pixels = np.zeros((96, 128, len(strokes[0][1])), np.uint8)
    for (x0, y0, x1, y1), colour in strokes:
        pixels[y0:y1, x0:x1] = colour
    return _write(file, pixels)


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 255, 0), (0, 200, 255), (255, 255, 0)])
def test_bright_strokes_are_the_object(tmp_path: Path, colour: tuple[int, int, int]):
    file = _strokes(tmp_path / "s.png", ((20, 40, 60, 44), colour))
    said = read_scribble(file, FIRST, "The scribble")
    assert (said.labels == 1).all()
    assert 4 <= len(said.points) <= 8
    # All along the stroke, in working pixels; the first point is in the middle.
    assert (said.points >= [10, 20]).all()
    assert (said.points <= [30, 22]).all()
    np.testing.assert_allclose(said.points[0], [20, 21], atol=0.6)
    assert np.ptp(said.points[:, 0]) > 19


@pytest.mark.parametrize("colour", [(255, 0, 0), (220, 40, 30), (128, 128, 128)])
def test_red_and_grey_strokes_are_not(tmp_path: Path, colour: tuple[int, int, int]):
    file = _strokes(tmp_path / "s.png", ((20, 40, 60, 44), (255, 255, 255)), ((80, 10, 84, 80), colour))
    said = read_scribble(file, FIRST, "The scribble")
    negative = said.points[said.labels == 0]
    assert len(negative) == 8
    assert (negative[:, 0] > 39).all()
    assert (said.points[said.labels == 1][:, 0] < 31).all()


def test_what_is_transparent_is_nothing_and_a_dot_is_one_point(tmp_path: Path):
    file = _strokes(tmp_path / "s.png", ((0, 0, 128, 30), (255, 255, 255, 0)), ((60, 40, 70, 50), (0, 255, 0, 255)))
    said = read_scribble(file, FIRST, "The scribble")
    assert (said.labels == 1).all()
    assert (said.points >= [30, 20]).all()
    said = read_scribble(_strokes(tmp_path / "s.png", ((64, 48, 66, 50), (255, 255, 255))), FIRST, "The scribble")
    np.testing.assert_allclose(said.points, [[32.25, 24.25]], atol=0.5)


LENS = Lens("SIMPLE_RADIAL", 128, 96, (128.0, 64.0, 48.0, -0.3))


def _bent() -> dict[str, WorkingView]:
    undistortion = Undistortion.of(LENS, "the test's lens")
    inner = undistortion.camera
    pose = VIEWS["view_00"].view.camera.camera_from_world
    camera = type(inner)(inner.width, inner.height, inner.fx, inner.fy, inner.cx, inner.cy, pose)
    view = View("bent", camera, None, undistortion)
    return {"bent": WorkingView(view, view)}


def test_prompts_are_meant_in_the_photo_as_it_is(scene: Scene):
    views = _bent()
    prompt = ViewPrompt("bent", ((70, 52, 1),), (50, 40, 80, 60))
    said = prompts_in_views([ObjectPrompt("ball", (prompt,))], views, scene.gaussians)[0]["bent"]
    undistortion: Any = views["bent"].source.undistortion
    np.testing.assert_allclose(said.points, undistortion.points(np.array([[70.0, 52.0]])), rtol=1e-6)
    corners = undistortion.points(np.array([[50.0, 40], [80, 40], [50, 60], [80, 60]]))
    _assert_box(said.box, [*corners.min(axis=0), *corners.max(axis=0)])


def test_what_the_undistorted_picture_lacks_is_refused(scene: Scene):
    views = _bent()
    for prompt in (ViewPrompt("bent", ((0.5, 0.5, 1),)), ViewPrompt("bent", (), (0, 0, 1, 1))):
        with pytest.raises(UserError, match="margin"):
            prompts_in_views([ObjectPrompt("ball", (prompt,))], views, scene.gaussians)
