# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts the objects out of the embedded demo scene: ``python3 scripts/demo.py``.

Makes what it needs in ``.venv`` the first time. Options of ``splatcut segment`` may follow, for example
``--quality standard`` for better edges than the draft's, or ``--no-refine``. The results lie in ``demo_out/``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import List

import _environment

DEMO = _environment.REPOSITORY / "demo"
OUT = _environment.REPOSITORY / "demo_out"


def main(arguments: List[str]) -> int:
    """Runs the demo with further options of ``splatcut segment``; returns the exit code."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print((__doc__ or "").strip())
        return 0
    _environment.ensure("engine")
    command = ["segment", _relative(DEMO / "scene.ply"), "--cameras", _relative(DEMO / "cameras.json")]
    command += ["--images", _relative(DEMO / "images"), "--prompts", _relative(DEMO / "prompts.json")]
    # The folder is the demo's own: an older version's results in it may go. A draft, as a demo should not take long;
    # an option that follows wins.
    command += ["--out", _relative(OUT), "--force", "--quality", "draft", *arguments]
    print("splatcut " + " ".join(command), flush=True)
    code = _environment.run_in("engine", ["-m", "splatcut", *command])
    if code == 0:
        _name_results()
    return code


def _name_results() -> None:
    """Says what was written and which picture to open."""
    print("\nWritten:")
    for path in [*sorted((OUT / "objects").glob("*.ply")), OUT / "background.ply"]:
        if path.is_file():
            print(f"  {_relative(path)}  ({path.stat().st_size / 1e6:.1f} MB)")
    masks = sorted((OUT / "masks").glob("*/*.png"))
    if masks:
        names = ", ".join(sorted({path.parent.name for path in masks}))
        print(f"  {_relative(OUT / 'masks')}{os.sep}...  ({len(masks)} masks: {names})")
    for name in ("labels.npz", "report.json", "contact_sheet.png"):
        if (OUT / name).is_file():
            print(f"  {_relative(OUT / name)}")
    print(f"\nOpen this picture: {OUT / 'contact_sheet.png'}", flush=True)


def _relative(path: Path) -> str:
    return str(path.relative_to(_environment.REPOSITORY))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
