# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's environment: a virtual environment of its own, never Blender's Python.

Here: which interpreter it is made with, what goes into it, whether it fits the disk, and whether one is whole.
``core.creation`` makes it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from splatcut.errors import UserError
from splatcut.folders import data_folder

from .jobs import bytes_text, free_space
from .process import clean_environment

Build = Literal["cpu", "cuda"]

#: The versions of Python that the pinned packages have wheels for, in the order in which they are taken.
PYTHONS = ((3, 11), (3, 12), (3, 13))
#: In a folder while its environment is being made: what has it is made anew.
UNFINISHED = "splatcut-unfinished"
#: In a finished environment: what it was made of, as JSON.
STAMP = "splatcut-environment.json"
#: Packages that the CUDA build has besides the pinned ones.
CUDA_PACKAGES = ("gsplat>=1.5",)
#: (bytes to fetch, bytes on the disk): measured for the CPU build with some room, estimated for CUDA.
SIZES: dict[Build, tuple[int, int]] = {"cpu": (480_000_000, 1_800_000_000), "cuda": (3_230_000_000, 8_100_000_000)}

_PROBE = """
import json, struct, sys
missing = []
for name in ("venv", "ensurepip", "ssl", "ctypes"):
    try:
        __import__(name)
    except Exception:
        missing.append(name)
print(json.dumps({"version": list(sys.version_info[:3]), "bits": struct.calcsize("P") * 8, "missing": missing,
                  "path": sys.executable, "implementation": sys.implementation.name}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that was asked and answered.

    Attributes:
        missing: modules that it lacks and that making an environment needs.
    """

    path: Path
    version: tuple[int, int, int]
    missing: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return f"Python {'.'.join(map(str, self.version))} ({self.path})"


@dataclass(frozen=True)
class Parts:
    """What the environment is made of besides Python.

    Attributes:
        requirements: the pinned packages; engine: the engine's wheel, or the checkout that it is developed in.
    """

    requirements: Path
    engine: Path

    @property
    def torch(self) -> str:
        """The pin of torch, as "2.13.0"."""
        match = re.search(r"^torch==([\w.]+)", self.requirements.read_text(encoding="utf-8"), re.M)
        if match is None:
            raise UserError(
                f"{self.requirements} does not say which version of torch is needed. Reinstall the extension."
            )
        return match[1]


@dataclass(frozen=True)
class Plan:
    """An environment that is to be made.

    Attributes:
        download, disk: bytes that it takes; free: bytes left on the disk, or None when that cannot be told.
        uv: the program of that name, for an interpreter that cannot make environments by itself.
    """

    folder: Path
    interpreter: Interpreter
    build: Build
    parts: Parts
    download: int
    disk: int
    free: int | None
    uv: Path | None = None

    @property
    def text(self) -> str:
        """One line for the preferences."""
        free = "" if self.free is None else f" ({bytes_text(self.free)} free)"
        return (
            f"{BUILDS[self.build]}: about {bytes_text(self.download)} to download, about {bytes_text(self.disk)} on "
            f"disk{free}"
        )


BUILDS: dict[Build, str] = {"cpu": "CPU build", "cuda": "CUDA build for NVIDIA GPUs"}


def default_folder() -> Path:
    """Where the preferences create the environment when they name no other place."""
    return data_folder() / "worker"


def python_in(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def worker_python(chosen: Path | None) -> Path:
    """The worker's interpreter.

    Args:
        chosen: an interpreter or the folder of a virtual environment, or None for the one that the preferences made.

    Raises:
        UserError: there is none.
    """
    remedy = "Create the environment in the extension's preferences, or choose an existing one there."
    folder = chosen if chosen is not None and chosen.is_dir() else default_folder() if chosen is None else None
    if folder is None:
        assert chosen is not None
        if not chosen.is_file():
            raise UserError(f"The engine's interpreter {chosen} does not exist. {remedy}")
        return chosen
    if (folder / UNFINISHED).exists():
        raise UserError(f"The engine's environment in {folder} is incomplete. Create it again in the preferences.")
    python = python_in(folder)
    if not python.is_file():
        what = f"{folder} is not a virtual environment" if chosen is not None else "The engine has no environment yet"
        raise UserError(f"{what}. {remedy}")
    return python


def builds() -> tuple[Build, ...]:
    """What can be made on this system: packages for CUDA come for Linux on x86-64 alone by themselves."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    return ("cpu", "cuda") if sys.platform == "linux" and machine == "x86_64" else ("cpu",)


def parts(extension: Path) -> Parts:
    """What an extension brings for the environment, or the checkout that it lies in. Raises ``UserError``."""
    wheels = sorted((extension / "wheels").glob("splatcut-*.whl"))
    requirements = extension / "engine-requirements.txt"
    if wheels and requirements.is_file():
        return Parts(requirements, wheels[-1])
    checkout = extension.resolve().parent
    requirements = checkout / "requirements" / "engine.txt"
    if (checkout / "backend" / "splatcut" / "__init__.py").is_file() and requirements.is_file():
        return Parts(requirements, checkout)
    raise UserError(f"The engine is missing from the extension ({extension}). Reinstall the extension.")


def probe(path: Path, timeout: float = 20.0) -> Interpreter | None:
    """Asks an interpreter what it is; None when it is no Python that can be used."""
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", _PROBE],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            **_hidden(),
        )
        answer: Any = json.loads(done.stdout.decode("utf-8", "replace").strip().splitlines()[-1])
        major, minor, micro = answer["version"]
        if answer["bits"] != 64 or answer["implementation"] != "cpython":
            return None
        return Interpreter(Path(answer["path"]), (major, minor, micro), tuple(answer["missing"]))
    except (OSError, ValueError, KeyError, IndexError, TypeError, subprocess.SubprocessError):
        return None


def candidates() -> Iterator[Path]:
    """Where a suitable Python may be: PATH, pyenv, Windows' launcher, uv, and last Blender's own.

    ``sys.executable`` is one of the last: it is Blender's, or whatever the build took for it.
    """
    names = [f"python{major}.{minor}" for major, minor in PYTHONS]
    for name in (*names, "python3", "python"):
        if found := shutil.which(name):
            yield Path(found)
    for folder in (Path("/usr/bin"), Path("/usr/local/bin"), Path("/opt/homebrew/bin")):
        yield from (folder / name for name in names if (folder / name).is_file())
    for major, minor in PYTHONS:
        pattern = f"{major}.{minor}.*/bin/python"
        yield from sorted((Path.home() / ".pyenv" / "versions").glob(pattern), reverse=True)
        if os.name == "nt" and (launcher := shutil.which("py")):
            yield from _answers([launcher, f"-{major}.{minor}", "-c", "import sys; print(sys.executable)"])
    if uv := shutil.which("uv"):
        for major, minor in PYTHONS:
            yield from _answers([uv, "python", "find", "--no-python-downloads", f"{major}.{minor}"])
    for prefix in dict.fromkeys((sys.prefix, sys.base_prefix, sys.exec_prefix)):
        yield from sorted(p for p in Path(prefix).glob("bin/python*") if re.fullmatch(r"python[\d.]*(\.exe)?", p.name))
        if os.name == "nt":
            yield Path(prefix) / "python.exe"
    for name in (getattr(sys, "_base_executable", ""), sys.executable):
        if name and "python" in Path(name).name.lower():
            yield Path(name)


def find_interpreter(chosen: Path | None = None) -> Interpreter:
    """The Python to make the environment with: the chosen one, or the best that is found.

    Raises:
        UserError: there is none, or the chosen one is not suitable.
    """
    if chosen is not None:
        found = probe(chosen)
        if found is None:
            raise UserError(
                f"{chosen} is not a Python interpreter. Choose another one, or clear the field to search for one."
            )
        if found.version[:2] not in PYTHONS:
            raise UserError(f"{found.text} cannot be used: the engine needs {_pythons()}. Choose another interpreter.")
        return found
    seen: set[str] = set()
    incomplete: list[Interpreter] = []
    for path in candidates():
        if str(path) in seen:
            continue
        seen.add(str(path))
        found = probe(path)
        if found is None or found.version[:2] not in PYTHONS:
            continue
        if not found.missing:
            return found
        incomplete.append(found)
    if incomplete and shutil.which("uv") and "ssl" not in incomplete[0].missing:
        return incomplete[0]
    if incomplete:
        first = incomplete[0]
        hint = ""
        if sys.platform == "linux":
            hint = f" On Debian and Ubuntu, install the package python{first.version[0]}.{first.version[1]}-venv."
        raise UserError(
            f"{first.text} cannot create environments because it lacks {', '.join(first.missing)}. Install what is "
            f"missing, or another {_pythons()}, and try again.{hint}"
        )
    raise UserError(
        f"No {_pythons()} was found. Install one from python.org or with your system's package manager, or choose an "
        "interpreter in the extension's preferences."
    )


def plan(folder: Path, interpreter: Interpreter, build: Build, made_of: Parts, *, online: bool) -> Plan:
    """What is to be made, when it can be.

    Args:
        online: whether Blender may use the internet (``bpy.app.online_access``).

    Raises:
        UserError: the disk is too full, Blender must stay offline, or the folder belongs to something else.
    """
    download, disk = SIZES[build]
    made = Plan(folder, interpreter, build, made_of, download, disk, free_space(folder), _uv(interpreter))
    if build not in builds():
        raise UserError(
            "The CUDA build is available on Linux only. Choose the CPU build, or use an existing environment."
        )
    check_online(online)
    if made.free is not None and made.free < disk:
        raise UserError(
            f"The disk that holds {folder} has only {bytes_text(made.free)} left, but the {BUILDS[build]} needs about "
            f"{bytes_text(disk)}. Free up some space, or choose another folder for the environment."
        )
    if folder.exists() and not is_ours(folder):
        raise UserError(f"{folder} already contains other files. Choose a new or empty folder for the environment.")
    return made


def check_online(online: bool) -> None:
    """Raises ``UserError`` when Blender must stay offline."""
    if not online:
        raise UserError(
            "Blender is set to work offline, but the engine's packages must be downloaded once. Turn on Preferences > "
            "System > Network > Allow Online Access, or choose an existing environment."
        )


def is_ours(folder: Path) -> bool:
    """Whether a folder may be made anew: empty, or made, or half made, by us."""
    if not folder.is_dir():
        return False
    return (folder / UNFINISHED).exists() or (folder / STAMP).exists() or not any(folder.iterdir())


def stamp(folder: Path) -> dict[str, Any] | None:
    """What a finished environment was made of; None for others."""
    if (folder / UNFINISHED).exists():
        return None
    try:
        content = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def environment_text(chosen: Path | None, version: str) -> tuple[bool, str]:
    """(whether it will do, a sentence on it) for the preferences; looks at files alone."""
    try:
        python = worker_python(chosen)
    except UserError as error:
        return False, str(error)
    content = None if chosen is not None and chosen.is_file() else stamp(chosen or default_folder())
    if content is None:
        return True, f"{python}"
    build = BUILDS.get(content.get("build", "cpu"), "")
    if content.get("splatcut") != version:
        return False, (
            f"The environment is for SplatCut {content.get('splatcut')}, but the extension is version {version}. "
            "Create it again."
        )
    return True, f"{build}, SplatCut {version}, Python {content.get('python', '')}"


def read_doctor(output: str, version: str) -> tuple[bool, list[str]]:
    """(whether the engine can work, sentences for the user) from what ``splatcut doctor --json`` said.

    Args:
        version: that the extension needs.
    """
    start = re.search(r"^\{", output, re.M)  # libraries may say something first
    try:
        report: Any = json.JSONDecoder().raw_decode(output, start.start())[0] if start else None
        lines = [f"SplatCut {report['splatcut']} on {report['platform']}."]
        checks = [(c["name"], c["group"], bool(c["ok"]), c["detail"], c.get("remedy", "")) for c in report["checks"]]
        ready = bool(report["ready"])
    except (ValueError, KeyError, TypeError):
        last = " ".join(output.strip().splitlines()[-3:])
        return False, [
            f"The engine does not respond. Create the environment again. Its output was: {last or 'nothing'}"
        ]
    if report["splatcut"] != version:
        ready = False
        lines.append(f"The extension is SplatCut {version}; the two versions must match. Create the environment again.")
    for name, group, ok, detail, remedy in checks:
        if group == "required" and not ok:
            lines.append(f"{name} is missing: {detail.rstrip('.')}. {remedy}".strip())
        elif name == "CUDA":
            lines.append(f"{name}: {detail.rstrip('.')}.")
    if ready:
        lines.append("The engine has everything it needs.")
    return ready, lines


def _pythons() -> str:
    named = [f"{major}.{minor}" for major, minor in PYTHONS]
    return f"Python {', '.join(named[:-1])} or {named[-1]}"


def _uv(interpreter: Interpreter) -> Path | None:
    found = shutil.which("uv") if interpreter.missing else None
    return Path(found) if found else None


def _answers(command: Sequence[str]) -> Iterator[Path]:
    try:
        done = subprocess.run(
            list(command), env=clean_environment(), capture_output=True, timeout=10, check=False, **_hidden()
        )
    except (OSError, subprocess.SubprocessError):
        return
    line = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode == 0 and line:
        yield Path(line.splitlines()[0])


def _hidden() -> dict[str, Any]:
    """No console window flashes up on Windows."""
    return {"creationflags": 0x08000000} if os.name == "nt" else {}
