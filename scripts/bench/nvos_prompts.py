# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Makes prompts of a scene of the NVOS benchmark, for those who have it.

    python scripts/bench/nvos_prompts.py NVOS fern --images fern/images_8 --out prompts/fern
    splatcut segment fern.ply --cameras fern/sparse/0 --images fern/images_8 \\
        --prompts prompts/fern/prompts.json --out results/fern
    splatcut evaluate --nvos --pred results --gt NVOS

The benchmark's scribbles have the full photos' size; they are brought to the size of the photos that are segmented.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from splatcut.errors import UserError
from splatcut.evaluation.folders import read_mask
from splatcut.evaluation.nvos import NvosScene, nvos_scenes
from splatcut.files import atomic_path
from splatcut.images import is_image
from splatcut.messages import ObjectPrompt, ScribblePrompt, prompts_to_json


def main() -> int:
    """Runs the script; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of NVOS, or its labels/llff")
    parser.add_argument("scene", help="name of the scene, such as fern or horns_center")
    parser.add_argument("--images", type=Path, required=True, help="photos that will be segmented")
    parser.add_argument("--view", help="name of the reference view, where it is not the reference photo's")
    parser.add_argument("--out", type=Path, required=True, help="folder for prompts.json and scribble.png")
    args = parser.parse_args()
    try:
        (scene,) = nvos_scenes(args.root, [args.scene])
        wanted = args.view or reference_view(scene)
        photos = sorted(filter(is_image, args.images.iterdir()))
        photo = next((path for path in photos if path.stem == wanted), None)
        if photo is None:
            raise UserError(f"{args.images} has no photo of the reference view {wanted!r}. Name the view with --view.")
        with Image.open(photo) as image:
            size = image.size
        print(f"Wrote {write_prompts(scene, size, args.out, photo.stem)}.")
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def reference_view(scene: NvosScene) -> str | None:
    """Stem of the photo that was scribbled in, or None when the labels come without it."""
    folder = scene.root / "reference_image" / scene.name
    return next((path.stem for path in sorted(folder.glob("*")) if is_image(path)), None)


def write_prompts(scene: NvosScene, size: tuple[int, int], folder: Path, view: str) -> Path:
    """Writes the scene's strokes as ``folder/scribble.png`` (green on the object, red beside it) and
    ``folder/prompts.json``, which ``splatcut segment --prompts`` takes; returns the latter.

    Args:
        size: (width, height) of the photo that will be segmented; strokes are resized to it (nearest pixel).
        view: the reference view's name among the cameras.

    Raises:
        UserError: no strokes on the object, strokes that cannot be read.
    """
    strokes = scene.root / "scribbles" / scene.name
    if not list(strokes.glob("pos*")):
        raise UserError(f"The scene {scene.name!r} has no scribbles on the object (files pos_*).")
    picture = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    for pattern, colour in (("neg*", (255, 0, 0)), ("pos*", (0, 255, 0))):
        for path in filter(is_image, sorted(strokes.glob(pattern))):
            mask = Image.fromarray(read_mask(path).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
            picture[np.asarray(mask) > 0] = colour
    with atomic_path(folder / "scribble.png") as temporary:
        Image.fromarray(picture).save(temporary)
    # The file's name is relative to the prompts' folder, so that both can be moved together.
    document = prompts_to_json([ObjectPrompt(scene.name, (ScribblePrompt(view, Path("scribble.png")),))])
    target = folder / "prompts.json"
    with atomic_path(target) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    sys.exit(main())
