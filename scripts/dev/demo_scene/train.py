# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Trains the demo scene's Gaussians on its training photos with SplatCut's own rasteriser, on the CPU.

    python scripts/dev/demo_scene/train.py --demo demo

points.npz comes from render.py. Writes scene.ply, labels.npz (labels [N] int32: the object whose surface is nearest,
0 table and backdrop; distance [N] float32: how far that surface is, scene units) and training.json (options, PSNR per
split) into the demo's folder. About a quarter of an hour on two cores. An interrupted run goes on from the
last state it saved beside points.npz.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "backend"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import torch
import torch.nn.functional as F
from optimiser import Adam, Density, Rates, from_points
from PIL import Image
from scipy.spatial import cKDTree
from torch import Tensor

from splatcut import formats, raster
from splatcut.raster import autograd
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians

SH_DEGREE = 2
#: Gaussians to start from, per label (0 backdrop and table, then as in model.OBJECTS).
START = {0: 12_000, 1: 6_000, 2: 4_500, 3: 9_000, 4: 1_800, 5: 3_000}


def _window(size: int = 11, sigma: float = 1.5) -> Tensor:
    x = torch.arange(size) - size // 2
    weights = torch.exp(torch.square(x.float()) / (-2 * sigma**2))
    return weights / weights.sum()


_WINDOW = _window()


def _blurred(maps: Tensor) -> Tensor:
    """[1, C, H, W]: Gaussian window of the structural similarity."""
    channels = maps.shape[1]
    kernel = _WINDOW.expand(channels, 1, -1)
    half = len(_WINDOW) // 2
    maps = F.conv2d(maps, kernel[:, :, None, :], padding=(0, half), groups=channels)
    return F.conv2d(maps, kernel[:, :, :, None], padding=(half, 0), groups=channels)


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean structural similarity of two images [H, W, 3] in [0, 1] (11-pixel Gaussian window)."""
    x, y = a.permute(2, 0, 1)[None], b.permute(2, 0, 1)[None]
    mx, my, xx, yy, xy = _blurred(torch.cat([x, y, x * x, y * y, x * y], dim=1)).split(3, dim=1)
    c1, c2 = 0.01**2, 0.03**2
    numerator = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    denominator = (mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2)
    return (numerator / denominator).mean()


def start_from(points: dict[str, np.ndarray], seed: int) -> dict[str, Tensor]:
    """Gaussians on a choice of the surface points that some training view sees."""
    rng = np.random.default_rng(seed)
    chosen = []
    for label, count in START.items():
        candidates = np.flatnonzero((points["labels"] == label) & (points["seen"] > 0))
        chosen.append(rng.choice(candidates, size=min(count, len(candidates)), replace=False))
    index = np.concatenate(chosen)
    position = points["points"][index]
    distance, _ = cKDTree(position).query(position, k=4)
    spacing = np.sqrt(np.square(np.asarray(distance)[:, 1:]).mean(axis=1)).clip(1e-3)
    return from_points(position, points["normals"][index], points["colours"][index], spacing, SH_DEGREE)


def load_cameras(demo: Path) -> list[View]:
    """The views of cameras.json, whether or not their photos are rendered yet."""
    views = []
    for entry in json.loads((demo / "cameras.json").read_text(encoding="utf-8")):
        world_from_camera = np.eye(4)
        world_from_camera[:3, :3], world_from_camera[:3, 3] = entry["rotation"], entry["position"]
        intrinsics = {key: entry[key] for key in ("width", "height", "fx", "fy", "cx", "cy")}
        camera = Camera(**intrinsics, camera_from_world=np.asarray(np.linalg.inv(world_from_camera), np.float64))
        views.append(View(entry["img_name"], camera))
    return views


def load_photos(demo: Path, views: list[View]) -> dict[str, Tensor]:
    """The views' photos by name, [H, W, 3] in [0, 1]."""
    photos = {}
    for view in views:
        with Image.open(demo / "images" / f"{view.name}.jpg") as image:
            photos[view.name] = torch.from_numpy(np.array(image.convert("RGB"))).float() / 255
    return photos


def psnr(gaussians: Gaussians, views: list[View], photos: dict[str, Tensor]) -> float:
    """Mean over the views of the peak signal-to-noise ratio in dB."""
    values = []
    for view in views:
        image = raster.render(gaussians, view.camera).image
        error = float(np.square(np.clip(image, 0, 1) - photos[view.name].numpy()).mean())
        values.append(-10 * math.log10(error))
    return float(np.mean(values))


def save_state(path: Path, adam: Adam, step: int, score: Tensor, seen: Tensor) -> None:
    temporary = path.with_suffix(".part")
    state = {"parameters": {n: t.detach() for n, t in adam.parameters.items()}, "first": adam.first}
    torch.save(
        state | {"second": adam.second, "steps": adam.steps, "step": step, "score": score, "seen": seen}, temporary
    )
    os.replace(temporary, path)


def image_gradient(means: torch.Tensor, camera: Camera) -> torch.Tensor:
    """[N] how much the loss changes when a mean moves by a pixel in the image, from its gradient in the world."""
    assert means.grad is not None
    across = means.grad @ torch.from_numpy(camera.camera_from_world[:2, :3].T).to(means)
    depth = torch.from_numpy(camera.depths(means.detach().numpy())).to(means)
    return (across * depth[:, None] / torch.tensor([camera.fx, camera.fy])).norm(dim=1)


def nearest_labels(gaussians: Gaussians, points: dict[str, np.ndarray], path: Path) -> None:
    """Writes labels.npz: for each Gaussian the label of the nearest surface point, and how far it is."""
    distance, index = cKDTree(points["points"]).query(gaussians.means)
    np.savez_compressed(path, labels=points["labels"][index], distance=np.asarray(distance, dtype=np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the demo scene's Gaussians on its training photos.")
    parser.add_argument("--demo", type=Path, required=True, help="folder with images, cameras.json and splits.json")
    parser.add_argument(
        "--points", type=Path, default=Path("build/demo_scene/points.npz"), help="points.npz of render.py"
    )
    parser.add_argument("--iterations", type=int, default=7000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    demo: Path = arguments.demo
    total: int = arguments.iterations
    torch.set_num_threads(1)  # torch's share is small, and its threads wait for each other on a busy machine
    generator = torch.Generator().manual_seed(arguments.seed)
    density, rates = Density(), Rates()

    splits = json.loads((demo / "splits.json").read_text(encoding="utf-8"))
    views = {view.name: view for view in load_cameras(demo)}
    training, test = ([views[name] for name in splits[split]] for split in ("train", "test"))
    photos = load_photos(demo, training)
    with np.load(arguments.points) as data:
        points = {name: data[name] for name in data.files}

    adam = Adam(start_from(points, arguments.seed), rates)
    count = len(adam.parameters["means"])
    score, seen, first = torch.zeros(count), torch.zeros(count), 0
    state_path = arguments.points.with_name("training_state.pt")
    if state_path.exists():
        state = torch.load(state_path, weights_only=True)
        adam.parameters = {name: tensor.requires_grad_() for name, tensor in state["parameters"].items()}
        adam.first, adam.second, adam.steps = state["first"], state["second"], state["steps"]
        first, score, seen = state["step"], state["score"], state["seen"]

    started, losses = time.monotonic(), []
    for step in range(first, total):
        turn, place = divmod(step, len(training))  # a new order of the views every round, the same after a restart
        view = training[np.random.default_rng((arguments.seed, turn)).permutation(len(training))[place]]
        p = adam.parameters
        image, _, _ = autograd.render(
            p["means"], p["log_scales"], p["quats"], p["opacity_logits"], torch.cat([p["sh_dc"], p["sh_rest"]], dim=1),
            view.camera,
        )  # fmt: skip
        photo = photos[view.name]
        loss = 0.8 * (image - photo).abs().mean() + 0.2 * (1 - ssim(image, photo))
        loss.backward()
        strength = image_gradient(p["means"], view.camera)
        adam.step(step / total)
        losses.append(loss.item())
        score += strength
        seen += strength > 0
        done = step + 1
        if done % 150 == 0 and 300 <= done <= 0.7 * total:
            refined, dropped = density.apply(adam, score / seen.clamp(min=1), generator)
            count = len(adam.parameters["means"])
            score, seen = torch.zeros(count), torch.zeros(count)
            print(f"step {done}: {refined} refined, {dropped} dropped, {count} Gaussians", flush=True)
        if done % 100 == 0:
            pace = (time.monotonic() - started) / (done - first)
            print(f"step {done}: loss {np.mean(losses[-100:]):.4f}, {pace:.3f} s a step", flush=True)
        if done % 500 == 0 and done < total:
            save_state(state_path, adam, done, score, seen)
            print(f"step {done}: {psnr(adam.gaussians(), training, photos):.2f} dB on the training views", flush=True)

    gaussians = adam.gaussians()
    result = {
        "gaussians": len(gaussians),
        "iterations": total,
        "seed": arguments.seed,
        "psnr_train": round(psnr(gaussians, training, photos), 2),
        "psnr_test": round(psnr(gaussians, test, load_photos(demo, test)), 2),
    }
    formats.write_splats(demo / "scene.ply", formats.SplatFile.from_gaussians(gaussians))
    nearest_labels(gaussians, points, demo / "labels.npz")
    (demo / "training.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    state_path.unlink(missing_ok=True)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
