# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The GPU against the CPU on one scene: the rasteriser's passes, and whole runs with their results.

    python scripts/bench/gpu.py [--scene DIR] [--views 5] [--rounds 5] [--quality draft]

DIR holds ``scene.ply``, ``sparse/0``, ``images`` and ``masks``. Times are by the clock, with the GPU's work waited for,
and medians of the rasteriser's passes. Where there is no usable GPU this says why and ends well.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.quality.cut import read_cut
from bench.shared import SHARED, CommandFailed, add_markdown_option, splatcut, state, table, write_markdown
from splatcut import formats, raster
from splatcut.cameras import load_views
from splatcut.errors import UserError
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians

DEVICES: tuple[raster.Device, ...] = ("cpu", "cuda")
PASSES = ("render", "accumulate", "gradients")


def missing() -> str:
    """Why there is no comparison; empty when there is one."""
    from splatcut.raster import cuda

    try:
        cuda.require_cuda()
    except UserError as error:
        return str(error)
    return ""


def seconds(action: Callable[[], Any]) -> float:
    """By the clock, the GPU's work included."""
    import torch

    torch.cuda.synchronize()
    start = time.perf_counter()
    action()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def gradients(gaussians: Gaussians, camera: Camera, device: raster.Device) -> None:
    """A render and its backward pass with respect to everything."""
    import torch

    from splatcut.raster import autograd

    g = gaussians
    where = "cuda" if device == "cuda" else "cpu"
    arrays = (g.means, g.log_scales, g.quats, g.opacity_logits, g.sh)
    means, log_scales, quats, logits, sh = (torch.from_numpy(a).to(where).requires_grad_() for a in arrays)
    image, _, transmittance = autograd.render(means, log_scales, quats, logits, sh, camera, device=device)
    (image.sum() + transmittance.sum()).backward()


def passes(g: Gaussians, cameras: Sequence[Camera], device: raster.Device, rounds: int) -> dict[str, float]:
    """Median milliseconds of the rasteriser's passes."""
    times: dict[str, list[float]] = {name: [] for name in PASSES}
    for turn in range(rounds + 1):
        for camera in cameras:
            signal = np.ones((1, camera.height, camera.width), np.float32)
            taken = (
                seconds(lambda c=camera: raster.render(g, c, device=device)),
                seconds(lambda c=camera, s=signal: raster.accumulate(g, c, s, device=device)),
                seconds(lambda c=camera: gradients(g, c, device)),
            )
            if turn > 0:  # the first turn compiles
                for name, value in zip(PASSES, taken, strict=True):
                    times[name].append(1e3 * value)
    return {name: statistics.median(values) for name, values in times.items()}


def psnr_between(one: Gaussians, other: Gaussians, cameras: Sequence[Camera]) -> float:
    """PSNR in dB of one scene's pictures against the other's, all rendered on the CPU."""
    errors = []
    for camera in cameras:
        images = [raster.render(gaussians, camera).image for gaussians in (one, other)]
        assert images[0] is not None
        assert images[1] is not None
        errors.append(float(np.mean((np.clip(images[0], 0, 1) - np.clip(images[1], 0, 1)) ** 2)))
    return -10 * math.log10(max(1e-10, float(np.mean(errors))))


def bench(arguments: argparse.Namespace, folder: Path) -> str:
    """Runs everything; the tables."""
    scene = arguments.scene
    gaussians = formats.read_splats(scene / "scene.ply").gaussians
    views = load_views(scene / "sparse" / "0", scene / "images")
    cameras = [views[i].camera for i in np.linspace(0, len(views) - 1, arguments.views).astype(int)]
    taken = {device: passes(gaussians, cameras, device, arguments.rounds) for device in DEVICES}
    rows = [[name, *(f"{taken[device][name]:.1f}" for device in DEVICES)] for name in PASSES]
    taken_by: dict[str, list[str]] = {}
    cuts = []
    for device in DEVICES:
        line = ["segment", scene / "scene.ply", "--cameras", scene / "sparse" / "0", "--images", scene / "images"]
        line += ["--masks", scene / "masks", "--quality", arguments.quality, "--no-heal", "--device", device]
        for name in ("warm_up", "run"):
            out = folder / f"{name}_{device}"
            splatcut([*line, "--out", out], out.with_suffix(".log"))
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        for stage in report["stages"]:
            taken_by.setdefault(stage["name"], []).append(f"{stage['wall_seconds']:.2f}")
        cuts.append(read_cut(out))
    stages = [[name, *cells] for name, cells in taken_by.items()]
    stages.append(["Gaussians of the objects", *(f"{int((cut.labels > 0).sum()):,}" for cut in cuts)])
    between = psnr_between(cuts[0].gaussians, cuts[1].gaussians, cameras)
    size = f"{cameras[0].width}x{cameras[0].height}"
    parts = [
        f"{scene.name}: {len(gaussians):,} Gaussians, {size}, quality {arguments.quality}.",
        table(["milliseconds by the clock", "CPU", "GPU"], rows),
        table(["stage, seconds by the clock", "CPU", "GPU"], stages),
        f"PSNR of the two cut scenes' pictures against each other: {between:.1f} dB.",
    ]
    return "\n\n".join(parts)


def main() -> int:
    """Entry point; 0, also when there is no GPU, or 2 when the scene cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", type=Path, default=SHARED / "scenes" / "statue", help="folder with scene and masks")
    parser.add_argument("--views", type=int, default=5, help="views of the rasteriser's passes (default 5)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each pass is repeated (default 5)")
    parser.add_argument("--quality", choices=("draft", "standard", "fine"), default="draft", help="of the runs")
    add_markdown_option(parser)
    arguments = parser.parse_args()
    reason = missing()
    if reason:
        print(f"Skipped: {reason}")
        return 0
    import torch

    try:
        with tempfile.TemporaryDirectory() as folder:
            text = bench(arguments, Path(folder))
        line = state(torch.cuda.get_device_name())
        print(f"{line}\n\n{text}")
        if arguments.markdown is not None:
            write_markdown(arguments.markdown, line, {"": text})
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
