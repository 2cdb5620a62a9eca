# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut segment``: a scene, cameras and prompts or masks in; objects, background, masks and a report out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.messages import ABLATIONS, Job, JobOptions, ObjectPrompt, ViewPrompt, load_prompts, parse_at
from splatcut.pipeline import RunSettings, run_job
from splatcut.progress import Terminal
from splatcut.segmenter import default_cache_folder

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
        description="Cuts objects out of a 3D Gaussian Splatting scene and writes each, and the rest, as a splat file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scene", type=Path, help="the splat file: .ply, .compressed.ply, .splat, .spz or .sog")
    parser.add_argument(
        "--cameras", type=Path, help="COLMAP model, transforms.json or cameras.json; without it virtual views are made"
    )
    parser.add_argument(
        "--images", type=Path, help="folder of the photos; without it they are looked for by the cameras"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--prompts", type=Path, help="JSON file of objects and their points, boxes, scribbles or masks")
    what.add_argument(
        "--masks", type=Path, help="folder of ready masks: <object>/<view>.png, or <view>.png for one object"
    )
    what.add_argument(
        "--at", action="append", metavar="VIEW:X,Y[,X,Y...]", help="points on the object in a view; may be repeated"
    )
    parser.add_argument("--name", default="object", help="name of the object that --at clicks on (default: object)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results; new, empty or of the same job")
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument(
        "--quality",
        choices=("draft", "standard", "fine"),
        default="standard",
        help="how long to work on the masks and the edges",
    )
    parser.add_argument(
        "--tau", type=float, default=0.6, help="mask variance that makes a boundary Gaussian (default 0.6)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--no-refine", action="store_true", help="no joint optimisation after the lift: faster, rougher edges"
    )
    parser.add_argument(
        "--field",
        action="store_true",
        help="optimise a continuous field together with the Gaussians (slower; has not been found to gain anything)",
    )
    parser.add_argument(
        "--ablate",
        action="append",
        default=[],
        metavar="NAME",
        help=f"leave a part of the optimisation out to see what it is worth; may be repeated: {', '.join(ABLATIONS)}",
    )
    parser.add_argument(
        "--trust-masks",
        action="store_true",
        help="take the masks as they are, instead of putting right those that most other views contradict",
    )
    parser.add_argument(
        "--split",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="split boundary Gaussians (default: off)",
    )
    parser.add_argument(
        "--soft-edges", action="store_true", help="straddling Gaussians go to both sides, opacity shared"
    )
    parser.add_argument("--holdout", type=int, default=0, metavar="N", help="keep every N-th view out, for scoring")
    parser.add_argument("--model", help="weights of another 2D model: SAM or MobileSAM .pth, or a SAM 2 .onnx encoder")
    parser.add_argument(
        "--drop-invalid", action="store_true", help="leave out Gaussians with values that are not finite"
    )
    parser.add_argument("--force", action="store_true", help="replace another job's results in the output folder")
    parser.add_argument("--cache", type=Path, default=default_cache_folder(), help="folder of the image embeddings")
    parser.set_defaults(func=run)


def job_of(args: argparse.Namespace) -> Job:
    """The job that the arguments describe. Raises ``UserError`` where they contradict."""
    options = JobOptions(
        device=args.device,
        quality=args.quality,
        tau=args.tau,
        seed=args.seed,
        refine=not args.no_refine,
        field=args.field,
        ablate=tuple(args.ablate),
        trust_masks=args.trust_masks,
        split=args.split,
        soft_edges=args.soft_edges,
        holdout=args.holdout,
        model=args.model,
        drop_invalid=args.drop_invalid,
    )
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
        options=options,
    )


def _together(prompts: list[ViewPrompt]) -> list[ViewPrompt]:
    """One prompt a view."""
    views: dict[str, ViewPrompt] = {}
    for prompt in prompts:
        earlier = views.get(prompt.view)
        views[prompt.view] = ViewPrompt(prompt.view, (earlier.points if earlier else ()) + prompt.points)
    return list(views.values())


def run(args: argparse.Namespace) -> int:
    """Runs the job and says what was written."""
    progress = Terminal()
    try:
        result = run_job(job_of(args), progress, RunSettings(cache=args.cache, force=args.force))
    finally:
        progress.close()
    for warning in result.warnings:
        print(f"note: {warning}")
    for name, count in result.files.counts.items():
        print(f"{name}: {count:,} Gaussians" + (f" in {result.files.objects[name]}" if count else ""))
    print(f"background: {result.files.background_count:,} Gaussians")
    print(f"Open {args.out / 'contact_sheet.png'} to see the result.")
    return 0
