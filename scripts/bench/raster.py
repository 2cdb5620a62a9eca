# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""CPU time of the CPU rasteriser against a plain C++ rasteriser, in one run on one scene.

    python scripts/bench/raster.py [--scene DIR] [--views 5] [--rounds 7] [--threads 2]

DIR holds ``scene.ply`` and cameras. Times are CPU seconds summed over all threads, so other load on the machine
disturbs them little; the two rasterisers take turns, view by view and round by round, and what is printed are medians.
The C++ rasteriser (forward and backward, AVX-512) is compiled on the fly; without its source, a compiler or AVX-512 the
own times are printed alone. Compared are:

- forward: a render of the colour;
- accumulate: the sums of blending weights alone and under 1 and 4 masks, projection and sorting included, against the
  C++ forward;
- backward: all gradients of a given forward, against the C++ backward.

The kernels are compiled into an empty cache first, and the seconds that takes are printed apart.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splatcut.threads import sleep_when_idle

if TYPE_CHECKING:
    import numpy as np

    from splatcut.scene.camera import Camera
    from splatcut.scene.gaussians import Gaussians

    F32 = np.typing.NDArray[np.float32]

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.shared import SHARED, add_markdown_option, state, table, write_markdown

BACKGROUND = (0.1, 0.2, 0.3)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--scene", type=Path, default=SHARED / "scenes" / "horns", help="folder with scene.ply and cameras"
    )
    parser.add_argument("--views", type=int, default=5, help="how many views, spread over the scene's (default 5)")
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is repeated (default 7)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of both (default: all cores)")
    parser.add_argument(
        "--yardstick", type=Path, default=SHARED / "yardstick" / "rasterizer.cpp", help="the C++ source"
    )
    add_markdown_option(parser)
    return parser.parse_args()


def compile_yardstick(source: Path, folder: Path) -> Path | str:
    """The compiled library, or a sentence on why there is none."""
    if not source.is_file():
        return f"The C++ rasteriser's source is not at {source}, so there is no comparison."
    compiler = shutil.which("g++")
    if compiler is None:
        return "There is no g++ on this machine, so there is no comparison with the C++ rasteriser."
    macros = subprocess.run(
        [compiler, "-march=native", "-dM", "-E", "-x", "c++", os.devnull], capture_output=True, text=True, check=False
    )
    if "__AVX512DQ__" not in macros.stdout:
        return "This processor has no AVX-512, so there is no comparison with the C++ rasteriser."
    library = folder / "librasterizer.so"
    options = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC", "-w"]
    built = subprocess.run(
        [compiler, *options, "-o", str(library), str(source)], capture_output=True, text=True, check=False
    )
    if built.returncode != 0:
        return f"g++ could not compile {source}, so there is no comparison: {built.stderr.strip().splitlines()[:1]}"
    return library


class Yardstick:
    """The C++ rasteriser on one scene."""

    def __init__(self, library: Path, gaussians: Gaussians, threads: int) -> None:
        import numpy as np

        self._lib = ctypes.CDLL(str(library))
        self._lib.omp_set_num_threads(threads)
        self._lib.gs_create.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._lib.gs_create())
        self._degree = gaussians.sh_degree
        sh = np.zeros((len(gaussians), 3, 16), np.float32)
        sh[:, :, : gaussians.sh.shape[1]] = gaussians.sh.transpose(0, 2, 1)
        g = gaussians
        self._arrays = [np.ascontiguousarray(a) for a in (g.means, g.log_scales, g.quats, g.opacity_logits, sh)]
        self._gradients = [np.empty_like(a) for a in self._arrays] + [np.empty(len(g), np.float32)]
        self._radii = np.empty(len(g), np.int32)

    @staticmethod
    def _pointers(arrays: list[Any]) -> list[ctypes.c_void_p]:
        return [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]

    def forward(self, camera: Camera) -> F32:
        """[3, H, W]."""
        import numpy as np

        matrix = camera.camera_from_world
        intrinsics = [camera.fx, camera.fy, camera.cx, camera.cy]
        vector = np.concatenate([matrix[:3, :3].ravel(), matrix[:3, 3], intrinsics]).astype(np.float32)
        out = np.empty((3, camera.height, camera.width), np.float32)
        background = np.array(BACKGROUND, np.float32)
        pointer = self._pointers([vector, background, out, self._radii])
        self._lib.gs_forward(
            self._context, len(self._radii), *self._pointers(self._arrays), self._degree, pointer[0], camera.width,
            camera.height, pointer[1], ctypes.c_float(camera.near), pointer[2], None, pointer[3],
        )  # fmt: skip
        return out

    def backward(self, gradient: F32) -> list[F32]:
        """Gradients of the last forward: means, log_scales, quats, opacity_logits, sh [N, 3, 16]."""
        self._lib.gs_backward(
            self._context, *self._pointers(self._arrays), *self._pointers([gradient, *self._gradients]), None
        )
        return self._gradients[:5]


@dataclass(frozen=True)
class Forward:
    """What the own backward starts from."""

    prepared: Any
    values: F32
    out: F32
    transmittance: F32


class Own:
    """The own rasteriser on one scene."""

    def __init__(self, gaussians: Gaussians) -> None:
        self._gaussians = gaussians

    def forward(self, camera: Camera) -> F32:
        """[H, W, 3]."""
        from splatcut import raster

        return raster.render(self._gaussians, camera, background=BACKGROUND).image

    def accumulate(self, camera: Camera, signals: F32) -> Any:
        from splatcut import raster

        return raster.accumulate(self._gaussians, camera, signals)

    def state(self, camera: Camera) -> Forward:

        from splatcut.raster import cpu

        prepared = cpu.prepare(self._gaussians, camera)
        values, out, transmittance = cpu.render(
            prepared, self._gaussians, features=None, colour=True, background=BACKGROUND, sh_degree=None
        )
        return Forward(prepared, values, out, transmittance)

    def backward(self, state: Forward, gradient: F32) -> list[F32]:
        import numpy as np

        from splatcut.raster import cpu

        return cpu.backward(
            state.prepared, self._gaussians, state.values, state.out, state.transmittance, gradient,
            np.zeros_like(state.transmittance),
        )[:5]  # fmt: skip


def cpu_ms(action: Callable[[], Any]) -> tuple[float, Any]:
    """CPU milliseconds over all threads, and what the action returned."""
    start = time.process_time()
    result = action()
    return 1e3 * (time.process_time() - start), result


def relative(own: list[F32], other: list[F32]) -> dict[str, float]:
    """Norm of the difference over the norm, per parameter."""
    import numpy as np

    other = [*other[:4], other[4][:, :, : own[4].shape[1]].transpose(0, 2, 1)]
    names = ("means", "log_scales", "quats", "opacity_logits", "sh")
    return {
        name: float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30))
        for name, a, b in zip(names, own, other, strict=True)
    }


def bench(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Runs everything; times in CPU milliseconds."""
    import numba
    import numpy as np

    from splatcut import cameras, formats

    gaussians = formats.read_splats(arguments.scene / "scene.ply").gaussians
    views = cameras.load_views(arguments.scene)
    picked = [views[i].camera for i in np.linspace(0, len(views) - 1, min(arguments.views, len(views))).astype(int)]
    numba.set_num_threads(min(arguments.threads, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    library = compile_yardstick(arguments.yardstick, folder)
    if isinstance(library, Path) and gaussians.sh_degree > 3:
        library = "The C++ rasteriser knows SH degrees up to 3 only, so there is no comparison."
    other = Yardstick(library, gaussians, arguments.threads) if isinstance(library, Path) else None
    own = Own(gaussians)
    rng = np.random.default_rng(0)
    shape = (picked[0].height, picked[0].width)
    masks = (rng.uniform(size=(4, *shape)) > 0.5).astype(np.float32)
    gradient = rng.normal(size=(3, *shape)).astype(np.float32)
    start, start_cpu = time.perf_counter(), time.process_time()
    own.forward(picked[0])
    own.accumulate(picked[0], masks)
    own.backward(own.state(picked[0]), gradient)
    first_call, first_call_cpu = time.perf_counter() - start, time.process_time() - start_cpu

    times: dict[str, list[float]] = {}
    differences: list[F32] = []
    slopes: dict[str, float] = {}
    for _ in range(arguments.rounds):
        for camera in picked:
            if (camera.height, camera.width) != shape:
                raise SystemExit("The views have different sizes; this benchmark wants one size.")
            measured = {}
            measured["forward"], image = cpu_ms(lambda c=camera: own.forward(c))
            if other is not None:
                measured["C++ forward"], twin = cpu_ms(lambda c=camera: other.forward(c))
                differences.append(np.abs(image - twin.transpose(1, 2, 0)))
            measured["accumulate 1 mask"], _ = cpu_ms(lambda c=camera: own.accumulate(c, masks[:1]))
            measured["accumulate 4 masks"], _ = cpu_ms(lambda c=camera: own.accumulate(c, masks))
            state = own.state(camera)
            measured["backward"], mine = cpu_ms(lambda s=state: own.backward(s, gradient))
            if other is not None:
                measured["C++ backward"], theirs = cpu_ms(lambda: other.backward(gradient))
                slopes = {name: max(slopes.get(name, 0.0), value) for name, value in relative(mine, theirs).items()}
            for name, value in measured.items():
                times.setdefault(name, []).append(value)
    against = {"forward": "C++ forward", "accumulate 1 mask": "C++ forward", "accumulate 4 masks": "C++ forward"}
    against["backward"] = "C++ backward"
    result: dict[str, Any] = {
        "scene": arguments.scene.name,
        "gaussians": len(gaussians),
        "size": [shape[1], shape[0]],
        "views": len(picked),
        "rounds": arguments.rounds,
        "threads": arguments.threads,
        "first_call_seconds": first_call,
        "first_call_cpu_seconds": first_call_cpu,
        "cpu_ms": {name: statistics.median(values) for name, values in times.items()},
    }
    if other is None:
        result["no_comparison"] = library
    else:
        result["ratio"] = {
            name: statistics.median(a / b for a, b in zip(times[name], times[base], strict=True))
            for name, base in against.items()
        }
        difference = np.concatenate(differences)
        result["largest_image_difference"] = float(difference.max())
        result["image_difference_99_percent"] = float(np.quantile(difference, 0.99))
        result["relative_gradient_difference"] = slopes
    return result


def markdown(result: dict[str, Any]) -> str:
    """The result for people."""
    width, height = result["size"]
    cpu, ratio = result["cpu_ms"], result.get("ratio", {})
    rows = []
    for name in ("forward", "accumulate 1 mask", "accumulate 4 masks", "backward"):
        base = cpu.get("C++ backward" if name == "backward" else "C++ forward")
        compared = ["-", "-"] if base is None else [f"{base:.1f}", f"{ratio[name]:.2f}"]
        rows.append([name, f"{cpu[name]:.1f}", *compared])
    seconds, cpu_seconds = result["first_call_seconds"], result["first_call_cpu_seconds"]
    lines = [
        f"{result['scene']}: {result['gaussians']:,} Gaussians, {width}x{height}, {result['views']} views, "
        f"{result['rounds']} rounds, {result['threads']} threads.",
        table(["CPU milliseconds over all threads, medians", "own", "C++", "ratio"], rows),
        f"First call of each, compiling all kernels: {seconds:.1f} s ({cpu_seconds:.1f} CPU seconds).",
    ]
    if "no_comparison" in result:
        lines.append(result["no_comparison"])
    else:
        slopes = ", ".join(f"{name} {value:.0e}" for name, value in result["relative_gradient_difference"].items())
        lines.append(
            f"Difference of the images: 99% of values within {result['image_difference_99_percent']:.1e}, largest "
            f"{result['largest_image_difference']:.1e} (rounding tips a Gaussian over a threshold of the rule). "
            f"Relative difference of the gradients: {slopes}."
        )
    return "\n\n".join(lines)


def main() -> int:
    """Entry point; 0, or 2 when the scene cannot be used."""
    arguments = parse()
    # Threads that spin are charged to whoever runs next.
    sleep_when_idle()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["NUMBA_CACHE_DIR"] = str(folder / "kernels")
        from splatcut.errors import UserError

        try:
            result = bench(arguments, folder)
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
    print(f"{state()}\n\n{markdown(result)}")
    if arguments.markdown is not None:
        write_markdown(arguments.markdown, state(), {"": markdown(result)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
