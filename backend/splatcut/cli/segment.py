# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut segment``: a scene, cameras and prompts or masks in; objects, background, masks and a report out."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any

from splatcut.cli.heal import counted
from splatcut.errors import UserError
from splatcut.messages import Job, JobOptions, ObjectPrompt, ViewPrompt, load_prompts, parse_at
from splatcut.messages.arguments import add_arguments, given, parse_experiment

_EPILOG = """examples:
  splatcut segment scene.ply --cameras sparse/0 --images images --prompts prompts.json --out cut
  splatcut segment scene.ply --cameras sparse/0 --images images --at IMG_2719:315,110 --name statue --out cut
  splatcut segment scene.ply --cameras sparse/0 --masks masks --out cut

Run the same command again to continue after an interruption."""


def add_parser(subparsers: Any) -> None:
    """Adds the subcommand to ``subparsers``."""
    parser = subparsers.add_parser(
        "segment",
        help="cut objects out of a scene",
        description="Cuts objects out of a 3D Gaussian Splatting scene and writes each of them and the rest as splat "
        "files.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = ".ply, .compressed.ply, .splat, .ksplat, .spz, .sog, .glb, .gltf or USD"
    parser.add_argument("scene", type=Path, help=f"the splat file: {kinds}")
    parser.add_argument(
        "--cameras", type=Path, help="COLMAP model, transforms.json or cameras.json; without it, virtual views are used"
    )
    parser.add_argument("--images", type=Path, help="folder of the photos (default: looked for beside the cameras)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--prompts", type=Path, help="JSON file of objects with their points, boxes, scribbles or masks")
    what.add_argument(
        "--masks", type=Path, help="folder of ready masks: <object>/<view>.png, or <view>.png for one object"
    )
    what.add_argument(
        "--at", action="append", metavar="VIEW:X,Y[,X,Y...]", help="points on the object in a view; may be repeated"
    )
    parser.add_argument("--name", default="object", help="name of the object that --at clicks on (default: object)")
    parser.add_argument("--out", type=Path, required=True, help="output folder: new, empty, or that of the same job")
    add_arguments(parser)
    parser.add_argument("--force", action="store_true", help="replace another job's results in the output folder")
    parser.add_argument("--cache", type=Path, help="folder in which image embeddings are kept")
    # For experiments alone: settings of the refinement by name, as in --experiment alone=0.5.
    parser.add_argument("--experiment", action="append", default=[], metavar="KEY=VALUE", help=argparse.SUPPRESS)
    parser.set_defaults(func=run)


def job_of(args: argparse.Namespace) -> Job:
    """The job that the arguments describe. Raises ``UserError`` where they contradict."""
    objects: tuple[ObjectPrompt, ...] = ()
    if args.prompts is not None:
        objects = load_prompts(args.prompts)
    elif args.at is not None:
        objects = (ObjectPrompt(args.name, tuple(_together([parse_at(text) for text in args.at]))),)
    if args.masks is not None and not args.masks.is_dir():
        raise UserError(f"The folder of masks does not exist: {args.masks}.")
    return Job(
        scene=args.scene,
        out=args.out,
        cameras=args.cameras,
        images=args.images,
        objects=objects,
        masks=args.masks,
        options=JobOptions(**{**given(args), "experiment": parse_experiment(args.experiment)}),
    )


def _together(prompts: list[ViewPrompt]) -> list[ViewPrompt]:
    """One prompt a view."""
    points: dict[str, tuple[tuple[float, float, int], ...]] = {}
    for prompt in prompts:
        points[prompt.view] = points.get(prompt.view, ()) + prompt.points
    return [ViewPrompt(view, its) for view, its in points.items()]


def run(args: argparse.Namespace) -> int:
    """Runs the job and says what was written."""
    job = job_of(args)

    from splatcut.pipeline import parts_of, run_job
    from splatcut.progress import Terminal
    from splatcut.segmenter import EmbeddingCache

    with contextlib.closing(Terminal(parts_of(job))) as progress:
        cache = None if args.cache is None else EmbeddingCache(args.cache)
        result = run_job(job, progress, cache, force=args.force)
    for warning in result.warnings:
        print(f"note: {warning}")
    for name, count in result.files.counts.items():
        print(f"{name}: {count:,} Gaussians" + (f" in {result.files.objects[name]}" if count else ""))
    print(f"background: {result.files.background_count:,} Gaussians")
    if result.healed is not None and result.healed.scene is not None:
        print(
            f"healed: {counted(result.healed.dropped_count, result.healed.recoloured, result.healed.made_up)} in "
            f"{result.healed.scene}"
        )
    print(f"Open {args.out / 'contact_sheet.png'} to see the result.")
    return 0
