# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The contact sheet: its layout by pixels."""

from __future__ import annotations

import numpy as np

from splatcut.export.contact_sheet import (
    SheetPrompt,
    SheetRow,
    choose_views,
    contact_sheet,
    mask_overlay,
    object_colours,
    on_checkerboard,
)

HEIGHT, WIDTH = 60, 80


def make_row(view: str, count: int, note: str = "", prompts: tuple[SheetPrompt, ...] = ()) -> SheetRow:
    photo = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    masks = np.zeros((count, HEIGHT, WIDTH), dtype=np.float32)
    alone = np.zeros((count, HEIGHT, WIDTH, 4), dtype=np.float32)
    for k in range(count):
        masks[k, 10:50, 10 + 5 * k : 14 + 5 * k] = 1.0
        alone[k, 10:50, 10:70] = [1.0, 0.0, 0.0, 1.0]
    background = np.full((HEIGHT, WIDTH, 3), 0.25, dtype=np.float32)
    return SheetRow(view, photo, masks, list(alone), background, prompts, note)


def test_cells_hold_what_their_columns_say() -> None:
    prompt = SheetPrompt(0, np.array([[40.0, 30.0], [70.0, 50.0]]), np.array([1, 0]), (20, 10, 60, 50))
    rows = [make_row("IMG_1", 2, prompts=(prompt,)), make_row("IMG_2", 2, note="The masks disagree with the render.")]
    sheet = contact_sheet("two objects", ["pot", "cup"], rows, width=160, gap=10)
    pixels = np.asarray(sheet)
    assert sheet.width == 10 + 5 * 170
    last = sheet.height - 10 - 120  # top of the last row's cells

    def middle(column: int, top: int) -> list[int]:
        return pixels[top + 60, 10 + column * 170 + 80].tolist()

    assert middle(0, last) == [90, 90, 90]
    assert middle(2, last) == [255, 0, 0]
    assert middle(4, last) == [64, 64, 64]
    # The prompted row is above: its positive point lies at the middle of the photo.
    first = last - 120 - 10 - 24
    assert middle(0, first) == list(object_colours(1)[0])
    # The box's edge runs at x = 20 * 2.
    assert pixels[first + 60, 10 + 40].tolist() == list(object_colours(1)[0])
    # The note stands in its own colour above the last row and nowhere above the first.
    warn = (pixels == [255, 178, 92]).all(axis=2)
    assert warn[last - 24 : last].any()
    assert not warn[first - 24 : first].any()


def test_more_objects_than_columns_are_counted_and_long_names_cut() -> None:
    names = [f"object {k}" for k in range(6)]
    narrow = contact_sheet("six", names, [make_row("a", 6)], width=100)
    assert narrow.width == 8 + 7 * 108
    row = make_row("a view with a name that is far too long for the sheet", 1, note="x" * 500)
    sheet = contact_sheet("t" * 400, ["n" * 120], [row], width=64)
    assert sheet.width == 8 + 4 * 72


def test_the_overlay_tints_inside_and_greys_outside() -> None:
    photo = np.zeros((20, 30, 3), dtype=np.uint8)
    photo[..., 0] = 200
    mask = np.zeros((1, 20, 30), dtype=np.float32)
    mask[0, 5:15, 5:25] = 1.0
    overlay = mask_overlay(photo, mask, [(0, 255, 0)])
    assert overlay[0, 0, 0] > overlay[0, 0, 1]
    assert overlay[10, 15, 1] > 60
    assert overlay[5, 10].tolist() == [0, 255, 0]


def test_a_checkerboard_shows_through() -> None:
    empty = on_checkerboard(np.zeros((64, 64, 4), dtype=np.float32))
    assert set(np.unique(empty)) == {158, 199}
    half = np.zeros((8, 8, 4), dtype=np.float32)
    half[..., 0] = half[..., 3] = 0.5
    assert on_checkerboard(half)[0, 0].tolist() == [227, 99, 99]


def test_views_are_chosen_evenly_prompted_first() -> None:
    names = [f"v{i:02d}" for i in range(30)]
    chosen = choose_views(names, ["v17"], 5)
    assert chosen[0] == "v17"
    assert chosen[1] == "v00"
    assert chosen[-1] == "v29"
    assert len(set(chosen)) == 5
    assert choose_views(names[:3], ["v01"], 8) == ["v01", "v00", "v02"]
    assert choose_views(names, ["v01"], 1) == ["v01"]
    assert choose_views(names, (), 1) == ["v15"]
    assert choose_views([], (), 4) == []


def test_colours_differ() -> None:
    colours = object_colours(16)
    assert len(set(colours)) == 16
