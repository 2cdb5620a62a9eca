# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How long a click takes to become labels, and how good they are.

    python scripts/bench/preview.py
    python scripts/bench/preview.py --scene demo statue --viewport

Every object is clicked point by point as its prompts say, each click being a preview of the worker, in this process
(the pipe adds milliseconds). *First* is the preview from the clicked views alone, *full* the one that further views
support, which the first click has to encode. With --viewport there are no cameras: the clicked view stands for the
viewport of Blender, and virtual views support it. CPU seconds are those of all threads together and say what an idle
machine would take better than the clock of a busy one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.shared import REPOSITORY, SHARED, add_markdown_option, state, table, write_markdown
from splatcut.cameras import load_views
from splatcut.messages import InlineView, ObjectPrompt, ViewPrompt, load_prompts
from splatcut.messages.worker import Encode, Event, LoadScene, LoadSceneResult, Preview, PreviewEvent, Request, SetViews
from splatcut.worker.session import Session

#: The demo scene's label of each object.
DEMO_LABELS = ("teapot", "bread", "plant", "pear", "book")


def steps_of(item: ObjectPrompt) -> Iterator[tuple[str, ObjectPrompt]]:
    """The object as it is after each click on it; points that are not on it come with the last."""
    first = next(prompt for prompt in item.prompts if isinstance(prompt, ViewPrompt))
    on = [point for point in first.points if point[2] == 1]
    for count in range(1, min(len(on), 3) + 1):
        yield f"click {count}", ObjectPrompt(item.name, (ViewPrompt(first.view, tuple(on[:count])),))
    yield "all in one view", ObjectPrompt(item.name, (first,))


def scene_files(name: str) -> tuple[Path, Path, Path]:
    """Scene, cameras and prompts."""
    if name == "demo":
        folder = REPOSITORY / "demo"
        return folder / "scene.ply", folder / "cameras.json", folder / "prompts.json"
    folder = SHARED / "scenes" / name
    return folder / "scene.ply", folder, folder / "prompts.json"


def overlap(file: Path, truth: NDArray[np.bool_] | None) -> str:
    """Intersection over union with the Gaussians of the object, as text."""
    if truth is None:
        return "-"
    with np.load(file) as stored:
        found = stored["labels"] == 1
    return f"{(found & truth).sum() / max(1, (found | truth).sum()):.3f}"


class Clock:
    """Asks a session and tells what it took."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.early: tuple[float, float, Path] | None = None
        self._began = (0.0, 0.0)

    def __call__(self, request: Request) -> tuple[object, float, float]:
        """Result, seconds by the clock, CPU seconds."""
        self.early = None
        self._began = time.perf_counter(), time.process_time()
        result = self.session.work(1, request, self._hear, threading.Event())
        return result, time.perf_counter() - self._began[0], time.process_time() - self._began[1]

    def _hear(self, event: Event) -> None:
        if isinstance(event, PreviewEvent) and event.stage == "first":
            wall, cpu = self._began
            self.early = time.perf_counter() - wall, time.process_time() - cpu, event.file


def measure(name: str, chosen: Sequence[str], viewport: bool, folder: Path) -> list[list[str]]:
    """The rows of a scene; of the ``chosen`` objects, or of all."""
    scene, cameras, prompts = scene_files(name)
    views = {view.name: view for view in load_views(cameras)}
    rows: list[list[str]] = []
    for item in load_prompts(prompts):
        if chosen and item.name not in chosen:
            continue
        # Each object in a session and with a cache of its own, so that its first click finds nothing encoded.
        ask = Clock(Session("cpu", cache=folder / name / item.name))
        ask.session.warm()
        loaded, _, _ = ask(LoadScene(scene))
        assert isinstance(loaded, LoadSceneResult)
        truth = None
        if name == "demo":
            truth = np.load(scene.with_name("labels.npz"))["labels"] == 1 + DEMO_LABELS.index(item.name)
        clicked = next(prompt.view for prompt in item.prompts if isinstance(prompt, ViewPrompt))
        camera = views[clicked].camera
        pose = tuple(tuple(row) for row in camera.camera_from_world.tolist())
        inline = InlineView(
            clicked, camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy,
            pose,  # type: ignore[arg-type]
        )  # fmt: skip
        ask(SetViews(None, None, (inline,)) if viewport else SetViews(cameras))
        _, wall, cpu = ask(Encode((clicked,)))
        what = [f"{name}{', viewport' if viewport else ''}", f"{loaded.gaussians:,}", item.name]
        rows.append([*what, "encode the view", "", "", f"{wall:.2f}", f"{cpu:.2f}", "", ""])
        for step, said in steps_of(item):
            result, wall, cpu = ask(Preview((said,), folder / "previews"))
            early = ask.early
            rows.append(
                [
                    *what,
                    step,
                    "-" if early is None else f"{early[0]:.2f}",
                    "-" if early is None else f"{early[1]:.2f}",
                    f"{wall:.2f}",
                    f"{cpu:.2f}",
                    "-" if early is None else overlap(early[2], truth),
                    overlap(result.file, truth),  # type: ignore[attr-defined]
                ]
            )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description="Times from a click to labels.")
    parser.add_argument("--scene", nargs="+", default=["demo"], choices=["demo", "statue", "goldcape", "horns"])
    parser.add_argument("--object", nargs="+", default=[], help="names of the objects to click on (default: all)")
    parser.add_argument("--viewport", action="store_true", help="no cameras but the clicked view")
    add_markdown_option(parser)
    args = parser.parse_args(arguments)
    head = [
        "scene", "Gaussians", "object", "step", "first, s", "CPU s", "full, s", "CPU s", "IoU first", "IoU full",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for name in args.scene for row in measure(name, args.object, args.viewport, Path(folder))]
    print(f"{state()}\n\n{table(head, rows)}")
    if args.markdown is not None:
        write_markdown(args.markdown, state(), {"": table(head, rows)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
