# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts the objects out of the embedded demo scene: ``python3 scripts/demo.py``.

Makes what it needs in ``.venv`` the first time. Options of ``splatcut segment`` may follow, for example
``--quality standard`` for better edges than the draft's, or ``--no-refine``. The results lie in ``demo_out/``.

At the end they are put into a .blend, which opens with the add-on, and Blender renders a picture of them. That takes
Blender as a Python module in ``.venv-bpy45`` (a download of 400 MB the first time), where this machine can have it;
``--no-blender`` leaves it out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import List

from lib import environment

DEMO = environment.REPOSITORY / "demo"
OUT = environment.REPOSITORY / "demo_out"


def main(arguments: List[str]) -> int:
    """Runs the demo with further options of ``splatcut segment``; returns the exit code."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print((__doc__ or "").strip())
        return 0
    with_blender = "--no-blender" not in arguments
    arguments = [argument for argument in arguments if argument != "--no-blender"]
    environment.ensure("engine")
    command = ["segment", _relative(DEMO / "scene.ply"), "--cameras", _relative(DEMO / "cameras.json")]
    command += ["--images", _relative(DEMO / "images"), "--prompts", _relative(DEMO / "prompts.json")]
    # The folder is the demo's own: an older version's results in it may go. A draft, as a demo should not take long;
    # an option that follows wins.
    command += ["--out", _relative(OUT), "--force", "--quality", "draft", *arguments]
    print("splatcut " + " ".join(command), flush=True)
    code = environment.run_in("engine", ["-m", "splatcut", *command])
    if code != 0:
        return code
    _name_results()
    return _make_blend() if with_blender else 0


def _make_blend() -> int:
    """Puts the result into a .blend and renders it, where Blender as a Python module can be had."""
    reason = environment.unsuited("bpy45")
    if reason is not None:
        print(f"\nNo .blend is made: there is no Blender as a Python module here. {reason}")
        return 0
    print("\nMaking a .blend of it, and a picture with Blender.", flush=True)
    environment.ensure("bpy45")
    blend, picture = OUT / "demo.blend", OUT / "blender.png"
    os.environ["SPLATCUT_WORKER_PYTHON"] = str(environment.python_of("engine"))
    command = ["scripts/lib/demo_blend.py", "--demo", _relative(DEMO), "--cut", _relative(OUT)]
    code = environment.run_in("bpy45", [*command, "--blend", _relative(blend), "--render", _relative(picture)])
    if code == 0:
        print(f"\nOpen this in Blender: {blend}\nBlender's picture:    {picture}", flush=True)
        if (OUT / "healed" / "background.ply").is_file():
            print(
                "The teapot's place is filled: the collection 'Healed background' is shown. The background as cut "
                "is in 'Background as cut', hidden; step 4 of the SplatCut tab switches between them."
            )
    return code


def _name_results() -> None:
    """Says what was written and which picture to open."""
    print("\nWritten:")
    for path in [*sorted((OUT / "objects").glob("*.ply")), OUT / "background.ply", OUT / "healed" / "background.ply"]:
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
    return str(path.relative_to(environment.REPOSITORY))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
