# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats in the viewport: the picture against the engine's, and what is drawn when.

Drawing needs a GPU's interface, which Blender has without a window from 5.2 on.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import state, viewport
from bl_ext.user_default.splatcut.bridge.viewport import drawer as drawers
from bl_ext.user_default.splatcut.bridge.viewport import shown
from bl_ext.user_default.splatcut.bridge.viewport import splats as drawing_of_splats
from bl_ext.user_default.splatcut.core import drawing
from bl_ext.user_default.splatcut.core.arrays import SplatArrays
from numpy.typing import NDArray

from splatcut.formats import read_splats
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, Gaussians
from splatcut.scene.transform import apply_transform

DEMO = Path(__file__).resolve().parents[2] / "demo"
WIDTH, HEIGHT = 160, 120
EYE = np.eye(4)

_RENDER = """
import json, sys
import numpy as np
from pathlib import Path
from splatcut.scene.camera import Camera
from splatcut.formats import read_splats
from splatcut.raster import render
c = json.loads(sys.argv[2])
camera = Camera(c["width"], c["height"], c["fx"], c["fy"], c["cx"], c["cy"], np.array(c["pose"]))
seen = render(read_splats(Path(sys.argv[1]), antialiased=sys.argv[4]).gaussians, camera)
np.save(sys.argv[3], np.concatenate([seen.image, 1 - seen.transmittance[..., None]], axis=2))
"""


@pytest.fixture(scope="module")
def with_gpu() -> None:
    if not bpy.app.background:
        return
    if not hasattr(gpu, "init"):
        pytest.skip("this Blender cannot draw without a window (from 5.2 on it can)")
    try:
        gpu.init()
    except Exception as error:
        pytest.skip(f"no GPU interface without a window here: {error}")


@pytest.fixture(scope="module")
def demo_gaussians() -> Gaussians:
    return read_splats(DEMO / "scene.ply").gaussians


@pytest.fixture
def offscreen(with_gpu: None) -> Iterator[Any]:
    buffer = gpu.types.GPUOffScreen(WIDTH, HEIGHT, format="RGBA16F")
    yield buffer
    buffer.free()


@pytest.fixture
def drawer() -> Iterator[drawers.Drawer]:
    made = drawers.Drawer()
    yield made
    made.free()


def arrays_of(g: Gaussians, key: object = 0, *, sh: bool = True) -> SplatArrays:
    rest = np.ascontiguousarray(g.sh[:, 1:]) if sh and g.sh.shape[1] > 1 else None
    return SplatArrays(g.means, g.scales(), g.quats, g.base_colours(), g.opacities(), rest, key)


def one_splat(depth: float, colour: tuple[float, float, float], size: float = 0.5, key: object = 0) -> SplatArrays:
    """A splat in front of a camera at the origin that looks along -z."""
    return SplatArrays(
        np.array([[0, 0, -depth]], np.float32),
        np.full((1, 3), size, np.float32),
        np.array([[1, 0, 0, 0]], np.float32),
        np.array([colour], np.float32),
        np.full(1, 0.9, np.float32),
        None,
        key,
    )


def show(
    arrays: SplatArrays, matrix: NDArray = EYE, tint: Any = None, uid: str = "one", points: bool = False
) -> shown.Shown:
    return shown.Shown(uid, points, arrays, np.asarray(matrix, float), tint)


def projection(fx: float, fy: float, cx: float, cy: float, width: int, height: int) -> NDArray[np.float64]:
    near, far = 0.01, 100.0
    result = np.zeros((4, 4))
    result[0, 0], result[1, 1] = 2 * fx / width, 2 * fy / height
    result[0, 2], result[1, 2] = 1 - 2 * cx / width, 2 * cy / height - 1
    result[2, 2:], result[3, 2] = (-(far + near) / (far - near), -2 * far * near / (far - near)), -1
    return result


AHEAD = projection(100, 100, WIDTH / 2, HEIGHT / 2, WIDTH, HEIGHT)


def pixels(frame: Any) -> NDArray[np.float32]:
    """[H, W, 4] from the top."""
    buffer = frame.read_color(0, 0, WIDTH, HEIGHT, 4, 0, "FLOAT")
    buffer.dimensions = WIDTH * HEIGHT * 4
    return np.array(buffer, dtype=np.float32).reshape(HEIGHT, WIDTH, 4)[::-1]


def drawn(offscreen: Any, draw: Callable[[], None], depth: float = 1.0) -> NDArray[np.float32]:
    with offscreen.bind():
        frame = gpu.state.active_framebuffer_get()
        frame.clear(color=(0.0, 0.0, 0.0, 0.0), depth=depth)
        draw()
        return pixels(frame)


def direct(offscreen: Any, parts: list[SplatArrays], views: NDArray, window: NDArray) -> NDArray[np.float32]:
    """Display-referred, premultiplied, as the splats' own buffer has it."""
    eye = drawing_of_splats.Eye(drawing_of_splats.SplatSet(parts))
    eye.look(views, 1)
    programs = drawing_of_splats.Programs()
    return drawn(offscreen, lambda: drawing_of_splats.draw(programs, eye, window, views, WIDTH, HEIGHT))


def psnr(a: NDArray, b: NDArray) -> float:
    return float(-10 * np.log10(np.mean((a.astype(np.float64) - b) ** 2)))


@pytest.mark.parametrize("antialiased", [False, True])
def test_the_picture_is_the_engines(
    antialiased: bool, offscreen: Any, demo_gaussians: Gaussians, tmp_path: Path
) -> None:
    entry = json.loads((DEMO / "cameras.json").read_text())[3]
    turn, centre = np.array(entry["rotation"]), np.array(entry["position"])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn.T, -turn.T @ centre
    factor = WIDTH / entry["width"]
    fx, fy = entry["fx"] * factor, entry["fy"] * factor
    cx, cy = 0.46 * WIDTH, 0.55 * HEIGHT
    camera = {"width": WIDTH, "height": HEIGHT, "fx": fx, "fy": fy, "cx": cx, "cy": cy, "pose": pose.tolist()}
    python = os.environ["SPLATCUT_WORKER_PYTHON"]
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LD_"))}
    command = [python, "-c", _RENDER, str(DEMO / "scene.ply"), json.dumps(camera), str(tmp_path / "picture.npy")]
    command += ["on" if antialiased else "off"]
    subprocess.run(command, env=variables, check=True)
    expected = np.load(tmp_path / "picture.npy")

    view = np.diag([1.0, -1.0, -1.0, 1.0]) @ pose
    arrays = replace(arrays_of(demo_gaussians), pixel_filter=ANTIALIASED if antialiased else CLASSIC)
    picture = direct(offscreen, [arrays], view[None], projection(fx, fy, cx, cy, WIDTH, HEIGHT))
    # What differs is rounding: the buffer has half floats.
    assert psnr(picture[..., :3], expected[..., :3]) > 45
    assert np.abs(picture[..., 3] - expected[..., 3]).max() < 0.03


def test_several_objects_are_drawn_as_if_they_were_one(offscreen: Any, demo_gaussians: Gaussians) -> None:
    """Halves of the scene, each in a frame of its own, in one order."""
    rng = np.random.default_rng(0)
    half = rng.random(len(demo_gaussians)) < 0.5
    world = np.eye(4)
    world[:3, :3] = 2.5 * np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    world[:3, 3] = 3, -2, 1
    moved = apply_transform(demo_gaussians.take(~half), np.linalg.inv(world))
    view = np.eye(4)
    view[:3, :3] = [[0.8, 0.6, 0], [-0.36, 0.48, 0.8], [0.48, -0.64, 0.6]]
    view[2, 3] = -3.5
    whole = direct(offscreen, [arrays_of(demo_gaussians, sh=False)], view[None], AHEAD)
    parts = [arrays_of(demo_gaussians.take(half), sh=False), arrays_of(moved, sh=False)]
    both = direct(offscreen, parts, np.stack([view, view @ world]), AHEAD)
    assert whole[..., 3].mean() > 0.9
    assert psnr(whole, both) > 45


def test_colours_reach_the_viewport_as_they_are(offscreen: Any, drawer: drawers.Drawer) -> None:
    """Linear values in its buffer, which turns them into sRGB."""
    colour = (0.8, 0.4, 0.1)
    picture = drawn(offscreen, lambda: drawer.draw(0, [show(one_splat(3, colour))], EYE, AHEAD))
    centre = picture[HEIGHT // 2, WIDTH // 2]
    assert centre[3] == pytest.approx(0.9, abs=0.01)
    np.testing.assert_allclose(centre[:3] / centre[3], drawing.scene_linear(colour), atol=3e-3)


def test_what_blender_has_drawn_in_front_hides_splats(offscreen: Any, drawer: drawers.Drawer) -> None:
    item = show(one_splat(3, (1, 1, 1)))
    clip = AHEAD @ [0, 0, -3.0, 1]
    depth = float(clip[2] / clip[3] / 2 + 0.5)
    behind = drawn(offscreen, lambda: drawer.draw(0, [item], EYE, AHEAD), depth - 1e-4)
    # In a viewport of its own: on a slow machine a change of the depth alone may wait.
    before = drawn(offscreen, lambda: drawer.draw(1, [item], EYE, AHEAD), depth + 1e-4)
    assert behind.max() == 0
    assert before[HEIGHT // 2, WIDTH // 2, 3] == pytest.approx(0.9, abs=0.01)


def test_tints_follow_labels_and_probability(offscreen: Any, drawer: drawers.Drawer) -> None:
    def seen(label: int, probability: float) -> NDArray[np.float32]:
        labels, colours = np.array([label], np.int32), np.array([[0, 0, 1.0, 1], [1.0, 0, 0, 1]])
        tint = shown.Tint((label, probability), labels, np.array([probability], np.float32), colours)
        item = show(one_splat(3, (0.5, 0.5, 0.5)), tint=tint)
        picture = drawn(offscreen, lambda: drawer.draw(0, [item], EYE, AHEAD))
        centre = picture[HEIGHT // 2, WIDTH // 2]
        codes = drawing.tint_codes(labels, tint.probability, 0)
        expected = drawing.tinted(np.full((1, 3), 0.5), codes, np.concatenate([np.zeros((1, 4)), colours]))[0]
        display = drawing.display_colour(centre[:3] / centre[3])
        np.testing.assert_allclose(display, expected, atol=5e-3)
        return display

    plain, faint, full, other = seen(0, 1.0), seen(2, 0.3), seen(2, 1.0), seen(1, 1.0)
    assert plain[0] == pytest.approx(0.5, abs=5e-3)
    assert full[0] > faint[0] > plain[0]
    assert other[2] > 0.6 > other[0]


def test_points_have_the_splats_colours(offscreen: Any, drawer: drawers.Drawer) -> None:
    item = show(one_splat(3, (0.2, 0.7, 0.4)), points=True)
    picture = drawn(offscreen, lambda: drawer.draw(0, [item], EYE, AHEAD))
    covered = picture[..., 3] > 0
    assert 1 <= covered.sum() <= 25
    np.testing.assert_allclose(picture[covered][0, :3], drawing.scene_linear([0.2, 0.7, 0.4]), atol=2e-3)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many splats were drawn each time that some were."""
    counts: list[int] = []
    draw = drawing_of_splats.draw

    def count(programs: Any, eye: Any, *rest: Any) -> None:
        counts.append(eye.drawn)
        draw(programs, eye, *rest)

    monkeypatch.setattr(drawing_of_splats, "draw", count)
    return counts


def test_splats_are_drawn_again_only_for_a_change(offscreen: Any, drawer: drawers.Drawer, counted: list[int]) -> None:
    item = show(one_splat(3, (1, 0, 0)))
    pictures = [drawn(offscreen, lambda t=t: drawer.draw(0, [item], EYE, AHEAD, now=float(t))) for t in range(3)]
    assert counted == [1]
    assert np.array_equal(pictures[0], pictures[2])
    moved = EYE.copy()
    moved[0, 3] = 0.2
    drawn(offscreen, lambda: drawer.draw(0, [item], moved, AHEAD, now=3.0))
    assert len(counted) == 2
    # The object moves instead.
    drawn(offscreen, lambda: drawer.draw(0, [show(item.arrays, moved)], moved, AHEAD, now=3.5))
    # Its data change.
    changed = show(one_splat(3, (0, 1, 0), key=1), moved)
    picture = drawn(offscreen, lambda: drawer.draw(0, [changed], moved, AHEAD, now=4.0))
    assert len(counted) == 4
    assert picture[..., 1].max() > 0.5
    # Something comes to stand before it.
    assert drawn(offscreen, lambda: drawer.draw(0, [changed], moved, AHEAD, now=9.0), 0.1).max() == 0


def test_a_slow_view_is_coarse_while_it_moves(
    offscreen: Any,
    drawer: drawers.Drawer,
    counted: list[int],
    demo_gaussians: Gaussians,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawers, "BUDGET", 1e-6)
    monkeypatch.setattr(drawers, "LEVELS", ((1, 1), (8, 2)))
    monkeypatch.setattr(drawers, "FEWEST", 3000)
    item = show(arrays_of(demo_gaussians, sh=False))
    view = np.eye(4)
    view[2, 3] = -4.0
    full = drawn(offscreen, lambda: drawer.draw(0, [item], view, AHEAD, now=0.0))
    assert not drawer.unsettled()
    view = view.copy()
    view[0, 3] = 1e-4
    coarse = drawn(offscreen, lambda: drawer.draw(0, [item], view, AHEAD, now=1.0))
    assert drawer.unsettled()
    settled = drawn(offscreen, lambda: drawer.draw(0, [item], view, AHEAD, now=1.01 + drawers.SETTLE))
    assert not drawer.unsettled()
    assert counted == [45_000, -(-45_000 // 8), 45_000]
    assert psnr(settled, full) > 40
    assert 12 < psnr(coarse, full) < 40
    # A render of the viewport is made once, and from everything.
    moved = view.copy()
    moved[0, 3] = 0.3
    drawn(offscreen, lambda: drawer.draw(0, [item], moved, AHEAD, still=True, now=1.3))
    assert counted[-1] == 45_000


def test_nothing_is_kept_that_is_not_drawn(offscreen: Any, drawer: drawers.Drawer) -> None:
    items = [show(one_splat(3, (1, 0, 0), key=k), uid=f"{k}", points=k == 2) for k in range(3)]
    drawn(offscreen, lambda: drawer.draw(0, items, EYE, AHEAD, now=0.0))
    assert (len(drawer._sets), len(drawer._viewers), len(drawer._points._points)) == (1, 1, 1)
    drawn(offscreen, lambda: drawer.draw(0, items[:1], EYE, AHEAD, now=2.0))
    drawn(offscreen, lambda: drawer.draw(1, [], EYE, AHEAD, now=2.0 + drawers.KEEP))
    assert (len(drawer._sets), len(drawer._viewers), len(drawer._points._points)) == (0, 0, 0)
    assert not drawer.empty
    drawer.free()
    assert drawer.empty


def test_changed_data_replace_the_old_at_once(offscreen: Any, drawer: drawers.Drawer) -> None:
    for key in range(5):
        item = show(one_splat(3, (1, 0, 0), key=key))
        drawn(offscreen, lambda item=item: drawer.draw(0, [item], EYE, AHEAD, now=0.1))
        assert len(drawer._sets) == 1


def test_a_handler_never_raises_and_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(context: Any) -> None:
        raise RuntimeError("no such shader")

    monkeypatch.setattr(viewport, "_draw_region", fail)
    monkeypatch.setattr(viewport, "_trouble", 0)
    said: list[str] = []
    monkeypatch.setattr(state, "say", lambda text, level="INFO": said.append(text))
    try:
        viewport._draw()
        assert viewport._trouble == 1
        viewport._tell()
        viewport._draw()
        assert viewport._trouble == 2
        viewport._tell()
        viewport._draw()
    finally:
        if bpy.app.timers.is_registered(viewport._tell):
            bpy.app.timers.unregister(viewport._tell)
    assert "shown as points" in said[0]
    assert "neither splats nor points" in said[1]
