# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut evaluate``: scores of predicted masks against true ones."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from splatcut.evaluation.folders import Evaluation
    from splatcut.evaluation.scores import MaskScore

_COLUMNS = (
    ("IoU", "iou"),
    ("accuracy", "accuracy"),
    ("bIoU 2%", "boundary"),
    ("bIoU 5px", "boundary_5px"),
    ("bIoU 2px", "boundary_2px"),
)

_DESCRIPTION = """Prints IoU, pixel accuracy and boundary IoU (Cheng et al. 2021; bands of 2% of the image diagonal, 5
and 2 pixels). A folder of masks holds <object>/<view>.png or, for one object, <view>.png; an output folder of 'splatcut
segment' works as well. A pixel belongs to the object when its 8-bit value is above 127. Views in which both masks are
empty count towards the accuracy only."""


def add_parser(subparsers: Any) -> None:
    """Adds the command to the program's commands."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evaluate", help="score masks against ground truth", description=_DESCRIPTION
    )
    parser.add_argument("--pred", type=Path, required=True, metavar="DIR", help="predicted masks, or an output folder")
    parser.add_argument("--gt", type=Path, required=True, metavar="DIR", help="true masks")
    parser.add_argument(
        "--valid", type=Path, metavar="DIR", help="masks of the pixels that count (white), laid out as --gt"
    )
    parser.add_argument("--views", nargs="+", default=[], metavar="VIEW", help="score only these views")
    parser.add_argument(
        "--objects", nargs="+", default=[], metavar="NAME", help="score only these objects (NVOS: scenes)"
    )
    parser.add_argument(
        "--holdout", type=int, default=0, metavar="N", help="score only every N-th view by name, from the first"
    )
    parser.add_argument(
        "--resize", action="store_true", help="resize predictions of another size to the true mask (nearest pixel)"
    )
    parser.add_argument(
        "--nvos", action="store_true", help="--gt is laid out as the NVOS benchmark; --pred holds a folder per scene"
    )
    parser.add_argument("--per-view", action="store_true", help="print every view, not only the means")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the scores of every view to this file")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Runs the command. Raises ``UserError``."""
    from splatcut.evaluation.folders import evaluate_pairs, pair_masks
    from splatcut.evaluation.nvos import nvos_pairs

    if args.nvos:
        pairs = nvos_pairs(args.pred, args.gt, args.objects)
    else:
        pairs = pair_masks(
            args.pred, args.gt, views=args.views, objects=args.objects, holdout=args.holdout, valid=args.valid
        )
    evaluation = evaluate_pairs(pairs, resize=args.resize or args.nvos)
    if args.json is not None:
        evaluation.write(args.json)
    print(table(evaluation, per_view=args.per_view))
    return 0


def table(evaluation: Evaluation, *, per_view: bool = False) -> str:
    """The scores as text, one line an object and one for the mean over objects."""
    lines: list[tuple[str, str, MaskScore]] = []
    for name, score in evaluation.objects.items():
        views = evaluation.scores[name]
        if per_view:
            lines += [(name, view, views[view]) for view in views]
        lines.append((name, f"mean of {len(views)}", score))
    if len(evaluation.scores) > 1:
        lines.append(("mean", f"{len(evaluation.scores)} objects", evaluation.mean))
    first = max(len("object"), *(len(line[0]) for line in lines))
    second = max(len("views"), *(len(line[1]) for line in lines))
    rows = [f"{'object':<{first}}  {'views':<{second}}" + "".join(f"  {title:>8}" for title, _ in _COLUMNS)]
    for name, view, score in lines:
        cells = [_number(getattr(score, key)) for _, key in _COLUMNS]
        rows.append(f"{name:<{first}}  {view:<{second}}" + "".join(f"  {cell:>8}" for cell in cells))
    return "\n".join(rows)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
