# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What healing gains against the demo scene path-traced without its objects, and what it costs.

    python scripts/bench/heal.py --plates build/demo_scene/plates [--cuts FOLDER] [--cut standard draft none prompts]

The plates are the truth (demo/README.md says how they are made). Each object is taken out of a cut alone, and all
together. --cuts names the folder with the cuts, one folder each; cuts that are not there are made. Healing gets the
training views' cameras and no picture of them. Runs of several processes (--json) are put together by --read.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.shared import (
    REPOSITORY,
    CommandFailed,
    add_markdown_option,
    splatcut,
    state,
    table,
    write_markdown,
)
from splatcut import formats, raster
from splatcut.cameras import load_views
from splatcut.errors import UserError
from splatcut.export.healed import healed_scene
from splatcut.files import atomic_path
from splatcut.heal import Healed, heal
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians, concatenate

Bools = NDArray[np.bool_]

DEMO = REPOSITORY / "demo"
#: Options of ``splatcut segment`` by cut.
READY, CLICKED = ("--masks", DEMO / "masks"), ("--prompts", DEMO / "prompts.json")
CUTS: dict[str, tuple[str | Path, ...]] = {
    "standard": READY,
    "draft": (*READY, "--quality", "draft"),
    "none": (*READY, "--no-refine"),
    "prompts": (*CLICKED, "--quality", "draft"),
}
#: In the tables' words.
CUT_WORDS = {
    "standard": "ready masks, standard",
    "draft": "ready masks, draft",
    "none": "ready masks, not refined",
    "prompts": "prompts, draft",
}
STATES = ("as cut", "residue dropped", "healed")
#: A mask holds pixels that something covers by more than this.
COVERED = 0.01
#: A pixel has changed if a channel has by more than this, of 255.
CHANGED = 2.0
ALL = "all"
DRAWS = 2000


@dataclass(frozen=True)
class Outside:
    """What healing changes beyond an object's outline in one view.

    Attributes:
        pixels: how many lie there.
        changed: how many of them changed by more than ``CHANGED``.
        largest: change of any channel, of 255.
    """

    pixels: int
    changed: int
    largest: float


@dataclass(frozen=True)
class Seen:
    """One view of a scene without an object.

    Attributes:
        cut, removed: name of the cut; of the object, or ``ALL``.
        view: name; test: whether it is one of the unseen views.
        values: channel values inside the object's outline.
        squared: sum of their squared errors (of 255) in each of ``STATES``.
        outline, mask, touched: what lies outside the outline; of that, outside the mask of what was filled in and of
            what was dropped; of that, outside the mask of what was recoloured.
    """

    cut: str
    removed: str
    view: str
    test: bool
    values: int
    squared: tuple[float, ...]
    outline: Outside
    mask: Outside
    touched: Outside


@dataclass(frozen=True)
class Cost:
    """What healing took: Gaussians dropped as residue, recoloured and made up, CPU seconds, and its sentences."""

    cut: str
    removed: str
    residue: int
    recoloured: int
    made: int
    cpu_seconds: float
    told: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Cut:
    """A finished run: its N Gaussians, labels [N], the objects' names in the labels' order; CPU seconds of cutting."""

    gaussians: Gaussians
    labels: NDArray[np.int32]
    names: tuple[str, ...]
    cpu_seconds: float

    def removed(self, name: str) -> Bools:
        """[N] bool: the Gaussians of an object, or of ``ALL``."""
        return self.labels > 0 if name == ALL else self.labels == self.names.index(name) + 1


def read_cut(folder: Path) -> Cut:
    """The run in an output folder of ``splatcut segment``."""
    with np.load(folder / "labels.npz") as stored:
        labels, names = stored["labels"], tuple(map(str, stored["names"]))
    files = [folder / "background.ply", *(folder / "objects" / f"{name}.ply" for name in names)]
    parts = [(number, file) for number, file in enumerate(files) if (labels == number).any()]
    stacked = concatenate([formats.read_splats(file).gaussians for _, file in parts])
    rows = np.concatenate([np.flatnonzero(labels == number) for number, _ in parts])
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    seconds = sum(stage["cpu_seconds"] for stage in report["stages"] if stage["name"] != "heal")
    return Cut(stacked.take(np.argsort(rows)), labels, names, seconds)


def make_cut(name: str, folder: Path) -> None:
    """Runs ``splatcut segment`` on the demo, its unseen views held out."""
    line = ["segment", DEMO / "scene.ply", "--cameras", DEMO / "cameras.json", "--images", DEMO / "images"]
    splatcut(
        [*line, "--holdout", "4", "--device", "cpu", "--no-heal", *CUTS[name], "--out", folder],
        folder.with_suffix(".log"),
    )


def residue(healed: Healed) -> Bools:
    """[N] bool: Gaussians that go without a copy."""
    gone = healed.dropped.copy()
    gone[healed.parent[healed.parent >= 0]] = False
    return gone


def compare(
    gaussians: Gaussians, removed: Bools, healed: Healed, camera: Camera, outline: Bools, truth: NDArray[np.uint8]
) -> tuple[tuple[float, ...], Outside, Outside, Outside]:
    """A view's ``squared``, ``outline``, ``mask`` and ``touched``; see ``Seen``.

    Args:
        outline: [H, W] bool, where the object was; truth: [H, W, 3] display-referred sRGB without it.
    """
    gone = residue(healed)
    flags = np.stack([gone, healed.dropped & ~gone], axis=1).astype(np.float32)
    before = raster.render(gaussians.take(~removed), camera, features=flags[~removed])
    dropped = raster.render(gaussians.take(~removed & ~gone), camera)
    scene = healed_scene(gaussians, removed, healed)
    new = np.zeros((len(scene), 2), np.float32)
    new[len(scene) - len(healed.filling) :] = np.stack([healed.parent < 0, healed.parent >= 0], axis=1)
    after = raster.render(scene, camera, features=new)

    images = [255 * np.clip(drawn.image, 0, 1).astype(np.float64) for drawn in (before, dropped, after)]
    squared = tuple(float(((image - truth)[outline] ** 2).sum()) for image in images)
    change = np.abs(images[2] - images[0]).max(axis=2)
    mask, touched = np.moveaxis((before.features > COVERED) | (after.features > COVERED), 2, 0)

    def outside(there: Bools) -> Outside:
        values = change[there]
        return Outside(len(values), int((values > CHANGED).sum()), float(values.max(initial=0)))

    return squared, outside(~outline), outside(~outline & ~mask), outside(~outline & ~mask & ~touched)


def outline_of(removed: str, names: Sequence[str], view: str) -> Bools:
    """[H, W] bool: where an object, or any, is seen in one of the demo's photos."""
    chosen = names if removed == ALL else (removed,)
    masks = []
    for name in chosen:
        with Image.open(DEMO / "masks" / name / f"{view}.png") as image:
            masks.append(np.asarray(image) > 127)
    return np.any(masks, axis=0)


def read_plate(path: Path, outline: Bools) -> NDArray[np.uint8]:
    """[H, W, 3]; the plate must hold all of the outline."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGBA"))
    except OSError as error:
        raise UserError(f"The plate {path} cannot be read: {error}. How to make it stands in demo/README.md.") from None
    if pixels.shape[:2] != outline.shape or (pixels[..., 3] == 0)[outline].any():
        raise UserError(f"The plate {path} is of other masks than demo/masks. Make it again: see demo/README.md.")
    return pixels[..., :3]


def measure(name: str, cut: Cut, plates: Path) -> Iterator[Seen | Cost]:
    """Heals the cut without each object and without all, and compares every view with its plate."""
    splits = json.loads((DEMO / "splits.json").read_text(encoding="utf-8"))
    views = load_views(DEMO / "cameras.json")
    training = [view.camera for view in views if view.name in splits["train"]]
    for removed in (*cut.names, ALL):
        gone = cut.removed(removed)
        start = time.process_time()
        healed = heal(cut.gaussians, cut.labels, gone, training, Quiet())
        seconds = time.process_time() - start
        old = int((healed.parent >= 0).sum())
        counts = int(residue(healed).sum()), old, len(healed.filling) - old
        yield Cost(name, removed, *counts, round(seconds, 2), healed.told)
        for view in views:
            outline = outline_of(removed, cut.names, view.name)
            truth = read_plate(plates / removed / f"{view.name}.png", outline)
            found = compare(cut.gaussians, gone, healed, view.camera, outline, truth)
            yield Seen(name, removed, view.name, view.name in splits["test"], 3 * int(outline.sum()), *found)


def rms(views: Sequence[Seen], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """[..., 3]: root mean square error, of 255, in each of ``STATES``, over views drawn ``weights`` [..., V] times."""
    squared, values = np.array([view.squared for view in views]), np.array([view.values for view in views])
    with np.errstate(invalid="ignore"):
        return np.sqrt((weights @ squared) / (weights @ values)[..., None])


def scores(groups: Sequence[Sequence[Seen]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Errors in ``STATES`` and the ratio of the last to the first, mean over groups of the same views; [4] and their
    standard errors, from drawing the views again."""
    count = len(groups[0])
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), DRAWS).astype(float)

    def mean(weights: NDArray[np.floating]) -> NDArray[np.float64]:
        errors = np.mean([rms(views, weights) for views in groups], axis=0)
        return np.concatenate([errors, errors[..., 2:] / errors[..., :1]], axis=-1)

    return mean(np.ones(count)), np.nanstd(mean(draws), axis=0)


def decibels(error: float) -> str:
    """PSNR of a root mean square error of 255."""
    return f"{20 * np.log10(255 / error):.1f}" if error > 0 else "inf"


def error_table(seen: Sequence[Seen]) -> str:
    """Errors inside the outlines, by cut and object, and their means."""
    header = ["cut", "taken out", *STATES, "healed / as cut", "PSNR as cut, dB", "PSNR healed, dB"]
    rows = []
    for cut, objects in grouped(seen).items():
        for name, groups in {**{name: [views] for name, views in objects.items()}, "mean": [*objects.values()]}.items():
            value, spread = scores(groups)
            cells = [f"{v:.1f} ± {s:.1f}" for v, s in zip(value[:3], spread[:3], strict=True)]
            ratio = f"{value[3]:.2f} ± {spread[3]:.2f}"
            rows.append([CUT_WORDS[cut], name, *cells, ratio, decibels(value[0]), decibels(value[2])])
    return table(header, rows)


def outside_table(seen: Sequence[Seen]) -> str:
    """Changes beyond the outlines, by cut and object."""
    header = ["cut", "taken out"]
    for place in ("outline", "outline and filling", "outline, filling and recoloured"):
        header += [f"outside {place}: changed", "largest"]
    rows = []
    for cut, objects in grouped(seen).items():
        for name, views in objects.items():
            cells = []
            for places in ([v.outline for v in views], [v.mask for v in views], [v.touched for v in views]):
                share = sum(p.changed for p in places) / max(1, sum(p.pixels for p in places))
                cells += [f"{share:.3%}", f"{max(p.largest for p in places):.1f}"]
            rows.append([CUT_WORDS[cut], name, *cells])
    return table(header, rows)


def cost_table(costs: Sequence[Cost], cutting: Mapping[str, float]) -> str:
    """Gaussians and CPU seconds, with the sum over the objects beside the cut's."""
    header = ["cut", "taken out", "residue", "recoloured", "filled in", "CPU seconds"]
    rows = []
    for cut in dict.fromkeys(cost.cut for cost in costs):
        mine = [cost for cost in costs if cost.cut == cut]
        for cost in mine:
            counts = (f"{count:,}" for count in (cost.residue, cost.recoloured, cost.made))
            rows.append([CUT_WORDS[cut], cost.removed, *counts, f"{cost.cpu_seconds:.1f}"])
        alone = sum(cost.cpu_seconds for cost in mine if cost.removed != ALL)
        rows.append([CUT_WORDS[cut], "the objects one by one", "", "", "", f"{alone:.1f}"])
        rows.append([CUT_WORDS[cut], "cutting", "", "", "", f"{cutting[cut]:.1f}"])
    return table(header, rows)


def grouped(seen: Sequence[Seen]) -> dict[str, dict[str, list[Seen]]]:
    """By cut and what was taken out."""
    groups: dict[str, dict[str, list[Seen]]] = {}
    for view in seen:
        groups.setdefault(view.cut, {}).setdefault(view.removed, []).append(view)
    return groups


@dataclass(frozen=True)
class Result:
    """All figures, and the cuts' CPU seconds by name."""

    seen: list[Seen]
    costs: list[Cost]
    cutting: dict[str, float]

    def sections(self) -> dict[str, str]:
        """The tables by the name of their mark."""
        return {
            "unseen": error_table([view for view in self.seen if view.test]),
            "training": error_table([view for view in self.seen if not view.test]),
            "outside": outside_table(self.seen),
            "cost": cost_table(self.costs, self.cutting),
        }


def read_json(paths: Sequence[Path]) -> Result:
    """The figures of earlier runs."""
    result = Result([], [], {})
    for path in paths:
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            for view in stored["seen"]:
                places = {name: Outside(**view[name]) for name in ("outline", "mask", "touched")}
                result.seen.append(Seen(**{**view, **places, "squared": tuple(view["squared"])}))
            result.costs.extend(Cost(**{**cost, "told": tuple(cost["told"])}) for cost in stored["costs"])
            result.cutting.update(stored["cutting"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} is not what this script writes with --json ({error}).") from None
    return result


def run(cuts: Sequence[str], folder: Path, plates: Path) -> Result:
    """Makes the cuts that are not there and measures all."""
    result = Result([], [], {})
    for name in cuts:
        if not (folder / name / "report.json").is_file():
            make_cut(name, folder / name)
        cut = read_cut(folder / name)
        result.cutting[name] = round(cut.cpu_seconds, 1)
        for found in measure(name, cut, plates):
            if isinstance(found, Cost):
                result.costs.append(found)
                print(f"{name}: {found.removed}, {found.cpu_seconds:.1f} CPU s", *found.told, file=sys.stderr)
            else:
                result.seen.append(found)
    return result


def main() -> int:
    """Entry point; 0, or 2 when a run is not possible."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--plates", type=Path, help="folder of the plates")
    source.add_argument("--read", nargs="+", type=Path, metavar="FILE", help="run nothing: tables of earlier --json")
    parser.add_argument("--cuts", type=Path, metavar="FOLDER", help="the cuts, one folder each (default: made anew)")
    parser.add_argument("--cut", nargs="+", choices=CUTS, default=list(CUTS), help="which cuts to heal (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add_markdown_option(parser)
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            if arguments.read:
                result = read_json(arguments.read)
            else:
                result = run(arguments.cut, arguments.cuts or Path(scratch), arguments.plates)
        sections, line = result.sections(), state("demo")
        print("\n\n".join([line, *sections.values()]))
        if arguments.json is not None:
            with atomic_path(arguments.json) as temporary:
                temporary.write_text(json.dumps(asdict(result)) + "\n", encoding="utf-8")
        if arguments.markdown is not None:
            write_markdown(arguments.markdown, line, sections)
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
