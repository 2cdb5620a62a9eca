# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut convert A B``: a splat file in another format."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.formats import FORMATS, losses, read_splats, writable_format, write_splats
from splatcut.formats.findings import place_findings
from splatcut.formats.spz import SH_BITS
from splatcut.messages.arguments import add_arguments


def add_parser(subparsers: Any) -> None:
    """Adds the command to the command line."""
    writable = ", ".join(kind.suffix for kind in FORMATS if kind.write is not None or kind.name == "ply")
    parser = subparsers.add_parser(
        "convert",
        help="write a splat file in another format",
        description="Write a splat file in the format of the output's extension, and say what that format cannot hold.",
    )
    parser.add_argument("input", type=Path, metavar="A", help="splat file to read, or the folder of an unbundled SOG")
    parser.add_argument("output", type=Path, metavar="B", help=f"splat file to write: {writable}")
    parser.add_argument("--force", action="store_true", help="overwrite B if it exists")
    parser.add_argument(
        "--spz-sh-bits",
        type=int,
        choices=range(1, 9),
        metavar="1-8",
        help="bits of each coefficient of view-dependent colour in an .spz (default: 5 for SH degree 1, 4 above)",
    )
    add_arguments(parser, ["drop_invalid", "antialiased", "spz_axes"])
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Converts; prints what is lost on standard error. Returns the exit code."""
    writable_format(args.output)  # says so before a large file is read for nothing
    if args.output.exists():
        if args.input.exists() and args.output.samefile(args.input):
            raise UserError(f"{args.output} is the input itself. Choose another name for the output.")
        if args.output.is_dir():
            raise UserError(f"{args.output} is a folder. Give the name of a file to write.")
        if not args.force:
            raise UserError(f"{args.output} already exists. Choose another name, or use --force to overwrite it.")
    bits = SH_BITS if args.spz_sh_bits is None else (args.spz_sh_bits,) * 2
    splats = read_splats(
        args.input, drop_invalid=args.drop_invalid, antialiased=args.antialiased, spz_axes=args.spz_axes
    )
    if splats.dropped:
        print(f"Left out {splats.dropped} Gaussians with values that are not finite.", file=sys.stderr)
    told = [*place_findings(splats), *splats.findings]
    for sentence in (*(finding.text for finding in told), *losses(splats, args.output, spz_sh_bits=bits)):
        print(f"Note: {sentence}", file=sys.stderr)
    write_splats(args.output, splats, spz_sh_bits=bits)
    print(f"Wrote {len(splats):,} Gaussians to {args.output}.")
    return 0
