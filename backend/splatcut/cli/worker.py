# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut worker``: serves the Blender extension over standard input and output."""

from __future__ import annotations

import argparse
import faulthandler
import os
import signal
import sys
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.messages.arguments import add_arguments
from splatcut.worker.pipes import Lines, take_pipes


def add_parser(subparsers: Any) -> None:
    """Adds the subcommand to ``subparsers``."""
    parser = subparsers.add_parser(
        "worker",
        help="serve the Blender extension (started by it)",
        description="Reads requests, one JSON object a line, from standard input and writes replies and events to "
        "standard output. Everything else goes to standard error. Ends when standard input does.",
    )
    add_arguments(parser, ["device", "model"])
    parser.add_argument("--cache", type=Path, help="folder of the image embeddings")
    parser.add_argument("--cache-bytes", type=int, help="disk space for the image embeddings, in bytes")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append standard error to this file")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Serves until the input ends."""
    if args.cache_bytes is not None and args.cache_bytes < 0:
        raise UserError("--cache-bytes must not be negative.")
    log = None if args.log is None else args.log.absolute()
    requests, replies = take_pipes(log)
    faulthandler.enable(file=sys.stderr)
    # Ctrl-C in the terminal that Blender was started from is Blender's affair; it takes the worker with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    from splatcut.devices import quick_device
    from splatcut.worker.server import About, Server, Worker

    def make_worker() -> Worker:
        # Here and not at the top: it takes the compiled parts, and the greeting must not wait for them.
        from splatcut.worker.session import Session

        return Session(args.device, args.model, args.cache, args.cache_bytes)

    about = About(lambda: quick_device(args.device), args.model or "MobileSAM (embedded)", log)
    lines = Lines(replies, lambda: os._exit(0))
    Server(requests, lines, make_worker, about).serve()
    return 0
