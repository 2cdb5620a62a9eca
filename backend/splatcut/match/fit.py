# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Colours with which a scene that is blended in linear light looks as it was trained (method: linear blending).

Nonlinear least squares over all pixels of all views: Gauss-Newton steps, each solved by conjugate gradients whose
products are a render and an accumulation per view, so that no matrix is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.match.colour import decode, decode_slope, encode, encode_slope
from splatcut.progress import Progress
from splatcut.raster import Device
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import ANTIALIASED, F32, Gaussians
from splatcut.scene.sh import coefficient_count, harmonics

if TYPE_CHECKING:
    from splatcut.raster.cpu import Prepared

#: Gauss-Newton steps, and conjugate gradients in each.
STEPS, INNER = 2, 5
#: Highest SH degree whose coefficients change; those above stay as trained.
DEGREE = 3
#: Weight of keeping a coefficient as it was, square pixels: what the views show of a Gaussian weighs against it.
KEEP = 0.3


@dataclass(frozen=True)
class Fitted:
    """A fit.

    Attributes:
        sh: [N, K, 3] float32, the new coefficients.
        before, after: root mean square difference in the views, display-referred sRGB, between the scene blended in
            linear light and as it was trained.
        seen: [N] bool: Gaussians that a view shows.
    """

    sh: F32
    before: float
    after: float
    seen: NDArray[np.bool_]


class _Views:
    """The views' products with the linear problem at the colours ``sh``."""

    def __init__(
        self, gaussians: Gaussians, cameras: Sequence[Camera], device: Device, tick: Callable[[], None]
    ) -> None:
        self.gaussians, self.cameras, self.tick = gaussians, cameras, tick
        self.device: Device = device
        # Blender traces rays and widens nothing; pictures of its size have what a Gaussian covers, not more.
        self.drawn = replace(gaussians, pixel_filter=ANTIALIASED)
        self.width = coefficient_count(min(gaussians.sh_degree, DEGREE))
        self.targets = [
            np.clip(raster.render(gaussians, camera, device=device).image, 0, 1).astype(np.float16)
            for camera in self._ticking()
        ]

    def _ticking(self) -> Iterator[Camera]:
        for camera in self.cameras:
            yield camera
            self.tick()

    def basis(self, camera: Camera) -> F32:
        """[N, K] harmonics of the directions from the camera to the Gaussians."""
        away = self.gaussians.means - camera.position.astype(np.float32)
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), np.float32(1e-20))
        x, y, z = away.T
        return np.stack(harmonics(x, y, z, self.gaussians.sh_degree), axis=1).astype(np.float32, copy=False)

    def blend(self, camera: Camera, colours: F32, prepared: Prepared | None) -> F32:
        return raster.render(
            self.drawn, camera, features=colours, colour=False, device=self.device, prepared=prepared
        ).features

    def gather(self, camera: Camera, image: F32, prepared: Prepared | None) -> F32:
        planes = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
        return raster.accumulate(self.drawn, camera, planes, device=self.device, prepared=prepared).weighted

    def linearise(self, sh: F32) -> tuple[float, F32, F32]:
        """Sum of squares, its negative gradient [N, K, 3] and the diagonal [N, K, 3] of the squared matrix's bound."""
        total = 0.0
        descent = np.zeros((len(sh), self.width, 3), np.float32)
        diagonal = np.zeros_like(descent)
        for camera, target in zip(self._ticking(), self.targets, strict=True):
            prepared = raster.prepare(self.drawn, camera, self.device)
            basis = self.basis(camera)
            display = 0.5 + np.einsum("nk,nkc->nc", basis, sh)
            light = self.blend(camera, decode(display), prepared)
            error = target.astype(np.float32) - encode(light)
            total += float(np.square(error, dtype=np.float64).sum())
            slope, bend = decode_slope(display), encode_slope(light)
            both = self.gather(camera, np.concatenate([bend * error, bend * bend], axis=2), prepared)
            some = basis[:, : self.width, None]
            descent += some * (slope * both[:, :3])[:, None]
            # The weights of a pixel add up to at most 1, so W^T W is at most the diagonal of W's column sums.
            diagonal += some * some * (slope * slope * both[:, 3:])[:, None]
        return total, descent, diagonal

    def squared(self, sh: F32, step: F32) -> F32:
        """J^T J times a step [N, K, 3], J taken at ``sh``."""
        result = np.zeros_like(step)
        for camera in self._ticking():
            prepared = raster.prepare(self.drawn, camera, self.device)
            basis = self.basis(camera)
            display = 0.5 + np.einsum("nk,nkc->nc", basis, sh)
            slope, some = decode_slope(display), basis[:, : self.width]
            change = slope * np.einsum("nk,nkc->nc", some, step)
            both = self.blend(camera, np.concatenate([decode(display), change], axis=1), prepared)
            bend = encode_slope(both[..., :3])
            back = self.gather(camera, bend * bend * both[..., 3:], prepared)
            result += some[:, :, None] * (slope * back)[:, None]
        return result


def fit(gaussians: Gaussians, cameras: Sequence[Camera], progress: Progress, device: Device = "cpu") -> Fitted:
    """Fits the colours of a scene, as trained, for blending in linear light; geometry stays."""
    progress.stage("match", len(cameras) * (2 + STEPS * (INNER + 1)))
    views = _Views(gaussians, cameras, device, progress.step)
    sh = gaussians.sh.copy()
    width = views.width
    start = gaussians.sh[:, :width]
    total, descent, diagonal = views.linearise(sh)
    first, seen = total, np.asarray((diagonal[:, 0] > 0).any(axis=1))
    size = sum(camera.width * camera.height * 3 for camera in cameras)
    for _ in range(STEPS):
        moved = sh[:, :width] - start

        def product(x: F32, at: F32 = sh) -> F32:
            image = views.squared(at, x)
            image += np.float32(KEEP) * x
            return image

        descent -= np.float32(KEEP) * moved
        diagonal += np.float32(KEEP)
        step = _conjugate_gradients(product, descent, diagonal, INNER)
        objective = total + KEEP * float(np.square(moved, dtype=np.float64).sum())
        for _ in range(4):
            tried = sh.copy()
            tried[:, :width] += step
            new, *next_step = views.linearise(tried)
            if new + KEEP * float(np.square(tried[:, :width] - start, dtype=np.float64).sum()) < objective:
                sh, total, (descent, diagonal) = tried, new, next_step
                break
            step *= np.float32(0.5)
        else:
            break
    return Fitted(sh, (first / size) ** 0.5, (total / size) ** 0.5, seen)


def _conjugate_gradients(product: Callable[[F32], F32], right: F32, diagonal: F32, count: int) -> F32:
    """An approximate solution of a symmetric positive system, preconditioned by a diagonal; arrays of one shape."""
    x = np.zeros_like(right)
    rest = right.copy()
    across = rest / diagonal
    direction = across.copy()
    length = float(np.vdot(rest, across))
    for _ in range(count):
        if length <= 0:
            break
        image = product(direction)
        bend = float(np.vdot(direction, image))
        if bend <= 0:
            break
        x += np.float32(length / bend) * direction
        rest -= np.float32(length / bend) * image
        across = rest / diagonal
        new = float(np.vdot(rest, across))
        direction = across + np.float32(new / length) * direction
        length = new
    return x
