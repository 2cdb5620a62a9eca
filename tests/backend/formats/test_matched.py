# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Matched files: marked, and back bit by bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from splatcut.formats import losses, read_splats, write_splats
from splatcut.formats.findings import scene_findings
from splatcut.formats.matched import TRAINED, as_trained, is_matched, with_matched

KINDS = {"little": "binary_little_endian", "big": "binary_big_endian"}


def ply(path: Path, *, order: str = "<", colour: str = "f4", more: bytes = b"") -> Path:
    """A PLY with properties in an odd order, a foreign one, comments, and doubles where asked."""
    names = ["opacity", "x", "y", "z", "heat", *(f"rot_{i}" for i in range(4)), *(f"scale_{i}" for i in range(3))]
    names += [f"f_dc_{i}" for i in range(3)] + [f"f_rest_{i}" for i in range(9)] + ["filter_3D"]
    dtype = np.dtype([(n, order + (colour if n.startswith("f_") else "f4")) for n in names])
    rng = np.random.default_rng(1)
    rows = np.zeros(7, dtype)
    for name in names:
        rows[name] = np.abs(rng.normal(0.5, 0.2, 7))
    words = {"f4": "float", "f8": "double"}
    head = ["ply", f"format {KINDS['little' if order == '<' else 'big']} 1.0", "comment mine", "element vertex 7"]
    head += [f"property {words[dtype[n].str[1:]]} {n}" for n in names]
    if more:
        head += ["element more 1", "property uchar u"]
    path.write_bytes("".join(f"{line}\n" for line in [*head, "end_header"]).encode() + rows.tobytes() + more)
    return path


@pytest.mark.parametrize(("order", "colour", "more"), [("<", "f4", b""), (">", "f4", b"x"), ("<", "f8", b"y")])
def test_a_match_is_undone_bit_by_bit(tmp_path: Path, order: str, colour: str, more: bytes) -> None:
    source = ply(tmp_path / "a.ply", order=order, colour=colour, more=more)
    splats = read_splats(source)
    sh = splats.gaussians.sh * 0.7 - 0.1
    write_splats(tmp_path / "b.ply", with_matched(splats, sh))
    there = read_splats(tmp_path / "b.ply")
    assert is_matched(there)
    assert not is_matched(splats)
    np.testing.assert_array_equal(there.gaussians.sh, sh)
    for name in ("means", "log_scales", "quats", "opacity_logits"):
        np.testing.assert_array_equal(getattr(there.gaussians, name), getattr(splats.gaussians, name))
    write_splats(tmp_path / "c.ply", as_trained(there))
    assert (tmp_path / "c.ply").read_bytes() == source.read_bytes()
    np.testing.assert_array_equal(as_trained(there).gaussians.sh, splats.gaussians.sh)
    assert as_trained(splats) is splats


def test_it_is_told(tmp_path: Path) -> None:
    splats = read_splats(ply(tmp_path / "a.ply"))
    matched = with_matched(splats, splats.gaussians.sh)
    assert [f.severity for f in scene_findings(matched) if "matched to blending" in f.text] == ["problem"]
    assert not [f for f in scene_findings(splats) if "matched" in f.text]
    lost = losses(matched, tmp_path / "a.spz")
    assert any("cannot be undone" in text for text in lost)
    assert not any(TRAINED in text for text in lost)
    assert not losses(matched, tmp_path / "a.ply")
