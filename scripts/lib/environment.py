# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Makes or reuses the virtual environments that the scripts run in.

Standard library only, and plain enough for Python 3.9, because this runs under whatever Python the user typed. What a
set-up is made of stands in ``requirements/``; a stamp in the environment says for which of these files it was made, so
that a second run starts at once. Two runs at the same time wait for each other, and an environment whose making was
interrupted is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, NoReturn, Optional, Sequence, Tuple

from lib import system

REPOSITORY = Path(__file__).resolve().parents[2]


class Setup(NamedTuple):
    """What an environment is made of."""

    folder: str
    requirements: str
    #: Modules that must import and, on Linux, shared libraries that must load in the end.
    modules: Tuple[str, ...]
    #: The versions of Python that it can be made with.
    pythons: Tuple[Tuple[int, int], ...] = system.PYTHONS
    #: (system, machine) that its packages have wheels for; empty: any.
    machines: Tuple[Tuple[str, str], ...] = ()


ENGINE_MODULES = (
    *("numpy", "scipy.spatial", "numba", "PIL.Image", "gsply"),
    *("pycolmap", "onnxruntime", "OpenEXR", "zstandard", "filelock", "platformdirs", "torch"),
)
# Blender loads libEGL when it renders with the GPU's interface, and ends the process where there is none.
BLENDER_MODULES = (*system.BLENDER_LIBRARIES, "bpy", "numpy", "PIL.Image", "pytest", "hypothesis")
_BLENDER_MACHINES = (("linux", "x86_64"), ("win32", "AMD64"), ("darwin", "arm64"))
SETUPS: Dict[str, Setup] = {
    "engine": Setup(".venv", "requirements/engine.txt", (*ENGINE_MODULES, "splatcut")),
    "dev": Setup(".venv", "requirements/dev.txt", (*ENGINE_MODULES, "splatcut", "pytest", "hypothesis", "plyfile")),
    "minimal": Setup(".venv-minimal", "requirements/minimal.txt", ("numpy", "pytest")),
    # As Blender's Python of 4.5 LTS and before.
    "minimal-old": Setup(".venv-minimal-old", "requirements/minimal-old.txt", ("numpy", "pytest"), ((3, 11),)),
    "bpy45": Setup(".venv-bpy45", "requirements/bpy45.txt", BLENDER_MODULES, ((3, 11),), _BLENDER_MACHINES),
    "bpy52": Setup(".venv-bpy52", "requirements/bpy52.txt", BLENDER_MODULES, ((3, 13),), _BLENDER_MACHINES),
    "bpy53": Setup(".venv-bpy53", "requirements/bpy53.txt", BLENDER_MODULES, ((3, 13),), _BLENDER_MACHINES),
}

# The descriptor of the lock while it is held. What writes into an environment inherits it on POSIX, so that a run waits
# even for the pip of a killed one.
_held: List[int] = []

_STAMP = "splatcut-setup.json"
_UNFINISHED = "splatcut-unfinished"

# Runs in the environment: says which pins are not met and which modules do not import, as JSON.
_EXAMINE = """
import ctypes, importlib, importlib.metadata, json, os, sys
pins, modules = json.loads(sys.argv[1])
unmet, broken = [], {}
for name, version in pins:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found.split("+")[0] != version:
        unmet.append(f"{name} {version} (found: {found})")
if not unmet:
    for module in modules:
        try:
            if ".so" in module:
                ctypes.CDLL(module)
            else:
                importlib.import_module(module)
        except Exception as error:
            broken[module] = f"{type(error).__name__}: {error}"
origin = getattr(sys.modules.get("splatcut"), "__file__", None)
print(json.dumps({"unmet": unmet, "broken": broken, "origin": origin}), flush=True)
os._exit(0)  # some versions of bpy do not end cleanly
"""


def run_in(setup: str, arguments: Sequence[str]) -> int:
    """Runs Python with ``arguments`` in an environment, in the repository's folder; returns the exit code.

    After Ctrl-C the child, which got the signal too, is waited for: it saves its state.
    """
    process = start(setup, arguments)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def start(setup: str, arguments: Sequence[str], log: Optional[Path] = None) -> "subprocess.Popen[bytes]":
    """Starts Python as ``run_in`` does and does not wait; with ``log``, what it prints goes to that file."""
    command, output = [str(python_of(setup)), *arguments], None if log is None else log.open("wb")
    return subprocess.Popen(command, cwd=REPOSITORY, env=system.clean_variables(), stdout=output, stderr=output)


def ensure(setup: str) -> None:
    """Makes the environment of ``setup`` ready, or ends the process with a sentence on why not."""
    try:
        with _locked(REPOSITORY / (SETUPS[setup].folder + ".lock")):
            _ensure(setup)
    except system.SetupError as error:
        _stop(str(error))
    except KeyboardInterrupt:
        _stop("Interrupted. The same command makes the environment anew.")


def unsuited(setup: str) -> Optional[str]:
    """A sentence on why this machine cannot have the environment at all, or None."""
    folder, _, _, pythons, machines = SETUPS[setup]
    if machines and (sys.platform, platform.machine()) not in machines:
        return f"There are no packages of it for {platform.machine()} on {platform.system()}."
    if (REPOSITORY / folder / "pyvenv.cfg").is_file() and system.version_of(str(python_of(setup))) in pythons:
        return None
    try:
        system.find_python(pythons)
    except system.SetupError as error:
        return str(error)
    return None


def python_of(setup: str) -> Path:
    """The environment's interpreter."""
    folder = REPOSITORY / SETUPS[setup].folder
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _ensure(setup: str) -> None:
    folder = REPOSITORY / SETUPS[setup].folder
    if _stamped(setup):
        return
    if folder.exists() and not _usable(folder, setup):
        system.say(f"{folder.name} is broken or was made only in part; it is made anew.")
        _remove(folder)
    if not folder.exists():
        _create(folder, setup)
    if _examine(setup) is not None:
        _install(setup)
        _examine_or_stop(setup)
    _write_stamp(setup)


# --- the stamp -------------------------------------------------------------------------------------------------------


def _stamped(setup: str) -> bool:
    """Whether the environment was completed for the requirements as they are now."""
    folder = REPOSITORY / SETUPS[setup].folder
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    fresh = isinstance(stamp, dict) and stamp.get("repository") == str(REPOSITORY) and stamp.get(setup) == _key(setup)
    return fresh and not (folder / _UNFINISHED).exists() and system.answers(python_of(setup), "import encodings")


def _write_stamp(setup: str) -> None:
    path = REPOSITORY / SETUPS[setup].folder / _STAMP
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stamp = {}
    if not isinstance(stamp, dict) or stamp.get("repository") != str(REPOSITORY):
        stamp = {"repository": str(REPOSITORY)}
    stamp[setup] = _key(setup)
    if setup == "dev":
        stamp["engine"] = _key("engine")
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    os.replace(temporary, path)


def _key(setup: str) -> str:
    """Hash of everything that the set-up depends on."""
    digest = hashlib.sha256()
    for path in [*_requirement_files(setup), REPOSITORY / "pyproject.toml", Path(__file__)]:
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


# --- requirements ----------------------------------------------------------------------------------------------------


def _requirement_files(setup: str) -> List[Path]:
    """The set-up's requirement file and those that it includes with ``-r``."""
    files = [REPOSITORY / SETUPS[setup].requirements]
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("-r "):
                files.append(path.parent / line[3:].strip())
    return files


def _pins(setup: str) -> List[Tuple[str, str]]:
    """(package, version) of every requirement that holds on this system."""
    pins = []
    for path in _requirement_files(setup):
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(r'([A-Za-z0-9._-]+)==([^\s;]+)\s*(?:;\s*sys_platform == "(\w+)")?$', line.strip())
            if match and match.group(3) in (None, sys.platform):
                pins.append((match.group(1), match.group(2)))
    return pins


# --- the environment -------------------------------------------------------------------------------------------------


def _usable(folder: Path, setup: str) -> bool:
    """Whether an existing environment can be completed rather than made anew."""
    if (folder / _UNFINISHED).exists() or not (folder / "pyvenv.cfg").is_file():
        return False
    python = python_of(setup)
    if system.version_of(str(python)) not in SETUPS[setup].pythons:
        return False
    # Some tools make environments without pip.
    return system.answers(python, "import pip") or system.answers(python, "import ensurepip; ensurepip.bootstrap()")


def _create(folder: Path, setup: str) -> None:
    base = system.find_python(SETUPS[setup].pythons)
    system.say(f"Making {folder.name} with {base}.")
    if not system.answers(Path(base), "import ensurepip, venv"):
        # Debian and Ubuntu keep this part of Python in a package of its own.
        major, minor = system.version_of(base) or system.PYTHONS[0]
        system.apt_get(
            [f"python{major}.{minor}-venv"], f"{base} cannot make virtual environments (it has no ensurepip)."
        )
    folder.mkdir()
    (folder / _UNFINISHED).touch()
    code, output = _run_holding_lock([base, "-m", "venv", str(folder)], capture=True)
    if code != 0:
        _remove(folder)
        raise system.SetupError(f"{base} could not make a virtual environment in {folder}. It said:\n{output}")


def _install(setup: str) -> None:
    """Installs the requirements and, where the set-up has it, the project itself."""
    folder = REPOSITORY / SETUPS[setup].folder
    requirements = SETUPS[setup].requirements
    unfinished = folder / _UNFINISHED
    unfinished.touch()
    system.say(f"Installing {requirements} into {folder.name}; the first time this takes some minutes.")
    _pip(setup, ["-r", str(REPOSITORY / requirements)], requirements)
    if "splatcut" in SETUPS[setup].modules:
        _pip(setup, ["--no-deps", "--no-build-isolation", "-e", str(REPOSITORY)], "the project itself")
    unfinished.unlink()


def _pip(setup: str, arguments: List[str], what: str) -> None:
    quiet = [] if sys.stdout.isatty() else ["-q"]
    command = [str(python_of(setup)), "-m", "pip", "install", *quiet, *arguments]
    if _run_holding_lock(command)[0] != 0:
        raise system.SetupError(
            f"pip could not install {what}; its reason stands above. A package that cannot be found or reached is most "
            "often a matter of the internet connection or of a proxy; a missing version, of a Python or a system that "
            "the package has no wheel for. Run the same command again when it is mended."
        )


def _run_holding_lock(command: List[str], capture: bool = False) -> Tuple[int, str]:
    """Runs a command that writes into an environment; returns its exit code and, when captured, its output."""
    process = subprocess.Popen(
        command,
        env=system.clean_variables(),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
        pass_fds=tuple(_held) if os.name == "posix" else (),
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process.returncode, (output or b"").decode("utf-8", "replace").strip()


def _examine(setup: str) -> Optional[str]:
    """What is missing or broken in the environment, or None when all is well."""
    modules = [name for name in SETUPS[setup].modules if ".so" not in name or sys.platform == "linux"]
    request = json.dumps([_pins(setup), modules])
    result = subprocess.run(
        [str(python_of(setup)), "-c", _EXAMINE, request],
        env=system.clean_variables(), cwd=python_of(setup).parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    output = result.stdout.decode("utf-8", "replace").strip()
    try:
        report = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        return f"The environment's Python failed: {output}"
    if report["unmet"]:
        return "These packages are missing or have another version: " + ", ".join(report["unmet"]) + "."
    if report["broken"]:
        return "These modules do not import: " + "; ".join(f"{k} ({v})" for k, v in report["broken"].items()) + "."
    if "splatcut" in SETUPS[setup].modules and not _same(report["origin"], REPOSITORY / "backend/splatcut/__init__.py"):
        return "The environment holds another copy of SplatCut."
    return None


def _examine_or_stop(setup: str) -> None:
    """Examines after the installation; fetches system libraries from Debian where that is what is missing."""
    for _ in range(len(system.DEBIAN_PACKAGES) + 1):
        problem = _examine(setup)
        if problem is None:
            return
        missing = re.findall(r"(lib[\w+.-]+\.so[.\d]*): cannot open shared object file", problem)
        packages = sorted({system.DEBIAN_PACKAGES[name] for name in missing if name in system.DEBIAN_PACKAGES})
        if not packages:
            break
        system.apt_get(packages, problem)
    raise system.SetupError(f"The environment is not complete. {problem}")


def _same(first: Optional[str], second: Path) -> bool:
    try:
        return first is not None and os.path.samefile(first, second)
    except OSError:
        return False


def _remove(folder: Path) -> None:
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        else:
            shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise system.SetupError(
            f"{folder} could not be removed ({error}). Close what uses it and delete it by hand."
        ) from error


# --- the lock ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock that the system releases when this process ends, however it ends."""
    try:
        stream = path.open("a+b")
    except OSError as error:
        raise system.SetupError(
            f"{path} cannot be written ({error}). The checkout must be in a writable folder."
        ) from error
    with stream:
        told = False
        while not _try_lock(stream.fileno()):
            if not told:
                system.say("Another run is making the environment; waiting for it.")
                told = True
            time.sleep(0.5)
        _held.append(stream.fileno())
        try:
            yield
        finally:
            _held.pop()


def _try_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            getattr(msvcrt, "locking")(descriptor, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a file system without locks: better unguarded than not at all
    return True


def _stop(message: str) -> NoReturn:
    print(f"[set-up] {message}", file=sys.stderr, flush=True)
    raise SystemExit(3)
