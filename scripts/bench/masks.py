# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How good masks are before and after they are corrected, against the scenes' true masks of the training views.

    python scripts/bench/masks.py --scene statue goldcape demo
    python scripts/bench/masks.py --part edges --scene demo --every 3

- edges: the 2D model makes masks from prompts.json; their edges are drawn to the pictures' (``masks.snap``).
- agree: the true masks, as they are and damaged (``quality/damage.py``), are corrected where the others contradict them
  (``masks.consensus``).

Figures are boundary IoU with a band of 2% of the diagonal / 2 px, means over the views that are trusted and show the
object, of several objects their mean. With --every N only every N-th view takes part in the drawing of edges.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.quality.damage import write_damaged_masks
from bench.quality.scenes import Scene, find_scene
from bench.quality.scores import partners
from bench.quality.variants import TAU
from bench.shared import SHARED, add_markdown_option, state, table, write_markdown
from splatcut import formats
from splatcut.cameras.floaters import without_floaters
from splatcut.cameras.pictures import MASK_SIDE, picture, working_view
from splatcut.errors import UserError
from splatcut.evaluation.folders import read_mask
from splatcut.evaluation.scores import score_masks
from splatcut.folders import embeddings_folder
from splatcut.lift import Problem
from splatcut.lift.labelled import vote_of
from splatcut.masks.consensus import lift_agreeing
from splatcut.masks.effort import SNAP_RADII
from splatcut.masks.making import from_prompts
from splatcut.masks.ready import from_folder, masks_of_views
from splatcut.masks.scene_segmenter import SceneSegmenter
from splatcut.masks.snap import snap
from splatcut.messages import load_prompts
from splatcut.progress import Quiet
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet
from splatcut.segmenter import EmbeddingCache, load_segmenter

#: Masks as large as they are made in a run.

Row = list[str]


def scores(masks: MaskSet, scene: Scene) -> str:
    """Boundary IoU at 2% / 2 px, mean over views and then over objects."""
    assert scene.masks is not None
    names = partners(masks.objects, scene.masks)
    found = []
    for k, name in enumerate(masks.objects):
        files, mine = scene.masks[names[name]], []
        for number, view in enumerate(masks.views):
            if masks.confidence[number, k] <= 0 or view not in files:
                continue
            truth = read_mask(files[view])
            if truth.any():
                score = score_masks(masks.probability[number][k] > 127, truth)
                mine.append((score.boundary, score.boundary_2px))
        found.append(np.mean(mine, axis=0))
    first, second = np.mean(found, axis=0)
    return f"{first:.3f} / {second:.3f}"


def some_views(masks: MaskSet, every: int) -> MaskSet:
    """Every N-th view's masks."""
    chosen = slice(0, None, every)
    return replace(
        masks, views=masks.views[chosen], probability=masks.probability[chosen], confidence=masks.confidence[chosen]
    )


def bench_edges(scene: Scene, gaussians: Gaussians, every: int) -> Iterator[Row]:
    """The 2D model's masks, and what is made of them."""
    training = without_floaters(gaussians, scene.views[0], Quiet())
    working = {view.name: working_view(view, MASK_SIDE) for view in training}
    model = SceneSegmenter(load_segmenter(None, "cpu"), EmbeddingCache(embeddings_folder()), gaussians)
    objects = load_prompts(scene.folder / "prompts.json")
    masks = from_prompts(model, objects, working, "standard", Quiet(), snap_edges=False)
    yield [scene.name, "edges", "the 2D model's", scores(some_views(masks, every), scene), ""]
    masks = some_views(masks, every)
    views = [working[name] for name in masks.views]

    def look(number: int) -> NDArray[np.uint8]:
        return picture(views[number], gaussians)

    def vote(some: MaskSet) -> Callable[[int], NDArray[np.float32]]:
        return vote_of(Problem(gaussians, [view.view for view in views], some))

    began = time.process_time()
    made = snap(masks, look, vote, SNAP_RADII["standard"])
    yield [scene.name, "edges", "snapped", scores(made, scene), f"{time.process_time() - began:.1f}"]


def bench_agreement(scene: Scene, gaussians: Gaussians, folder: Path) -> Iterator[Row]:
    """True masks and damaged ones, and what is made of them."""
    everything = [*scene.views[0], *scene.views[1]]
    training = without_floaters(gaussians, scene.views[0], Quiet())
    write_damaged_masks(scene, folder / scene.name)
    for kind, place in (("true", scene.folder / "masks"), ("damaged", folder / scene.name)):
        masks = from_folder(place, masks_of_views(place, everything), training, Quiet())
        yield [scene.name, "agree", kind, scores(masks, scene), ""]
        views = {view.name: view for view in training}
        began = time.process_time()
        _, found = lift_agreeing(Problem(gaussians, [views[name] for name in masks.views], masks), TAU, Quiet())
        taken = time.process_time() - began
        moved = sum(any((*change.shift, change.margin)) for change in found.changes.values())
        parts = sum(change.replaced > 0 for change in found.changes.values())
        what = f"{kind}: {moved} edges moved, parts of {parts} replaced"
        yield [scene.name, "agree", what, scores(found.masks, scene), f"{taken:.1f}"]


def main() -> int:
    """Entry point; 0, or 2 when a scene is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", nargs="+", default=["demo"], help="statue, goldcape or demo")
    parser.add_argument("--part", nargs="+", choices=("edges", "agree"), default=["edges", "agree"])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="draw only every N-th view's edges")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds scenes/<name>")
    add_markdown_option(parser)
    args = parser.parse_args()
    rows: list[Row] = []
    try:
        for name in args.scene:
            scene = find_scene(name, args.shared.resolve())
            gaussians = formats.read_splats(scene.folder / "scene.ply").gaussians
            if "edges" in args.part:
                rows += bench_edges(scene, gaussians, args.every)
            if "agree" in args.part:
                with tempfile.TemporaryDirectory() as folder:
                    rows += bench_agreement(scene, gaussians, Path(folder))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    text = table(["scene", "part", "masks", "2% / 2 px", "CPU s"], rows)
    print(f"{state()}\n\n{text}")
    if args.markdown is not None:
        write_markdown(args.markdown, state(), {"": text})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
