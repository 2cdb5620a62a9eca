# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The GPU against the CPU on one scene: the rasteriser's passes, and the refinement of edges with its results.

    python scripts/bench/gpu.py [--scene DIR] [--views 5] [--rounds 5] [--iterations 100] [--json FILE]

DIR holds ``scene.ply``, ``sparse/0``, ``images`` and ``masks``. Times are by the clock, with the GPU's work waited for,
and medians of the rasteriser's passes. Where there is no usable GPU this says why and ends well.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.refine_case import Case, Timed, load_case, refined
from bench.shared import SHARED, add_markdown_option, machine, state, table, write_markdown
from splatcut import raster
from splatcut.errors import UserError
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians

DEVICES: tuple[raster.Device, ...] = ("cpu", "cuda")
PASSES = ("render", "accumulate", "gradients")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", type=Path, default=SHARED / "scenes" / "statue", help="folder with scene and masks")
    parser.add_argument("--views", type=int, default=5, help="views of the rasteriser's passes (default 5)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each pass is repeated (default 5)")
    parser.add_argument("--iterations", type=int, default=100, help="of the refinement (default 100)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add_markdown_option(parser)
    return parser.parse_args()


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


def passes(case: Case, device: raster.Device, views: int, rounds: int) -> dict[str, float]:
    """Median milliseconds of the rasteriser's passes."""
    cameras = [case.views[i].camera for i in np.linspace(0, len(case.views) - 1, views).astype(int)]
    g = case.gaussians
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


def iou_alone(case: Case, timed: Timed) -> float:
    """Mean over views and objects of the IoU of the refined object alone and its mask."""
    values = []
    for k in range(len(case.masks.objects)):
        own = timed.labelled.gaussians.take(timed.labelled.probability[:, k] > 0.5)
        for number, view in enumerate(case.views):
            if case.masks.confidence[number, k] > 0:
                alone = 1 - raster.render(own, view.camera, colour=False).transmittance > 0.5
                mask = case.masks.probability[number][k] > 127
                values.append((alone & mask).sum() / max(1, (alone | mask).sum()))
    return float(np.mean(values))


def psnr_between(case: Case, one: Timed, other: Timed, views: int) -> float:
    """PSNR in dB of one refined scene's pictures against the other's, all rendered on the CPU."""
    errors = []
    for i in np.linspace(0, len(case.views) - 1, views).astype(int):
        images = [raster.render(t.labelled.gaussians, case.views[i].camera).image for t in (one, other)]
        assert images[0] is not None
        assert images[1] is not None
        errors.append(float(np.mean((np.clip(images[0], 0, 1) - np.clip(images[1], 0, 1)) ** 2)))
    return -10 * math.log10(max(1e-10, float(np.mean(errors))))


def bench(arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs everything."""
    import torch

    from splatcut.refine.options import RefineOptions

    case = load_case(arguments.scene)
    options = replace(RefineOptions(), iterations=arguments.iterations, passes=0, rounds=1)
    result: dict[str, Any] = {
        "machine": machine(),
        "gpu": torch.cuda.get_device_name(),
        "scene": arguments.scene.name,
        "gaussians": len(case.gaussians),
        "size": [case.views[0].camera.width, case.views[0].camera.height],
        "passes_ms": {device: passes(case, device, arguments.views, arguments.rounds) for device in DEVICES},
    }
    runs = {}
    labelled = case.lifted(options.tau)
    for device in DEVICES:
        refined(case, labelled, replace(options, iterations=3), device)
        runs[device] = refined(case, labelled, options, device)
    result["refinement"] = {
        device: {
            "iterations": timed.iterations,
            "ms_per_iteration": 1e3 * timed.wall.get("refine", 0.0) / max(1, timed.iterations),
            "seconds": timed.wall,
            "iou_alone": iou_alone(case, timed),
        }
        for device, timed in runs.items()
    }
    result["psnr_between"] = psnr_between(case, runs["cpu"], runs["cuda"], arguments.views)
    return result


def markdown(result: dict[str, Any]) -> str:
    """The result for people."""
    cpu, gpu = (result["passes_ms"][device] for device in DEVICES)
    ours, theirs = (result["refinement"][device] for device in DEVICES)
    rows = [[name, f"{cpu[name]:.1f}", f"{gpu[name]:.1f}"] for name in PASSES]
    rows.append(["iteration of the refinement", f"{ours['ms_per_iteration']:.1f}", f"{theirs['ms_per_iteration']:.1f}"])
    names = list(dict.fromkeys([*ours["seconds"], *theirs["seconds"]]))
    stages = [[n, f"{ours['seconds'].get(n, 0.0):.2f}", f"{theirs['seconds'].get(n, 0.0):.2f}"] for n in names]
    stages.append(["IoU of the objects alone", f"{ours['iou_alone']:.4f}", f"{theirs['iou_alone']:.4f}"])
    return "\n".join(
        [
            f"{result['scene']}: {result['gaussians']:,} Gaussians, {result['size'][0]}x{result['size'][1]}.",
            "",
            table(["milliseconds by the clock", "CPU", "GPU"], rows),
            "",
            table(["refinement, seconds by the clock", "CPU", "GPU"], stages),
            "",
            f"PSNR of the two refined scenes' pictures against each other: {result['psnr_between']:.1f} dB",
        ]
    )


def main() -> int:
    """Entry point; 0, also when there is no GPU, or 2 when the scene cannot be used."""
    arguments = parse()
    reason = missing()
    if reason:
        print(f"Skipped: {reason}")
        if arguments.json is not None:
            arguments.json.write_text(json.dumps({"skipped": reason}) + "\n", encoding="utf-8")
        return 0
    try:
        result = bench(arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    line = state(result["gpu"])
    print(f"{line}\n\n{markdown(result)}")
    if arguments.markdown is not None:
        write_markdown(arguments.markdown, line, {"": markdown(result)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
