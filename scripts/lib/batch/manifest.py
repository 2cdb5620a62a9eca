# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a batch is to do: its command line, and manifests of many scenes as JSON or CSV. Runs without Blender.

An entry of a manifest has ``scene`` and ``prompts`` and, where wanted, ``name`` (folder under --out, by default the
scene's), ``cameras``, ``images``, ``axes``, ``format``, ``blend``, ``render``, ``samples`` and the options that Blender
shows in its panel (``splatcut.messages.SCENE_OPTIONS``; docs/options.md). JSON: ``{"defaults": {...}, "scenes": [{...},
...]}``; CSV: a header with these names, where an empty cell means the default. Relative paths are relative to the
manifest.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.messages import OPTIONS, SCENE_OPTIONS, JobOptions
from splatcut.messages.arguments import add_arguments

FORMATS = ("PLY", "SPLAT", "SPZ", "COMPRESSED")
AXES = ("Y_DOWN", "Y_UP", "Z_UP")
_PATHS = ("scene", "cameras", "images", "prompts", "blend", "render")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class InputError(Exception):
    """The command line or a manifest is wrong; the message says what and where in full sentences."""


@dataclass(frozen=True)
class Task:
    """One scene. Paths are absolute.

    Attributes:
        name: folder of the results under the batch's.
        cameras: of the data set, or None for virtual views.
        options: of the job; only ``SCENE_OPTIONS`` differ from their defaults.
        blend: .blend to save; render: picture to render, with ``samples`` samples a pixel.
    """

    name: str
    scene: Path
    prompts: Path
    cameras: Path | None = None
    images: Path | None = None
    options: JobOptions = field(default_factory=JobOptions)
    axes: str = "Y_DOWN"
    format: str = "PLY"
    blend: Path | None = None
    render: Path | None = None
    samples: int = 32

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^\x00-\x1f<>:\"/\\|?*]*[^\x00-\x1f<>:\"/\\|?*. ]", self.name):
            raise InputError(f"The name {self.name!r} is no legal folder name.")
        for value, allowed, what in ((self.axes, AXES, "axes"), (self.format, FORMATS, "format")):
            if value not in allowed:
                raise InputError(f"The option {what} of {self.name!r} must be {' or '.join(allowed)}, not {value!r}.")
        if self.samples < 1:
            raise InputError(f"The option samples of {self.name!r} must be at least 1, not {self.samples}.")

    def missing(self) -> str | None:
        """A sentence naming what the task needs and is not there, or None."""
        for what in ("scene", "prompts", "cameras", "images"):
            path = getattr(self, what)
            if path is not None and not path.exists():
                return f"The {what} {path} is not there."
        return None

    def key(self) -> str:
        """Equal for tasks that give the same results: what the inputs were when last changed, and the options."""
        content: dict[str, Any] = {}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            content[item.name] = str(value) if isinstance(value, Path) else value
            if isinstance(value, Path) and item.name not in ("blend", "render") and value.exists():
                content[f"{item.name}:state"] = _state(value)
        content["options"] = dataclasses.asdict(self.options)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _state(path: Path) -> list[Any]:
    """What tells that a file, or one directly in a folder, was changed."""
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    return [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in files]


@dataclass(frozen=True)
class Batch:
    """The whole command line. ``tasks`` have different names; ``again``: do also what is done already."""

    tasks: tuple[Task, ...]
    out: Path
    again: bool = False
    stop_at_failure: bool = False
    worker_python: Path | None = None


def parser(description: str) -> argparse.ArgumentParser:
    """The command line's parser."""
    result = argparse.ArgumentParser(
        prog="batch_segment.py", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("scene", nargs="?", type=Path, metavar="SCENE", help="splat file, unless --manifest is given")
    result.add_argument("--manifest", type=Path, metavar="FILE", help="many scenes: a .json or .csv")
    result.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    result.add_argument("--prompts", type=Path, metavar="FILE", help="prompts.json of the scene")
    result.add_argument("--cameras", type=Path, metavar="PATH", help="COLMAP folder, transforms.json or cameras.json")
    result.add_argument("--images", type=Path, metavar="DIR", help="folder of the photos")
    result.add_argument("--blend", type=Path, metavar="FILE", help="save the result as a .blend")
    result.add_argument("--render", type=Path, metavar="PNG", help="render the result with Cycles")
    add_arguments(result, SCENE_OPTIONS, defaults=False)
    result.add_argument("--samples", type=int, help=f"samples per pixel of the render (default: {Task.samples})")
    result.add_argument("--axes", choices=AXES, help=f"the file's axes (default: {Task.axes})")
    result.add_argument("--format", choices=FORMATS, help=f"of the exported objects (default: {Task.format})")
    result.add_argument("--again", action="store_true", help="also what an earlier run of the batch has finished")
    result.add_argument("--stop-at-failure", action="store_true", help="leave the other scenes when one fails")
    result.add_argument("--worker-python", type=Path, metavar="FILE", help="Python that has the engine installed")
    return result


def parse(options: argparse.Namespace) -> Batch:
    """The batch that the command line and its manifest ask for. Raises ``InputError``."""
    given = {name: value for name in _known() if (value := getattr(options, name, None)) is not None}
    if (options.scene is None) == (options.manifest is None):
        raise InputError("Give either a scene or --manifest.")
    if options.manifest is not None:
        single = [name for name in _PATHS if name in given]
        if single:
            raise InputError(f"--{single[0]} belongs into the manifest's entries.")
        tasks = read_manifest(options.manifest, given)
    else:
        tasks = (_task(given, Path.cwd(), "The command line"),)
    out = options.out.absolute()
    return Batch(tasks, out, options.again, options.stop_at_failure, options.worker_python)


def read_manifest(path: Path, defaults: Mapping[str, Any]) -> tuple[Task, ...]:
    """The tasks in a manifest. ``defaults`` come from the command line, before those of the manifest itself."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The manifest {path} cannot be read ({error}).") from error
    if path.suffix.lower() == ".csv":
        entries = _csv_entries(path, text)
        common: dict[str, Any] = {}
    elif path.suffix.lower() == ".json":
        entries, common = _json_entries(path, text)
    else:
        raise InputError(f"The manifest {path} must be a .json or a .csv.")
    if not entries:
        raise InputError(f"The manifest {path} names no scenes.")
    base = path.absolute().parent
    tasks = []
    for number, entry in enumerate(entries, start=1):
        tasks.append(_task({**defaults, **common, **entry}, base, f"Entry {number} of {path}"))
    for what in ("name", "blend", "render"):
        seen: dict[str, int] = {}
        for number, task in enumerate(tasks, start=1):
            value = getattr(task, what)
            # Some systems do not tell upper from lower case in file names.
            other = seen.setdefault(str(value).lower(), number) if value is not None else number
            if other != number:
                raise InputError(
                    f"Entries {other} and {number} of {path} have the same {what}, {str(value)!r}. Give each its own."
                )
    return tuple(tasks)


def _json_entries(path: Path, text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(f"The manifest {path} is no JSON ({error}).") from error
    entries = document.get("scenes") if isinstance(document, dict) else document
    common = document.get("defaults", {}) if isinstance(document, dict) else {}
    if (
        not isinstance(entries, list)
        or not isinstance(common, dict)
        or not all(isinstance(entry, dict) for entry in entries)
    ):
        raise InputError(f'The manifest {path} must hold {{"defaults": {{...}}, "scenes": [{{...}}, ...]}}.')
    return entries, common


def _csv_entries(path: Path, text: str) -> list[dict[str, Any]]:
    rows = list(csv.DictReader(text.splitlines()))
    if any(None in row for row in rows):
        raise InputError(f"A line of {path} has more cells than the header.")
    return [
        {key.strip(): value.strip() for key, value in row.items() if value and value.strip()}
        for row in rows
        if any(value and value.strip() for value in row.values())
    ]


def _known() -> list[str]:
    """What an entry may have."""
    return [*(item.name for item in dataclasses.fields(Task) if item.name != "options"), *SCENE_OPTIONS]


def _task(entry: Mapping[str, Any], base: Path, where: str) -> Task:
    unknown = sorted(set(entry) - set(_known()))
    if unknown:
        raise InputError(f"{where} has {unknown[0]!r}, which is no option. The options are {', '.join(_known())}.")
    for name in ("scene", "prompts"):
        if name not in entry:
            raise InputError(f"{where} names no {name}.")
    values: dict[str, Any] = {}
    for name, value in entry.items():
        try:
            values[name] = _value(name, value, base)
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(f"{where} has the {name} {value!r}, which cannot be used.") from error
    values.setdefault("name", _name_of(values["scene"]))
    try:
        options = JobOptions(**{name: values.pop(name) for name in SCENE_OPTIONS if name in values})
    except UserError as error:
        raise InputError(f"{where}: {error}") from error
    return Task(**values, options=options)


def _value(name: str, value: Any, base: Path) -> Any:
    if name in _PATHS:
        if not isinstance(value, (str, Path)):
            raise TypeError
        return (base / Path(value).expanduser()).absolute()
    kind = int if name == "samples" else OPTIONS[name].type if name in SCENE_OPTIONS else str
    if kind is bool:
        return value if isinstance(value, bool) else _WORDS[str(value).strip().lower()]
    if kind in (int, float):
        if isinstance(value, bool) or (kind is int and isinstance(value, float)):
            raise TypeError
        return kind(value)
    if not isinstance(value, str):
        raise TypeError
    return value.upper() if name in ("axes", "format") else value


def _name_of(scene: Path) -> str:
    """The scene's name without its suffixes; a file called scene or point_cloud is named after its folder."""
    stem = re.sub(r"(\.compressed)?\.\w+$", "", scene.name)
    if stem.lower() in ("scene", "point_cloud", "splat", "meta", "input") and scene.parent.name:
        stem = scene.parent.name
    return re.sub(r"[\x00-\x1f<>:\"/\\|?*]", "_", stem).strip(" .") or "scene"
