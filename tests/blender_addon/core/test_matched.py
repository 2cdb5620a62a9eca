# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of matched colours, and attributes read as trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from blender_addon.core import layout, matched
from hypothesis import given
from hypothesis import strategies as st

F = np.float32


class Held:
    """Attributes in a dictionary, each read once."""

    def __init__(self, values: dict[str, np.ndarray]) -> None:
        self._values = {name: array.copy() for name, array in values.items()}
        kinds = {(4,): "FLOAT4", (3,): "FLOAT_VECTOR", (): "INT"}
        self._types = {name: kinds[array.shape[1:]] for name, array in values.items()}

    @property
    def count(self) -> int:
        return 5

    def types(self) -> Mapping[str, str]:
        return self._types

    def get(self, name: str) -> np.ndarray | None:
        return self._values.pop(name, None)


def attributes(coefficients: int = 4) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What a matched object of five Gaussians has, and its trained colours by the names of those that are seen."""
    rng = np.random.default_rng(1)
    seen = {layout.BASE: rng.normal(size=(5, 4)).astype(F)}
    seen |= {layout.sh_name(k): rng.normal(size=(5, 3)).astype(F) for k in range(coefficients - 1)}
    trained = {name: rng.normal(size=values.shape).astype(F) for name, values in seen.items()}
    trained[layout.BASE][:, 3] = seen[layout.BASE][:, 3]
    held: dict[str, np.ndarray] = dict(seen)
    held[matched.TRAINED_BASE] = trained[layout.BASE][:, :3]
    held |= {matched.trained_name(k): trained[layout.sh_name(k)] for k in range(coefficients - 1)}
    held[matched.MATCHED] = matched.code(seen[layout.BASE][:, :3], [seen[layout.sh_name(k)] for k in range(3)])
    held[layout.POSITION] = rng.normal(size=(5, 3)).astype(F)
    return held, trained


def test_trained_colours_are_read() -> None:
    held, trained = attributes()
    source = matched.AsTrained(Held(held))
    assert set(source.types()) == {*trained, layout.POSITION}
    for name, values in trained.items():
        assert np.array_equal(source.get(name), values)  # type: ignore[arg-type]
    assert np.array_equal(source.get(layout.POSITION), held[layout.POSITION])  # type: ignore[arg-type]
    assert source.get("none") is None


@pytest.mark.parametrize("name", [layout.BASE, layout.sh_name(0), layout.sh_name(2)])
def test_a_gaussian_whose_colours_were_changed_has_those(name: str) -> None:
    held, trained = attributes()
    held[name] = held[name].copy()
    held[name][2, 1] = np.nextafter(held[name][2, 1], F(9))
    source = matched.AsTrained(Held(held))
    for other, values in trained.items():
        wanted = values.copy()
        wanted[2] = held[other][2]
        assert np.array_equal(source.get(other), wanted)  # type: ignore[arg-type]


def test_joined_gaussians_keep_their_own_and_damage_is_no_match() -> None:
    held, trained = attributes()
    for name in held:
        if matched.is_ours(name):
            held[name] = held[name].copy()
            held[name][3:] = 0  # as Blender's Join leaves it
    source = matched.AsTrained(Held(held))
    base: Any = source.get(layout.BASE)
    assert np.array_equal(base[:3], trained[layout.BASE][:3])
    assert np.array_equal(base[3:], held[layout.BASE][3:])
    held[matched.MATCHED] = np.zeros((5, 3), F)
    assert np.array_equal(matched.AsTrained(Held(held)).get(layout.BASE), held[layout.BASE])  # type: ignore[arg-type]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2), st.integers(0, 2))
def test_the_code_tells_values_apart(bits: int, row: int, channel: int) -> None:
    sh = [np.zeros((1, 3), F), np.zeros((1, 3), F), np.ones((1, 3), F)]
    before = matched.code(sh[0], sh[1:])
    assert before[0] != 0
    assert np.array_equal(before, matched.code(sh[0], [*sh[1:], np.zeros((1, 3), F)]))
    changed = [values.copy() for values in sh]
    changed[row].view(np.uint32)[0, channel] = bits
    same = changed[row].tobytes() == sh[row].tobytes()
    # Factors are odd, so that no other value has the same product but for the bit that is always set.
    assert (matched.code(changed[0], changed[1:]) == before).all() == same
