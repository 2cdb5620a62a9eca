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
from typing import TYPE_CHECKING, Any, BinaryIO

from splatcut.errors import UserError
from splatcut.messages.arguments import add_arguments

if TYPE_CHECKING:
    from splatcut.worker.session import Session


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
    requests, replies = _take_pipes(log)
    faulthandler.enable(file=sys.stderr)
    # Ctrl-C in the terminal that Blender was started from is Blender's affair; it takes the worker with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    from splatcut.devices import resolve_device
    from splatcut.worker.server import About, Server

    def make_worker() -> Session:
        # Here and not at the top: it takes the compiled parts, and the greeting must not wait for them.
        from splatcut.worker.session import Session

        return Session(args.device, args.model, args.cache, args.cache_bytes)

    about = About(lambda: resolve_device(args.device), args.model or "MobileSAM (embedded)", log)
    Server(requests, replies, make_worker, about).serve()
    return 0


def _take_pipes(log: Path | None) -> tuple[BinaryIO, BinaryIO]:
    """(requests, replies): standard input and output for the protocol alone.

    What a library prints must never end up between two messages: from here on whatever reads standard input finds it
    empty, and whatever prints, also in native code, prints to standard error, which goes to the end of ``log`` where
    one is given. Raises ``OSError`` when it cannot be opened.
    """
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(file, 2)
        os.close(file)
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stderr
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")
