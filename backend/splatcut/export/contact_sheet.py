# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The contact sheet: one picture from which an artist sees what was cut.

A row is a view; its columns are the photo with the prompts drawn in, the objects' masks over it, each object alone on
a checkerboard, the scene without the objects, and that healed. Arrays go in, a picture comes out: the renders are made
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
RGB = tuple[int, int, int]

#: Object colours, told apart with every common colour blindness (after Okabe and Ito), brightest first.
PALETTE: tuple[RGB, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 190, 130),
    (240, 228, 66),
    (225, 90, 20),
    (204, 121, 167),
    (60, 110, 230),
    (190, 190, 190),
)
_PAPER: RGB = (28, 28, 30)
_TEXT: RGB = (235, 235, 235)
_FAINT: RGB = (165, 165, 170)
_WARN: RGB = (255, 178, 92)


#: Width of a picture, and the gap between pictures, pixels.
CELL_WIDTH, GAP = 320, 8
#: Objects shown alone; the rest is named in the title.
MAX_OBJECTS = 4


@dataclass(frozen=True, eq=False)
class SheetPrompt:
    """What the user said about an object in a view.

    Attributes:
        object: index of the object, from 0.
        points: [P, 2] pixels of the view.
        labels: [P] 1 on the object, 0 not.
        box: (x0, y0, x1, y1) pixels, or None.
    """

    object: int
    points: NDArray[np.floating] = field(default_factory=lambda: np.zeros((0, 2)))
    labels: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One view; all arrays have its size [H, W].

    Attributes:
        view: name of the view.
        photo: [H, W, 3] uint8.
        masks: [K, H, W] float32 in [0, 1], final masks, occlusion included.
        objects: K or fewer [H, W, 4] float32, each object alone: display-referred sRGB premultiplied, and alpha.
        background: [H, W, 3] float32 display-referred sRGB, the scene without the objects.
        prompts: what was clicked in this view.
        note: one sentence on why the view counts less, or "".
        healed: [H, W, 3] as ``background``, healed; None, then in all rows, where nothing was.
    """

    view: str
    photo: U8
    masks: F32
    objects: Sequence[F32]
    background: F32
    prompts: Sequence[SheetPrompt] = ()
    note: str = ""
    healed: F32 | None = None


def object_colours(count: int) -> list[RGB]:
    """A colour for each of ``count`` objects; beyond the palette they repeat, darker."""
    result = []
    for k in range(count):
        fade = 0.75 ** (k // len(PALETTE))
        red, green, blue = PALETTE[k % len(PALETTE)]
        result.append((int(red * fade), int(green * fade), int(blue * fade)))
    return result


def choose_views(names: Sequence[str], prompted: Sequence[str] = (), count: int = 8) -> list[str]:
    """At most ``count`` of the views: the prompted ones first, then the others spread evenly over the sequence."""
    wanted = set(prompted)
    first = [name for name in names if name in wanted][: max(count, 0)]
    rest = [name for name in names if name not in wanted]
    room = min(count - len(first), len(rest))
    if room <= 0:
        return first
    picked = np.unique(np.round(np.linspace(0, len(rest) - 1, room)).astype(int)) if room > 1 else [len(rest) // 2]
    return first + [rest[int(i)] for i in picked]


def contact_sheet(
    title: str, names: Sequence[str], rows: Sequence[SheetRow], *, width: int = CELL_WIDTH, gap: int = GAP
) -> Image.Image:
    """Draws the sheet.

    Args:
        title: first line.
        names: K object names, in the order of the rows' masks.
        rows: the views, from top to bottom.
        width, gap: of the pictures, and between them, pixels.
    """
    colours = object_colours(len(names))
    shown = min(MAX_OBJECTS, len(names), max(len(row.objects) for row in rows))
    headings = ["photo", "masks", *(f"{name} alone" for name in names[:shown]), "without the objects"]
    headings += ["healed"] if any(row.healed is not None for row in rows) else []
    text = ImageFont.load_default(size=14)
    heights = [max(1, round(width * row.photo.shape[0] / row.photo.shape[1])) for row in rows]
    total = gap + len(headings) * (width + gap)
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    legend_rows = _legend_layout(measure, names, total - 2 * gap, text)
    top = gap + 30 + 22 * len(legend_rows) + (20 if shown < len(names) else 0) + 24
    sheet = Image.new("RGB", (total, top + sum(24 + height + gap for height in heights)), _PAPER)
    draw = ImageDraw.Draw(sheet)

    big = ImageFont.load_default(size=20)
    draw.text((gap, gap), _fit(draw, title, big, total - 2 * gap), _TEXT, big)
    y = gap + 30
    for legend in legend_rows:
        for x, k in legend:
            draw.rectangle((gap + x, y + 2, gap + x + 13, y + 15), fill=colours[k])
            draw.text((gap + x + 19, y), _fit(draw, names[k], text, total - 2 * gap - 19), _TEXT, text)
        y += 22
    if shown < len(names):
        left = len(names) - shown
        more = "1 more object is" if left == 1 else f"{left} more objects are"
        draw.text((gap, y), f"{more} cut but not shown alone here.", _FAINT, text)
        y += 20
    for column, heading in enumerate(headings):
        draw.text((gap + column * (width + gap), y), _fit(draw, heading, text, width), _FAINT, text)
    y = top
    for row, height in zip(rows, heights, strict=True):
        caption = f"{row.view} (prompted)" if row.prompts else row.view
        draw.text((gap, y + 2), _fit(draw, caption, text, total - 2 * gap), _TEXT, text)
        if row.note:
            start = gap + draw.textlength(caption, font=text) + 16
            draw.text((start, y + 2), _fit(draw, row.note, text, total - gap - start), _WARN, text)
        y += 24
        for column, cell in enumerate(_cells(row, colours, shown, (width, height))):
            sheet.paste(cell, (gap + column * (width + gap), y))
        y += height + gap
    return sheet


def _cells(row: SheetRow, colours: list[RGB], shown: int, size: tuple[int, int]) -> list[Image.Image]:
    photo = _picture(row.photo, size)
    cells = [_draw_prompts(photo.copy(), row, colours), _picture(mask_overlay(row.photo, row.masks, colours), size)]
    for k in range(shown):
        if k < len(row.objects):
            cells.append(_picture(on_checkerboard(row.objects[k]), size))
        else:
            cells.append(Image.new("RGB", size, _PAPER))
    cells += [_picture(_bytes(image), size) for image in (row.background, row.healed) if image is not None]
    return cells


def mask_overlay(photo: U8, masks: F32, colours: Sequence[RGB]) -> U8:
    """[H, W, 3] uint8: the photo, greyed, with every mask [K, H, W] in its colour and a line along its edge."""
    base = photo.astype(np.float32)
    canvas = 0.55 * base.mean(axis=2, keepdims=True) + 0.15 * base
    line = max(1, round(max(photo.shape[:2]) / 400))
    for mask, colour in zip(masks, colours, strict=True):
        tint = np.asarray(colour, dtype=np.float32)
        strength = 0.5 * np.clip(mask, 0.0, 1.0)[..., None]
        canvas = canvas * (1.0 - strength) + (0.5 * base + 0.5 * tint) * strength
        hard = mask > 0.5
        inner = np.asarray(
            ndimage.binary_erosion(hard, np.ones((3, 3), dtype=bool), iterations=line, border_value=1), dtype=bool
        )
        edge = hard & ~inner
        canvas[edge] = tint
    return np.rint(np.clip(canvas, 0.0, 255.0)).astype(np.uint8)


def on_checkerboard(premultiplied: F32) -> U8:
    """[H, W, 3] uint8: an object [H, W, 4] (display-referred sRGB premultiplied, alpha) over a checkerboard."""
    height, width = premultiplied.shape[:2]
    square = max(4, width // 32)
    odd = (np.arange(height)[:, None] // square + np.arange(width)[None, :] // square) % 2
    board = np.where(odd, 0.62, 0.78).astype(np.float32)[..., None]
    return _bytes(premultiplied[..., :3] + (np.float32(1.0) - premultiplied[..., 3:]) * board)


def _draw_prompts(cell: Image.Image, row: SheetRow, colours: list[RGB]) -> Image.Image:
    draw = ImageDraw.Draw(cell)
    factor = cell.width / row.photo.shape[1]
    for prompt in row.prompts:
        colour = colours[prompt.object]
        if prompt.box is not None:
            x0, y0, x1, y1 = (value * factor for value in prompt.box)
            draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline=(0, 0, 0))
            draw.rectangle((x0, y0, x1, y1), outline=colour, width=2)
        for (x, y), label in zip(prompt.points * factor, prompt.labels, strict=True):
            # A filled disc says "this", a crossed ring says "not this": they differ without colour, too.
            draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=(0, 0, 0))
            if label == 1:
                draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour, outline=(255, 255, 255))
            else:
                draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline=colour, width=2)
                draw.line((x - 3, y - 3, x + 3, y + 3), fill=(255, 80, 80), width=2)
                draw.line((x - 3, y + 3, x + 3, y - 3), fill=(255, 80, 80), width=2)
    return cell


def _picture(pixels: U8, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.LANCZOS)


def _bytes(image: NDArray[np.floating]) -> U8:
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)


def _fit(draw: ImageDraw.ImageDraw, text: str, font: object, width: float) -> str:
    """The text, shortened with an ellipsis where it is wider than ``width`` pixels."""
    if draw.textlength(text, font=font) <= width:  # type: ignore[arg-type]
        return text
    while text and draw.textlength(text + "...", font=font) > width:  # type: ignore[arg-type]
        text = text[:-1]
    return text + "..."


def _legend_layout(
    draw: ImageDraw.ImageDraw, names: Sequence[str], width: int, font: object
) -> list[list[tuple[float, int]]]:
    """Lines of (x, object index), broken where a line is full."""
    lines: list[list[tuple[float, int]]] = [[]]
    x = 0.0
    for k, name in enumerate(names):
        needed = 19 + draw.textlength(name, font=font) + 24  # type: ignore[arg-type]
        if lines[-1] and x + needed > width:
            lines.append([])
            x = 0.0
        lines[-1].append((x, k))
        x += needed
    return lines
