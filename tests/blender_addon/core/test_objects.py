# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that every file system takes, colours that differ, and labels that follow the list."""

from __future__ import annotations

import numpy as np
import pytest
from blender_addon.core import drawing, objects
from hypothesis import given
from hypothesis import strategies as st

from splatcut.messages import check_object_name, check_object_names

names = st.text(max_size=150) | st.sampled_from(
    ["vase", "Vase", "CON", "nul.ply", "background", "vase_2", " a ", "..x"]
)


@given(names)
def test_any_text_becomes_a_name_that_is_kept_when_it_is_one_already(wanted: str) -> None:
    name = objects.legal_name(wanted)
    check_object_name(name)
    assert objects.legal_name(name) == name


@given(st.lists(names, max_size=12))
def test_names_given_one_after_the_other_are_different_files(wanted: list[str]) -> None:
    given_names: list[str] = []
    for name in wanted:
        given_names.append(objects.unique_name(name, given_names))
    check_object_names(given_names)


def test_names_are_counted_up_and_keep_what_was_typed() -> None:
    assert objects.unique_name("vase", []) == "vase"
    assert objects.unique_name("vase", ["vase"]) == "vase_2"
    assert objects.unique_name("Vase", ["vase", "vase_2"]) == "Vase_3"
    assert objects.unique_name("vase_7", ["vase_7"]) == "vase_8"
    assert objects.unique_name("Straße", ["STRASSE"]) == "Straße_2"
    assert objects.legal_name("a/b:c?") == "a_b_c_"
    assert objects.legal_name("background") == "background_object"
    assert objects.legal_name("   ") == objects.DEFAULT_NAME


def test_a_name_at_the_limit_still_gets_a_counter() -> None:
    long = "x" * 120
    first = objects.unique_name(long, [])
    second = objects.unique_name(long, [first])
    assert first == long
    assert second.endswith("_2")
    check_object_names([first, second])


def test_problems_are_told_in_a_sentence() -> None:
    assert objects.name_problem("vase", ["table"]) is None
    assert "empty" in str(objects.name_problem(" ", []))
    assert "two objects" in str(objects.name_problem("vase", ["vase"])).lower()
    assert "same file name" in str(objects.name_problem("Vase", ["vase"]))


def test_colours_differ_to_the_eye() -> None:
    shown = np.array([drawing.display_colour(colour) for colour in objects.palette()])
    distances = np.linalg.norm(_lab(shown)[:, None] - _lab(shown)[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert len(shown) >= 12
    # 2.3 is just noticeable side by side (CIE 1976).
    assert distances.min() > 18
    assert distances[:6, :6][~np.eye(6, dtype=bool)].min() > 35


def test_colours_are_taken_in_turn_and_the_gap_is_filled_first() -> None:
    palette = objects.palette()
    taken: list[tuple[float, float, float]] = []
    for _ in range(2 * len(palette)):
        # The .blend keeps float32.
        taken.append(tuple(np.float32(objects.next_colour(taken)).tolist()))
    assert [objects.next_colour([c]) for c in palette] == [palette[1], *[palette[0]] * (len(palette) - 1)]
    for colour in palette:
        assert sum(bool(np.allclose(colour, other, atol=1e-6)) for other in taken) == 2
    del taken[3 :: len(palette)]
    assert objects.next_colour(taken) == palette[3]
    assert objects.next_colour([(0.123, 0.9, 0.5)]) == palette[0]


@given(st.lists(st.integers(0, 6), max_size=30), st.integers(0, 5))
def test_labels_after_removal(labels: list[int], removed: int) -> None:
    items = list("abcdef")
    owners = [None if k == 0 else items[k - 1] for k in labels]
    gone = items.pop(removed)
    after = objects.labels_after_removal(np.array(labels, np.int32), removed)
    assert after.dtype == np.int32
    assert [None if k == 0 else items[k - 1] for k in after] == [None if o == gone else o for o in owners]


@given(st.lists(st.integers(0, 6), max_size=30), st.integers(0, 5), st.integers(0, 5))
def test_labels_after_a_move(labels: list[int], source: int, target: int) -> None:
    items = list("abcdef")
    owners = [None if k == 0 else items[k - 1] for k in labels]
    items.insert(target, items.pop(source))
    after = objects.labels_after_move(np.array(labels, np.int32), source, target)
    assert after.dtype == np.int32
    assert [None if k == 0 else items[k - 1] for k in after] == owners


@pytest.mark.parametrize("label", [0, 3, 9])
def test_labels_of_no_object_in_the_list_survive_a_move(label: int) -> None:
    assert objects.labels_after_move([label], 0, 1).tolist() == [label]


def test_a_runs_labels_follow_the_list_as_it_is_now() -> None:
    # The run cut out b, d and x; x has gone since, and the list has another order.
    after = objects.labels_in_list([0, 1, 2, 3, 1], ["b", "d", "x"], ["d", "a", "b"])
    assert after.tolist() == [0, 3, 1, 0, 3]
    assert after.dtype == np.int32


def _lab(srgb: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* (D65) of sRGB colours [N, 3]."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]).T
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
