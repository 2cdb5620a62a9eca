# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""PLY files with everything that such files may have, made byte by byte, independently of the code under test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from splatcut.scene.gaussians import Gaussians

KINDS = ("char", "uchar", "short", "ushort", "int", "uint", "float", "double")
TYPES = dict(zip(KINDS, ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"), strict=True))
Columns = dict[str, tuple[str, np.ndarray]]


def gaussians(count: int = 40, degree: int = 1, seed: int = 0) -> Gaussians:
    rng = np.random.default_rng(seed)
    return Gaussians(
        means=rng.normal(size=(count, 3)).astype(np.float32),
        log_scales=rng.uniform(-6, -1, (count, 3)).astype(np.float32),
        quats=rng.normal(size=(count, 4)).astype(np.float32),
        opacity_logits=(rng.normal(size=count) * 3).astype(np.float32),
        sh=(rng.normal(size=(count, (degree + 1) ** 2, 3)) * 0.3).astype(np.float32),
    )


def columns(g: Gaussians, *, flat: bool = False, kind: str = "float") -> Columns:
    """By name: PLY type and values, f_rest channel-major, as the reference implementation writes them."""
    found = {"x": g.means[:, 0], "y": g.means[:, 1], "z": g.means[:, 2]}
    found |= {f"f_dc_{c}": g.sh[:, 0, c] for c in range(3)}
    rest = g.sh[:, 1:].transpose(0, 2, 1).reshape(len(g), 3 * (g.sh.shape[1] - 1))
    found |= {f"f_rest_{i}": rest[:, i] for i in range(rest.shape[1])}
    found["opacity"] = g.opacity_logits
    found |= {f"scale_{i}": g.log_scales[:, i] for i in range(2 if flat else 3)}
    found |= {f"rot_{i}": g.quats[:, i] for i in range(4)}
    return {name: (kind, values) for name, values in found.items()}


def ply(
    content: Columns,
    encoding: str = "binary_little_endian",
    *,
    head: tuple[str, ...] = (),
    before: tuple[tuple[str, ...], bytes] = ((), b""),
    after: tuple[tuple[str, ...], bytes] = ((), b""),
    newline: str = "\n",
) -> bytes:
    """The bytes of a file. ``before`` and ``after``: header lines and data of elements around the vertices."""
    count = len(next(iter(content.values()))[1])
    lines = ["ply", f"format {encoding} 1.0", *head, *before[0], f"element vertex {count}"]
    lines += [f"property {kind} {name}" for name, (kind, _) in content.items()]
    lines += [*after[0], "end_header"]
    order = ">" if encoding == "binary_big_endian" else "<"
    rows = np.empty(count, [(name, order + TYPES[kind]) for name, (kind, _) in content.items()])
    for name, (_, values) in content.items():
        rows[name] = values
    if encoding == "ascii":
        texts = [rows[name].astype(rows.dtype[name].newbyteorder("=")).astype(str).tolist() for name in content]
        data = "".join(" ".join(row) + newline for row in zip(*texts, strict=True)).encode()
    else:
        data = rows.tobytes()
    return "".join(line + newline for line in lines).encode("latin-1") + before[1] + data + after[1]


def write(folder: Path, count: int = 20, degree: int = 3, **options: Any) -> Path:
    """A file ``scene.ply`` of Gaussians; ``options`` are those of ``ply``."""
    path = folder / "scene.ply"
    path.write_bytes(ply(columns(gaussians(count, degree)), **options))
    return path


def unknown_columns(count: int, seed: int = 1) -> Columns:
    """Properties that Gaussians do not have: every type, its limits among the values, and awkward names."""
    rng = np.random.default_rng(seed)
    found: Columns = {}
    for kind, code in TYPES.items():
        if code[0] == "f":
            values = rng.normal(size=count).astype(code)
            values[:5] = [np.nan, np.inf, -0.0, np.finfo(code).max, np.finfo(code).tiny]
        else:
            limits = np.iinfo(code)
            values = rng.integers(limits.min, limits.max, count, dtype=code, endpoint=True)
            values[:3] = [limits.min, limits.max, 0]
        found[f"my_{kind}"] = (kind, values)
    names = ["position", "scale", "radius", "id", "lab-el", "ply:x", "spät", ".hidden", "splatcut:object", "l" * 200]
    found |= {name: ("float", rng.normal(size=count).astype("f4")) for name in names}
    found["nx"] = ("float", rng.normal(size=count).astype("f4"))
    found["ny"] = ("float", np.zeros(count, "f4"))
    found["nz"] = ("float", np.where(np.arange(count) == 3, np.float32(-0.0), np.float32(0)))
    found["zero_double"] = ("double", np.zeros(count))
    found["fine_double"] = ("double", 1 + np.arange(count) * 1e-12)
    return found


def variants() -> dict[str, bytes]:
    """Files by a name for the test's report."""
    found = {f"degree {degree}": ply(columns(gaussians(degree=degree, seed=degree))) for degree in range(5)}
    g = gaussians()
    for encoding in ("ascii", "binary_little_endian", "binary_big_endian"):
        every = columns(g) | unknown_columns(len(g))
        if encoding == "ascii":  # names are words there, and numbers are finite
            every = {name: column for name, column in every.items() if np.isfinite(column[1]).all()}
        names = list(every)
        np.random.default_rng(2).shuffle(names)
        found[f"unknown properties, {encoding}"] = ply({name: every[name] for name in names}, encoding)
    found["doubles"] = ply(
        {name: ("double", values.astype("f8") * (1 + 1e-10)) for name, (_, values) in columns(g).items()},
        "binary_big_endian",
    )
    for kind in ("float", "double"):
        smooth = np.linspace(0, 0.1, len(g)).astype("f4")
        found[f"3D filter, {kind}"] = ply(columns(g, kind=kind) | {"filter_3D": (kind, smooth)})
    found["antialiased"] = ply(columns(g), head=("comment SplatRenderMode: mip",))
    found["flat"] = ply(columns(g, flat=True))
    found["flat doubles"] = ply(columns(g, flat=True, kind="double"))
    partial = columns(g)
    partial |= {f"f_rest_{i}": ("float", np.arange(len(g), dtype="f4") + i) for i in range(9, 12)}
    found["a band that is not whole"] = ply(partial)
    head = ("comment a  b", "obj_info made by hand", "comment gr\u00fcn")
    found["comments"] = ply(columns(g), head=head, newline="\r\n")
    found["elements"] = ply(
        columns(g),
        before=(("element camera 2", "property float f", "property uchar k"), bytes(range(10))),
        after=(
            ("element face 1", "property list uchar int vertex_indices", "element end 1", "property short s"),
            b"\x03" + np.array([0, 1, 2], "<i4").tobytes() + b"\x07\x00",
        ),
    )
    extreme = gaussians(16, 0)
    extreme.opacity_logits[:6] = [-100, 100, -20, 20, 0, -0.0]
    extreme.log_scales[:4, 0] = [-120, 100, 0, -0.0]
    extreme.quats[:4] = [[0, 0, 0, 0], [1e-30, 0, 0, 0], [-1, 0, 0, 0], [1e18, 1, 1, 1]]
    found["extremes"] = ply(columns(extreme))
    infinite = gaussians(16, 1)
    infinite.opacity_logits[:6] = [np.inf, -np.inf, 13.815511, -13.815511, np.inf, 0]
    infinite.log_scales[:4, 0] = [-np.inf, 0, -27.631021, -np.inf]
    found["infinite"] = ply(columns(infinite))
    found["infinite doubles"] = ply(columns(infinite, kind="double"))
    found["one Gaussian"] = ply(columns(gaussians(1, 0)))
    return found
