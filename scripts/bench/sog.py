# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What writing a .sog costs: CPU seconds of one thread, and the error of its palette of view-dependent colours.

    python scripts/bench/sog.py [--scene FILE] [--gaussians 100000 400000 1000000]

The scene, with SH of degree 3, is repeated until the count is reached, each copy turned at random, which turns its
colours too, so that no copy's fit the palette of another. Errors are root mean squares over all coefficients of the
read file against those that were written, beside that of the coefficients themselves.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.shared import SHARED, add_markdown_option, state, table, write_markdown
from splatcut.formats import read_splats, sog, sog_writer
from splatcut.formats.compressed_ply import morton_order
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.rotations import rotation_matrices
from splatcut.scene.transform import apply_transform


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", type=Path, default=SHARED / "scenes" / "statue" / "scene.ply")
    parser.add_argument("--gaussians", type=int, nargs="+", default=[100_000, 400_000, 1_000_000])
    add_markdown_option(parser)
    options = parser.parse_args()
    scene = read_splats(options.scene).gaussians
    rows = []
    for count in options.gaussians:
        rows.append(measured(repeated(scene, count)))
        print(*rows[-1], flush=True)
    text = table(["Gaussians", "palette, s", "all, s", "file, MB", "coefficients, RMS", "error, RMS"], rows)
    print(text)
    if options.markdown:
        write_markdown(options.markdown, state(), {"": text})
    return 0


def repeated(scene: Gaussians, count: int) -> Gaussians:
    """``count`` Gaussians: the scene and turned copies of it beside each other."""
    rng = np.random.default_rng(0)
    side = float(np.ptp(scene.means, axis=0).max())
    parts = [scene]
    while sum(map(len, parts)) < count:
        matrix = np.eye(4)
        matrix[:3, :3] = rotation_matrices(rng.normal(size=(1, 4)))[0]
        matrix[0, 3] = side * len(parts)
        parts.append(apply_transform(scene, matrix))
    return concatenate(parts).take(np.arange(count))


def measured(gaussians: Gaussians) -> list[str]:
    """A row of the table."""
    ordered = gaussians.take(morton_order(gaussians.means))
    harmonics = ordered.sh[:, 1:].reshape(len(ordered), -1)
    start = time.process_time()
    sog_writer.palette_of(harmonics, min(1 << 16, len(ordered)))
    palette = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scene.sog")
        start = time.process_time()
        sog_writer.write(path, gaussians)
        seconds = time.process_time() - start
        size = path.stat().st_size
        found = sog.read(path).sh[:, 1:].reshape(len(ordered), -1)
    error, whole = (
        float(np.sqrt(np.mean(values.astype(np.float64) ** 2))) for values in (found - harmonics, harmonics)
    )
    return [
        f"{len(ordered):,}",
        f"{palette:.1f}",
        f"{seconds:.1f}",
        f"{size / 1e6:.1f}",
        f"{whole:.4f}",
        f"{error:.4f}",
    ]


if __name__ == "__main__":
    sys.exit(main())
