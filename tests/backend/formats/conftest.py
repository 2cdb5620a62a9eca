# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Splat files made byte by byte, independently of the code under test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from splatcut.scene.gaussians import Gaussians

PLY_TYPES = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int"}


def random_gaussians(count: int, degree: int, seed: int = 0) -> Gaussians:
    rng = np.random.default_rng(seed)
    return Gaussians(
        means=rng.normal(size=(count, 3)).astype(np.float32),
        log_scales=rng.uniform(-6, -1, (count, 3)).astype(np.float32),
        quats=rng.normal(size=(count, 4)).astype(np.float32),
        opacity_logits=rng.normal(size=count).astype(np.float32) * 3,
        sh=(rng.normal(size=(count, (degree + 1) ** 2, 3)) * 0.3).astype(np.float32),
    )


def gaussian_columns(g: Gaussians, flat: bool = False) -> dict[str, np.ndarray]:
    """PLY columns by name, f_rest channel-major, as the reference implementation writes them."""
    columns = {"x": g.means[:, 0], "y": g.means[:, 1], "z": g.means[:, 2]}
    columns |= {f"f_dc_{c}": g.sh[:, 0, c] for c in range(3)}
    rest = g.sh[:, 1:].transpose(0, 2, 1).reshape(len(g), 3 * (g.sh.shape[1] - 1))
    columns |= {f"f_rest_{i}": rest[:, i] for i in range(rest.shape[1])}
    columns["opacity"] = g.opacity_logits
    columns |= {f"scale_{i}": g.log_scales[:, i] for i in range(2 if flat else 3)}
    columns |= {f"rot_{i}": g.quats[:, i] for i in range(4)}
    return columns


def ply_bytes(
    columns: dict[str, np.ndarray],
    types: dict[str, str] | None = None,
    encoding: str = "binary_little_endian",
    head: tuple[str, ...] = (),
    tail_header: tuple[str, ...] = (),
    tail: bytes = b"",
    newline: str = "\n",
) -> bytes:
    types = types or {}
    count = len(next(iter(columns.values())))
    lines = ["ply", f"format {encoding} 1.0", *head, f"element vertex {count}"]
    lines += [f"property {PLY_TYPES[types.get(name, 'f4')]} {name}" for name in columns]
    lines += [*tail_header, "end_header"]
    order = ">" if encoding == "binary_big_endian" else "<"
    rows = np.empty(count, [(name, order + types.get(name, "f4")) for name in columns])
    for name, values in columns.items():
        rows[name] = values
    if encoding == "ascii":
        data = "".join(" ".join(repr(value.item()) for value in row) + newline for row in rows).encode()
    else:
        data = rows.tobytes()
    return "".join(line + newline for line in lines).encode() + data + tail


@pytest.fixture(scope="session")
def make_gaussians() -> Callable[..., Gaussians]:
    return random_gaussians


@pytest.fixture(scope="session")
def columns_of() -> Callable[..., dict[str, np.ndarray]]:
    return gaussian_columns


@pytest.fixture(scope="session")
def make_ply() -> Callable[..., bytes]:
    return ply_bytes


@pytest.fixture
def ply_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a PLY of random Gaussians and returns its path; keyword arguments go to ``ply_bytes``."""

    def write(count: int = 20, degree: int = 3, **options: object) -> Path:
        path = tmp_path / "scene.ply"
        path.write_bytes(ply_bytes(gaussian_columns(random_gaussians(count, degree)), **options))  # type: ignore[arg-type]
        return path

    return write
