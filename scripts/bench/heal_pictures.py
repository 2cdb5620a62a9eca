# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a cut before and after healing: a row a view, of photo, cut, healed cut and, where there is one, plate.

    python scripts/bench/heal_pictures.py --plates build/demo_scene/plates --cut out/demo --views view_020 view_040 \
        --out docs/images/heal_demo.jpg
    python scripts/bench/heal_pictures.py --scene ../shared/scenes/statue --cut out/statue --out build/heal_statue.jpg

The cut is an output folder of ``splatcut segment``. With plates, rows show only the part of the view that these show.
--scene holds ``scene.ply``, ``images`` and ``cameras.json`` or ``sparse/0``; by default it is the demo. Photos of other
scenes may not be distributed: their pictures stay outside of the repository.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.heal import ALL, DEMO, read_cut
from splatcut import raster
from splatcut.cameras import load_views
from splatcut.errors import UserError
from splatcut.export.healed import healed_scene
from splatcut.files import atomic_path
from splatcut.heal import heal
from splatcut.progress import Quiet
from splatcut.scene.camera import View

Pixels = NDArray[np.uint8]

#: What a picture may take, and what its quality is lowered through.
BYTES, QUALITIES = 200_000, (92, 88, 84, 80, 75, 70, 60, 50)
#: Pixels between the parts.
GAP = 4


def sheet(rows: Sequence[Sequence[Pixels]]) -> Pixels:
    """One picture of rows of parts [H, W, 3] of one size, enlarged to the widest of all, with white between."""
    width = max(part.shape[1] for row in rows for part in row)
    bands = []
    for row in rows:
        parts = [Image.fromarray(part) for part in row]
        parts = [part.resize((width, round(part.height * width / part.width))) for part in parts]
        bands.append(_joined([np.asarray(part) for part in parts], 1))
    return _joined(bands, 0)


def _joined(parts: Sequence[Pixels], axis: int) -> Pixels:
    between = np.full_like(parts[0].take(range(GAP), axis=axis), 255)
    return np.concatenate([piece for part in parts for piece in (between, part)][1:], axis=axis)


def encoded(picture: Pixels) -> bytes:
    """A JPEG of at most ``BYTES``, or the smallest there is."""
    data = b""
    for quality in QUALITIES:
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "JPEG", quality=quality, optimize=True)
        data = stream.getvalue()
        if len(data) <= BYTES:
            break
    return data


def read_image(path: Path) -> Pixels:
    """[H, W, 4] with alpha."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGBA"))
    except OSError as error:
        raise UserError(f"The picture {path} cannot be read ({error}).") from None


def cropped(parts: Sequence[Pixels]) -> list[Pixels]:
    """Parts of one size, [H, W, 3 or 4], without the border where the last is transparent; [h, w, 3]."""
    shown = parts[-1][..., 3] > 0
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not rows.size:
        return [part[..., :3] for part in parts]
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return [part[box][..., :3] for part in parts]


def rows_of(arguments: argparse.Namespace) -> list[list[Pixels]]:
    """The parts of the picture."""
    cut = read_cut(arguments.cut)
    removed_name = arguments.object or ALL
    if removed_name != ALL and removed_name not in cut.names:
        raise UserError(f"{arguments.cut} has no object {removed_name}. It has {', '.join(cut.names)}.")
    removed = cut.removed(removed_name)
    scene: Path = arguments.scene
    cameras = scene / "cameras.json"
    views = load_views(cameras if cameras.is_file() else scene / "sparse" / "0", scene / "images")
    splits, test = scene / "splits.json", [view.name for view in views[::8]]
    if splits.is_file():
        test = json.loads(splits.read_text(encoding="utf-8"))["test"]
    named = {view.name: view for view in views}
    missing = [name for name in arguments.views or () if name not in named]
    if missing:
        raise UserError(f"{scene} has no view {missing[0]}.")
    chosen: list[View] = [named[name] for name in arguments.views or test]
    healed = heal(cut.gaussians, cut.labels, removed, [v.camera for v in views if v.name not in test], Quiet())
    for sentence in healed.told:
        print(sentence)
    states = (cut.gaussians.take(~removed), healed_scene(cut.gaussians, removed, healed))
    rows = []
    for view in chosen:
        renders = [np.clip(raster.render(state, view.camera).image, 0, 1) for state in states]
        row = [np.round(255 * render).astype(np.uint8) for render in renders]
        if view.photo is not None:
            row.insert(0, read_image(view.photo)[..., :3])
        if arguments.plates is not None:
            row = cropped([*row, read_image(arguments.plates / removed_name / f"{view.name}.png")])
        rows.append(row)
    return rows


def main() -> int:
    """Entry point; 0, or 2 when something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", type=Path, default=DEMO, help="the scene that was cut (default: the demo)")
    parser.add_argument("--cut", type=Path, required=True, metavar="FOLDER", help="output folder of splatcut segment")
    parser.add_argument("--object", metavar="NAME", help="what is taken out (default: all)")
    parser.add_argument("--views", nargs="+", metavar="NAME", help="views to show (default: the unseen ones)")
    parser.add_argument("--plates", type=Path, metavar="FOLDER", help="the demo's plates")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JPEG to write")
    arguments = parser.parse_args()
    try:
        picture = encoded(sheet(rows_of(arguments)))
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(arguments.out) as temporary:
            temporary.write_bytes(picture)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
