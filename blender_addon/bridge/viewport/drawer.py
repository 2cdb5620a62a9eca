# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When what is drawn anew: caches on the GPU, and fewer splats while the view moves.

The splats go into a buffer of their own, against a copy of the viewport's depth: they blend in display-referred
colours, which the viewport's buffer does not do. As long as nothing changes, that buffer is laid over the viewport
again and again; splats are drawn only when the view, the data, the tints or the depth of other objects change.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import gpu
import numpy as np
from numpy.typing import NDArray

from ...core import drawing
from . import splats
from .points import PointCache
from .shown import Shown

#: Seconds that drawing may take while the view moves; more makes it draw fewer, larger splats.
BUDGET = 0.06
#: Seconds without a change after which all splats are drawn.
SETTLE = 0.2
#: Seconds after which what no viewport has drawn is freed.
KEEP = 5.0
#: What is drawn while the view moves, the slower the machine the further on: one of how many splats, and a picture of
#: how many times fewer pixels a side.
LEVELS = ((1, 1), (1, 2), (2, 2), (4, 2), (8, 4), (16, 4), (32, 4))
#: So many splats are drawn of a small scene, however slow the machine.
FEWEST = 30_000


class _Viewer:
    """What one region has on the GPU."""

    def __init__(self) -> None:
        self.eye: splats.Eye | None = None
        self.colour: gpu.types.GPUTexture | None = None
        self.depth: NDArray[np.float32] | None = None
        self.looked: NDArray[np.float64] | None = None
        self.size: tuple[int, int] = (0, 0)
        self.drawn: Any = None
        self.moved = float("-inf")
        self.level = 0  # of those above, while the view moves
        self.seconds = 0.0  # that drawing all splats takes
        self.coarse = False  # not everything is drawn
        self.used = 0.0
        self.filled = float("-inf")
        self.late = False  # other objects' depth has changed since


class Drawer:
    """Draws splat objects in all viewports; holds everything that is on the GPU."""

    def __init__(self) -> None:
        self.programs: splats.Programs | None = None
        self._sets: dict[Any, tuple[float, splats.SplatSet]] = {}
        self._viewers: dict[Any, _Viewer] = {}
        self._points = PointCache()

    @property
    def empty(self) -> bool:
        """Whether nothing is held on the GPU."""
        return self.programs is None and not self._sets and not self._viewers

    def free(self) -> None:
        """Lets go of everything on the GPU."""
        self.programs = None
        self._sets.clear()
        self._viewers.clear()
        self._points = PointCache()

    def forget(self) -> None:
        """Lets go of everything that comes from the .blend."""
        self._sets.clear()
        self._viewers.clear()
        self._points.keep(set())

    def unsettled(self) -> bool:
        """Whether a viewport does not yet show everything as it is."""
        return any(viewer.late or viewer.coarse for viewer in self._viewers.values())

    def draw(
        self,
        region: Any,
        shown: Sequence[Shown],
        view: NDArray[np.float64],
        projection: NDArray[np.float64],
        *,
        still: bool = False,
        now: float | None = None,
    ) -> None:
        """Draws onto the active framebuffer, which takes linear values and has depth.

        Args:
            region: hashable, tells viewports apart.
            shown: the splat objects.
            view, projection: [4, 4] OpenGL's view_from_world and clip_from_view.
            still: a picture that is drawn once, and with all splats.
            now: seconds; the clock's when None.
        """
        now = time.monotonic() if now is None else now
        points = [item for item in shown if item.as_points]
        gaussians = [item for item in shown if not item.as_points]
        if gaussians:
            self._draw_splats(region, gaussians, view, projection, still, now)
        for item in points:
            codes, palette = _tints([item])
            key = (item.arrays.key, None if item.tint is None else item.tint.key)
            transform = projection @ view @ item.matrix_world
            self._points.draw(item.uid, key, item.arrays, codes[0], palette, transform)
        self._points.keep({item.uid for item in points})
        self._purge(now)

    def _draw_splats(
        self, region: Any, shown: list[Shown], view: Any, projection: NDArray[np.float64], still: bool, now: float
    ) -> None:
        programs = self.programs = self.programs or splats.Programs()
        target = gpu.state.active_framebuffer_get()
        x, y, width, height = gpu.state.viewport_get()
        if any(item.over for item in shown):
            depth = np.ones(width * height, np.float32)
        else:
            depth = _depth(target, x, y, width, height)
        if still:
            viewer = _Viewer()
        else:
            viewer = self._viewers.setdefault(region, _Viewer())
            viewer.used = now
        chosen = self._set(shown, now)
        views = np.stack([view @ item.matrix_world for item in shown])
        level = 0 if still else self._level(viewer, chosen, views, projection, (width, height), now)
        state = (level, id(chosen), chosen.generation)
        same_depth = viewer.depth is not None and np.array_equal(viewer.depth, depth)
        current = viewer.drawn == state and viewer.colour is not None
        # Eevee moves the depth by parts of a pixel from one sample to the next: that may wait.
        viewer.late = current and not same_depth and now - viewer.filled < 4 * viewer.seconds
        if not (current and (same_depth or viewer.late)):
            self._fill(viewer, chosen, views, projection, depth.reshape(height, width), level)
            viewer.drawn, viewer.depth, viewer.filled = state, depth, now
        assert viewer.colour is not None
        _composite(programs, viewer.colour)

    def _level(
        self, viewer: _Viewer, chosen: splats.SplatSet, views: Any, projection: Any, size: tuple[int, int], now: float
    ) -> int:
        """How coarsely to draw; notes what has changed since the last drawing."""
        looked = np.concatenate([views.ravel(), projection.ravel()])
        first = viewer.eye is None or viewer.eye.splats is not chosen
        if viewer.size != size:
            viewer.size, viewer.colour = size, None
        if viewer.looked is None or not np.array_equal(viewer.looked, looked):
            viewer.looked, viewer.drawn = looked, None
            if not first:
                viewer.moved = now
        if now - viewer.moved >= SETTLE:
            return 0
        return viewer.level

    def _fill(
        self,
        viewer: _Viewer,
        chosen: splats.SplatSet,
        views: NDArray[np.float64],
        projection: NDArray[np.float64],
        depth: NDArray[np.float32],
        level: int,
    ) -> None:
        assert self.programs is not None
        step, shrunk = LEVELS[level]
        while step > 1 and chosen.count / step < FEWEST:
            step //= 2
        depth = _furthest(depth, shrunk)
        height, width = depth.shape
        start = time.perf_counter()
        if viewer.eye is None or viewer.eye.splats is not chosen:
            viewer.eye = splats.Eye(chosen)
        viewer.eye.look(views, step, settled=level == 0)
        if viewer.colour is None or (viewer.colour.width, viewer.colour.height) != (width, height):
            viewer.colour = gpu.types.GPUTexture((width, height), format="RGBA16F")
        buffer = gpu.types.Buffer("FLOAT", depth.size, depth.ravel())
        copy = gpu.types.GPUTexture((width, height), format="DEPTH_COMPONENT32F", data=buffer)
        frame = gpu.types.GPUFrameBuffer(depth_slot=copy, color_slots=[viewer.colour])
        with frame.bind():
            frame.clear(color=(0.0, 0.0, 0.0, 0.0))
            # Reading a pixel waits for the GPU, so that the clock tells what drawing takes.
            frame.read_color(0, 0, 1, 1, 4, 0, "FLOAT")
            if level == 0:
                start = time.perf_counter()
            splats.draw(self.programs, viewer.eye, projection, views, width, height)
            frame.read_color(0, 0, 1, 1, 4, 0, "FLOAT")
        viewer.coarse = level > 0
        _adapt(viewer, level, time.perf_counter() - start)

    def _set(self, shown: list[Shown], now: float) -> splats.SplatSet:
        key = tuple((item.uid, item.arrays.key) for item in shown)
        found = self._sets.get(key)
        if found is None:
            # What the objects were before need not stay beside what they are now.
            self._sets = {
                old: value for old, value in self._sets.items() if now - value[0] < 1.0 and not _shares(old, key)
            }
            found = now, splats.SplatSet([item.arrays for item in shown])
        self._sets[key] = now, found[1]
        tint_key = tuple(None if item.tint is None else item.tint.key for item in shown)
        if found[1].tint_key != tint_key:
            codes, palette = _tints(shown)
            found[1].set_tints(tint_key, codes, palette)
        return found[1]

    def _purge(self, now: float) -> None:
        self._sets = {key: value for key, value in self._sets.items() if now - value[0] < KEEP}
        held = {id(value[1]) for value in self._sets.values()}
        for region, viewer in list(self._viewers.items()):
            if now - viewer.used >= KEEP or (viewer.eye is not None and id(viewer.eye.splats) not in held):
                del self._viewers[region]


def _adapt(viewer: _Viewer, level: int, seconds: float) -> None:
    """Chooses how coarsely to draw next time the view moves, from what drawing took now."""
    if level == 0:
        viewer.seconds = seconds
        if seconds <= BUDGET:
            viewer.level = 0
        elif viewer.level == 0:
            viewer.level = min(math.ceil(math.log2(seconds / BUDGET)), len(LEVELS) - 1)
    elif seconds > 1.5 * BUDGET:
        viewer.level = min(level + 1, len(LEVELS) - 1)
    elif seconds < 0.35 * BUDGET:
        viewer.level = max(level - 1, 1)


def _shares(old: Any, new: Any) -> bool:
    """Whether two sets show the same object with different data."""
    keys = dict(new)
    return any(uid in keys and keys[uid] != key for uid, key in old)


def _tints(shown: Sequence[Shown]) -> tuple[list[NDArray[np.float32] | None], NDArray[np.float64]]:
    codes: list[NDArray[np.float32] | None] = []
    palette = [np.zeros((1, 4))]
    row = 0
    for item in shown:
        if item.tint is None:
            codes.append(None)
            continue
        codes.append(drawing.tint_codes(item.tint.labels, item.tint.probability, row, len(item.tint.colours)))
        palette.append(item.tint.colours)
        row += len(item.tint.colours)
    return codes, np.concatenate(palette)


def _depth(frame: Any, x: int, y: int, width: int, height: int) -> NDArray[np.float32]:
    """[width * height] float32: the depth of what Blender has drawn; 1 where the buffer has none to give."""
    try:
        buffer = frame.read_depth(x, y, width, height)
        buffer.dimensions = width * height
        return np.array(buffer, dtype=np.float32)
    except (RuntimeError, ValueError):
        return np.ones(width * height, dtype=np.float32)


def _furthest(depth: NDArray[np.float32], shrunk: int) -> NDArray[np.float32]:
    """[H, W] depth in fewer pixels: of each block the furthest, so that thin lines do not become dots."""
    if shrunk == 1:
        return depth
    rows = np.maximum.reduceat(depth, np.arange(0, depth.shape[0], shrunk), axis=0)
    return np.ascontiguousarray(np.maximum.reduceat(rows, np.arange(0, depth.shape[1], shrunk), axis=1))


def _composite(programs: splats.Programs, image: gpu.types.GPUTexture) -> None:
    shader = programs.composite
    shader.bind()
    shader.uniform_sampler("splat_image", image)
    gpu.state.blend_set("ALPHA_PREMULT")
    gpu.state.depth_test_set("NONE")
    try:
        programs.composite_quad.draw(shader)
    finally:
        gpu.state.blend_set("NONE")
