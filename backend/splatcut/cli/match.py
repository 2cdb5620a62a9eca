# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut match``: colours for programs that blend splats in linear light, and back."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from splatcut.devices import resolve_device
from splatcut.messages.arguments import add_arguments
from splatcut.messages.findings import Finding, warnings
from splatcut.progress import Terminal

_DESCRIPTION = """Fits the colours of a scene anew, so that it looks as trained where splats are blended in linear
light, as Blender 5.3 does; geometry and opacities stay. A cut's folder is matched as one scene, objects and background
alike. The trained colours stay in the file, and --blend display brings them back, bit by bit."""


def add_parser(subparsers: Any) -> None:
    """Adds the command to the program's commands."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "match", help="match colours to Blender's light", description=_DESCRIPTION
    )
    parser.add_argument("scene", type=Path, metavar="SCENE", help="splat file, or the folder of a cut")
    parser.add_argument(
        "--blend",
        choices=("linear", "display"),
        default="linear",
        help="how the colours will be blended: linear, as in Blender; display, as trained, which undoes a match "
        "(default: linear)",
    )
    parser.add_argument(
        "--cameras",
        type=Path,
        metavar="PATH",
        help="COLMAP model, transforms.json or cameras.json; virtual cameras are made without",
    )
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="folder of the photos; needed only if the cameras do not give a size"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="a .ply, or a folder for a cut")
    parser.add_argument("--force", action="store_true", help="overwrite OUT if it exists")
    add_arguments(parser, ["device", "drop_invalid", "antialiased"])
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Runs the command. Raises ``UserError``."""
    from splatcut import match
    from splatcut.formats.findings import place_findings
    from splatcut.pipeline.inputs import read_views

    names = match.files_of(args.scene)
    match.check_place(args.scene, args.out, args.force)
    files = match.read(names, drop_invalid=args.drop_invalid, antialiased=args.antialiased)
    told: list[Finding] = [finding for file in files for finding in (*place_findings(file), *file.findings)]
    count = sum(map(len, files))
    if args.blend == "display":
        match.write(args.scene, names, match.undo(files, names), args.out)
        print(f"The colours of {count:,} Gaussians are as trained again. They are in {args.out}.")
        return 0
    views = read_views(args.cameras, args.images, told)
    for sentence in dict.fromkeys(warnings(told)):
        print(f"note: {sentence}", file=sys.stderr)
    if 0 < len(views) < 3:
        print(f"note: There are only {len(views)} views; from elsewhere the match may be poor.", file=sys.stderr)
    device = resolve_device(args.device)
    with contextlib.closing(Terminal()) as progress:
        made, found = match.match(files, views, progress, device)
    match.write(args.scene, names, made, args.out)
    hidden = int((~found.seen).sum())
    print(
        f"Matched {count:,} Gaussians: blended in linear light, they differ from the scene as trained by "
        f"{255 * found.after:.1f} of 255 (root mean square), {255 * found.before:.1f} before. They are in {args.out}."
    )
    if hidden:
        print(f"note: No view shows {hidden:,} of the Gaussians; they keep their colours.", file=sys.stderr)
    return 0
