# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures that Cycles makes of splats against photos, before and after ``splatcut match``.

    python scripts/bench/match.py [--scenes statue goldcape demo] [--views 2] [--side 252] [--samples 16]

Colours are fitted in the training views; some of the others are scored. Cycles decides by chance whether a ray meets a
Gaussian, so its pictures are noisy. The noise is taken out of the score: each view is rendered twice with seeds of its
own, and the mean of the product of the two differences from the photo stands for the mean square, in which independent
noise adds nothing. What is left is the bend of the encoding, second order in the noise. ``predicted`` is the engine's
own picture in linear light.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.quality.scenes import Scene, find_scene
from bench.shared import REPOSITORY, SHARED, add_markdown_option, splatcut, state, table, write_markdown
from splatcut import raster
from splatcut.cameras import load_photo, place_views, save_cameras
from splatcut.formats import SplatFile, read_splats
from splatcut.match.colour import decode, encode
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import ANTIALIASED, Gaussians
from splatcut.scene.sh import basis

F64 = NDArray[np.floating]


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", nargs="+", default=["statue", "goldcape", "demo"])
    parser.add_argument("--views", type=int, default=2, help="test views of each scene that are rendered")
    parser.add_argument("--side", type=int, default=252, help="longer side of the pictures, pixels")
    parser.add_argument("--samples", type=int, default=16, help="of Cycles, for each of two runs")
    parser.add_argument("--work", type=Path, default=Path("match_out"), help="folder for what is made")
    parser.add_argument(
        "--blender", type=Path, default=REPOSITORY / ".venv-bpy53" / "bin" / "python", help="a Python with bpy 5.3"
    )
    parser.add_argument("--reuse", action="store_true", help="take fits and pictures that lie in the folder already")
    add_markdown_option(parser)
    options = parser.parse_args()
    rows = []
    for name in options.scenes:
        rows.append([name, *(f"{value:.2f}" for value in scored(find_scene(name, SHARED), options))])
        print(*rows[-1], flush=True)
    text = table(
        [
            "PSNR against photos, dB", "own render", "Cycles before", "predicted", "Cycles matched", "predicted",
            "share of the gap closed",
        ],
        rows,
    )  # fmt: skip
    print(text)
    if options.markdown:
        what = f"{options.views} test views of {options.side} pixels, {options.samples} samples twice, bpy 5.3"
        write_markdown(options.markdown, state(what), {"": text})
    return 0


def scored(scene: Scene, options: argparse.Namespace) -> list[float]:
    """Own render, Cycles and prediction before, the same matched, share of the gap closed; means over the views."""
    work = options.work / scene.name
    work.mkdir(parents=True, exist_ok=True)
    training, test = scene.views
    save_cameras(work / "training.json", training)
    source, matched = scene.folder / "scene.ply", work / "matched.ply"
    words = ["match", source, "--cameras", work / "training.json", "--out", matched, "--force"]
    if not (options.reuse and matched.exists()):
        print(f"{scene.name}: {splatcut(words, work / 'match.log').cpu_seconds:.0f} CPU seconds", flush=True)
    files = {"before": read_splats(source), "after": read_splats(matched)}
    trained = files["before"].gaussians
    test = test[:: max(1, len(test) // options.views)][: options.views]
    views = place_views(test, trained, files["before"].offset)
    cameras = {view.name: view.camera.within(options.side) for view in views}
    photos = {view.name: shrunk(load_photo(view), cameras[view.name]) for view in views}
    own = [error(raster.render(trained, camera).image, photos[name]) for name, camera in cameras.items()]
    result = [decibels(own)]
    for key, path in (("before", source), ("after", matched)):
        pictures = rendered(path, files[key], cameras, work / f"{key}.npz", options)
        clean = [
            float(np.mean((encode(a[..., :3]).clip(0, 1) - photos[n]) * (encode(b[..., :3]).clip(0, 1) - photos[n])))
            for n, (a, b) in pictures.items()
        ]
        predicted = [error(in_linear_light(files[key].gaussians, cameras[n]), photos[n]) for n in pictures]
        result += [decibels(clean), decibels(predicted)]
    gap = result[0] - result[1]
    return [*result, (result[3] - result[1]) / gap if gap > 0 else math.nan]


def rendered(
    path: Path, splats: SplatFile, cameras: dict[str, Camera], out: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """[2, H, W, 4] scene-linear by view, of two runs."""
    listed = [
        {
            "name": name,
            **{key: getattr(c, key) for key in ("width", "height", "fx", "fy", "cx", "cy", "near")},
            "pose": c.relative_to(-splats.offset).camera_from_world.tolist(),
        }
        for name, c in cameras.items()
    ]
    place = out.with_suffix(".json")
    place.write_text(json.dumps(listed), encoding="utf-8")
    script = REPOSITORY / "scripts" / "bench" / "match_render.py"
    words = [options.blender, script, path, place, out, options.samples, 2]
    if not (options.reuse and out.exists()):
        subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)
    with np.load(out) as made:
        return dict(made)


def in_linear_light(gaussians: Gaussians, camera: Camera) -> F64:
    """[H, W, 3] display-referred: what the engine expects of Cycles."""
    display = 0.5 + np.einsum("nk,nkc->nc", basis(gaussians.means - camera.position, gaussians.sh_degree), gaussians.sh)
    drawn = replace(gaussians, pixel_filter=ANTIALIASED)
    return encode(raster.render(drawn, camera, features=decode(display), colour=False).features)


def shrunk(photo: NDArray[np.uint8], camera: Camera) -> F64:
    """[H, W, 3] in [0, 1] of the camera's size."""
    return np.asarray(Image.fromarray(photo).resize((camera.width, camera.height), Image.Resampling.BOX)) / 255.0


def error(image: F64, photo: F64) -> float:
    """Mean square difference."""
    return float(np.mean((image.clip(0, 1) - photo) ** 2))


def decibels(errors: list[float]) -> float:
    """Mean of the PSNR of mean squares."""
    return float(np.mean([-10 * math.log10(max(value, 1e-12)) for value in errors]))


if __name__ == "__main__":
    sys.exit(main())
