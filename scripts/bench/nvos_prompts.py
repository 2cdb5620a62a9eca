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
import sys
from pathlib import Path

from PIL import Image

from splatcut.errors import UserError
from splatcut.evaluation.nvos import nvos_scenes, write_prompts
from splatcut.images import is_image


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
        wanted = args.view or scene.reference_view
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


if __name__ == "__main__":
    sys.exit(main())
