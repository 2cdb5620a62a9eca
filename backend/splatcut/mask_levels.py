# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an image is the mask of one object, or holds the ids of several, or is a photo.

A mask has two levels, black and white, and grey only along edges or where it is unsure; ids have several levels, each
over whole areas, with sharp borders. So what counts are *solid* pixels, whose eight neighbours have the same value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

#: A level counts where it has this share of solid pixels in some image.
AREA = 5e-4
#: Ids have sharp borders: at most this share of the pixels that are not background lies at other levels.
STRAY = 5e-3
#: More ids than this are none.
MOST = 1000
#: Levels this near to white are white.
WHITE_SLACK = 6
#: White and what stands for "perhaps": a trimap.
TRIMAPS = ({127, 255}, {128, 255})
#: Colours of this many kinds (4 bits a channel, each over ``AREA`` of the image) make a photo.
PHOTO_COLOURS = 64
#: Colours that are not grey lie above this.
_COLOUR = 1 << 24
#: The background.
BLACK = 0


def pixels_of(image: Image) -> NDArray[Any]:
    """[H, W] an alpha channel that varies, or grey values of any type; else [H, W, 3] uint8 colours.

    Where alpha is 0 everywhere nothing is visible, whatever the colours.
    """
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() < alpha.max() or not alpha.max():
            return alpha
    return np.asarray(image if image.mode[0] in "IFL1" and image.mode != "LA" else image.convert("RGB"))


def codes(image: Image) -> NDArray[np.int64]:
    """[H, W] one number for each value: the palette's index, the grey value, or 0x1RRGGBB; 0 is black."""
    if image.mode == "P" and "transparency" not in image.info:
        index = np.asarray(image).astype(np.int64)
        colours = np.asarray(image.getpalette("RGB")).reshape(-1, 3)
        black = np.flatnonzero((colours == 0).all(axis=1))
        if len(black) and 0 not in black:
            # Black is the background, whichever index it has; index 0 gives way to one that no palette has.
            return np.where(np.isin(index, black), BLACK, np.where(index == 0, 256, index))
        return index
    values = pixels_of(image)
    if values.ndim == 2:
        return np.nan_to_num(values).astype(np.int64)
    r, g, b = values.astype(np.int64).transpose(2, 0, 1)
    return np.where((r == g) & (g == b), r, _COLOUR | r << 16 | g << 8 | b)


def solid(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """[H - 2, W - 2] bool: which inner pixels have eight neighbours of their own value."""
    across = values[:, 1:] == values[:, :-1]
    across = across[:, 1:] & across[:, :-1]
    down = values[1:, 1:-1] == values[:-1, 1:-1]
    return across[:-2] & across[1:-1] & across[2:] & down[1:] & down[:-1]


class Levels:
    """The levels of one or more images of the same objects."""

    def __init__(self) -> None:
        self._pixels: Counter[int] = Counter()
        self._solid: Counter[int] = Counter()
        self._area: dict[int, float] = {}  # largest share of solid pixels in one image
        self._colours = self._palette = False
        self._none = False  # whether the images cannot be of ids: floats, or more levels than there are objects

    def add(self, image: Image) -> None:
        """Takes in an image."""
        values = np.empty((0, 0), np.int64) if image.mode == "F" else codes(image)
        pixels = _count(values)
        self._none |= not 0 < len(pixels) <= MOST
        if self._none:
            return
        self._pixels.update(pixels)
        areas = _count(values[1:-1, 1:-1][solid(values)])
        self._solid.update(areas)
        for level, count in areas.items():
            self._area[level] = max(self._area.get(level, 0.0), count / values.size)
        self._palette |= image.mode == "P"
        self._colours |= max(pixels) >= _COLOUR

    def _areas(self) -> list[int]:
        """The levels, black left out, that are whole areas somewhere; all that is nearly white is one."""
        found = sorted(level for level, area in self._area.items() if level != BLACK and area >= AREA)
        return [level for level in found if level not in self._nearly_white]

    @property
    def _nearly_white(self) -> set[int]:
        top = max(self._pixels, default=0)
        near = range(255 - WHITE_SLACK, top) if top <= 255 and not self._palette else ()
        return {level for level in near if level in self._pixels}

    def ids(self) -> list[int] | None:
        """The ids, sorted, where the images hold those of several objects, or of one in a value too dark for a mask."""
        areas = self._areas()
        if self._none or not areas or BLACK not in self._pixels or set(areas) in TRIMAPS:
            return None
        if len(areas) == 1:
            dark = set(self._pixels) == {BLACK, areas[0]} and (self._palette or 1 < areas[0] < 128)
            return areas if dark else None
        drawn = [level for level in self._pixels if level != BLACK]
        thin = [level for level in drawn if level not in self._solid]
        stray = sum(self._pixels[level] for level in thin)
        if stray > STRAY * sum(self._pixels[level] for level in drawn) or len(thin) > max(2, len(drawn) // 5):
            return None
        return None if self._nearly_white else sorted(level for level in drawn if level in self._solid)

    def problem(self) -> str:
        """Why the images are neither masks of one object nor ids of several, as the end of a sentence; or ""."""
        if self._none:
            return ""
        areas = self._areas()
        remedy = (
            "Save one folder of masks for each object (<object>/<view>.png, white on black), or one image of ids for "
            "each view (PNG, with sharp borders and 0 as the background)."
        )
        if set(areas) in TRIMAPS:
            return f"hold areas of {self.shown(areas)}: either two objects, or one object with unsure areas. {remedy}"
        everything = sum(count for level, count in self._solid.items() if level != BLACK)
        large = [level for level in areas if self._solid[level] >= 0.02 * everything]
        middle = [level for level in large if self._colours or large[-1] < 128 or level < 0.9 * large[-1]]
        if len(large) > 1 and middle and sum(self._solid[level] for level in large) > 0.9 * everything:
            return f"hold areas of {self.shown(areas)}, like object ids but without sharp borders. {remedy}"
        return ""

    def shown(self, levels: Sequence[int]) -> str:
        """Levels for a sentence."""
        names = [self.name(level).split("_")[1] for level in levels]
        return f"the values {', '.join(names[:6])}" + (", ..." if len(names) > 6 else "")

    def name(self, value: int) -> str:
        """What the object with an id is called."""
        return f"colour_{value - _COLOUR:06x}" if value >= _COLOUR else f"object_{value}"


def _count(values: NDArray[np.int64]) -> dict[int, int]:
    """How often each value comes; of integers above 0."""
    if values.size and values.max() < 65536:
        counts = np.bincount(values.ravel())
        levels = np.flatnonzero(counts)
        return dict(zip(levels.tolist(), counts[levels].tolist(), strict=True))
    return dict(zip(*(array.tolist() for array in np.unique(values, return_counts=True)), strict=True))


def refusal(image: Image, values: NDArray[Any]) -> str:
    """Why an image is no mask of one object, as the end of a sentence; "" where it can be one.

    Args:
        values: its ``pixels_of``.
    """
    if is_photo(values):
        return "is a picture in many colours, not a mask. Save masks white on black, or with a transparent background."
    levels = Levels()
    levels.add(image)
    ids = levels.ids()
    if ids is None or len(ids) < 2:
        return ""
    return (
        f"holds areas of {levels.shown(ids)}, like the ids of several objects. Give a mask of each object, white on "
        "black, or a folder with one image of ids for each view."
    )


def is_photo(values: NDArray[Any]) -> bool:
    """Whether ``pixels_of`` an image are those of a photo or another picture in many colours."""
    if values.ndim == 2:
        return False
    coarse = (values >> 4).astype(np.int64) @ np.array([256, 16, 1])
    coloured = np.ptp(values, axis=2) > 24
    counts = np.bincount(coarse[coloured], minlength=1)
    return int((counts > AREA * coarse.size).sum()) > PHOTO_COLOURS
