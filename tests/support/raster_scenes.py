# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Random scenes for the rasterisers' tests, and how two rasterisers are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.raster import reference
from splatcut.raster.rule import ALPHA_MAX, ALPHA_MIN, TRANSMITTANCE_MIN
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import CLASSIC, F32, Gaussians, PixelFilter
from splatcut.scene.rotations import rotation_matrices

#: The parameters in the order in which the differentiable doors take them.
PARAMETERS = ("means", "log_scales", "quats", "opacity_logits", "sh")

#: A differentiable door: splatcut.raster.reference.render and its twins.
Door = Callable[..., tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class SceneOptions:
    """What a random scene holds.

    Attributes:
        count: number of Gaussians.
        width, height: image size in pixels.
        sh_degree: 0 to 4.
        channels: feature channels.
        log_scale: range of the logarithm of the standard deviations; the scene is about 2 units across, 3 units away.
        opacity: range of the opacities.
        depth: range of camera z.
        spread: how far the centres reach beyond the image, 1 = to its border.
        scaled: whether opacities are scaled by random factors.
        pixel_filter: of the scene.
    """

    count: int = 40
    width: int = 37
    height: int = 29
    sh_degree: int = 1
    channels: int = 2
    log_scale: tuple[float, float] = (-4.0, -1.0)
    opacity: tuple[float, float] = (0.05, 0.95)
    depth: tuple[float, float] = (1.5, 4.5)
    spread: float = 1.1
    scaled: bool = False
    pixel_filter: PixelFilter = CLASSIC


@dataclass(frozen=True, eq=False)
class RandomScene:
    """A scene, a camera and what else a render takes."""

    gaussians: Gaussians
    camera: Camera
    features: F32 | None
    background: tuple[float, float, float]
    opacity_scale: F32 | None
    signals: F32


def random_scene(seed: int, options: SceneOptions | None = None) -> RandomScene:
    """The same scene for the same seed and options."""
    o = options or SceneOptions()
    rng = np.random.default_rng(seed)
    transform = np.eye(4)
    transform[:3, :3] = rotation_matrices(rng.normal(size=(1, 4)))[0]
    transform[:3, 3] = rng.normal(size=3)
    focal = 0.9 * o.width
    camera = Camera(o.width, o.height, focal, 1.07 * focal, 0.47 * o.width, 0.54 * o.height, transform)
    depth = rng.uniform(*o.depth, o.count)
    half = o.spread * 0.5 * np.array([o.width, o.height])
    pixels = np.array([0.5 * o.width, 0.5 * o.height]) + rng.uniform(-half, half, (o.count, 2))
    opacity = rng.uniform(*o.opacity, o.count)
    sh = rng.normal(scale=0.3, size=(o.count, (o.sh_degree + 1) ** 2, 3))
    gaussians = Gaussians(
        means=camera.unproject(pixels, depth).astype(np.float32),
        log_scales=rng.uniform(*o.log_scale, (o.count, 3)).astype(np.float32),
        quats=(rng.normal(size=(o.count, 4)) * rng.uniform(0.5, 2.0, (o.count, 1))).astype(np.float32),
        opacity_logits=np.log(opacity / (1 - opacity)).astype(np.float32),
        sh=sh.astype(np.float32),
        pixel_filter=o.pixel_filter,
    )
    return RandomScene(
        gaussians,
        camera,
        rng.normal(size=(o.count, o.channels)).astype(np.float32) if o.channels else None,
        (0.3, 0.6, 0.1),
        rng.uniform(0.0, 1.0, o.count).astype(np.float32) if o.scaled else None,
        rng.uniform(size=(3, o.height, o.width)).astype(np.float32),
    )


@contextmanager
def _rule(factor: float) -> Iterator[None]:
    with (
        mock.patch.object(reference, "ALPHA_MIN", ALPHA_MIN * factor),
        mock.patch.object(reference, "ALPHA_MAX", ALPHA_MAX * factor),
        mock.patch.object(reference, "TRANSMITTANCE_MIN", TRANSMITTANCE_MIN * factor),
    ):
        yield


def borderline(scene: RandomScene, tolerance: float = 3e-5) -> NDArray[np.bool_]:
    """[H, W] bool: pixels where rounding may decide whether something is drawn, so that nobody is wrong.

    Found by rendering with the rule's thresholds moved down and up by a share of ``tolerance``.
    """
    images = []
    for factor in (1 - tolerance, 1 + tolerance):
        with _rule(factor):
            images.append(render_reference(scene))
    low, high = images
    return (np.abs(low[0] - high[0]) > 2 * tolerance).any(axis=2) | (np.abs(low[1] - high[1]) > 2 * tolerance)


def render_reference(scene: RandomScene) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Image and features side by side [H, W, 3 + C], transmittance [H, W]."""
    g = scene.gaussians
    means, log_scales, quats = torch.from_numpy(g.means), torch.from_numpy(g.log_scales), torch.from_numpy(g.quats)
    with torch.no_grad():
        image, features, transmittance = reference.render(
            means,
            log_scales,
            quats,
            torch.from_numpy(g.opacity_logits),
            torch.from_numpy(g.sh),
            scene.camera,
            features=None if scene.features is None else torch.from_numpy(scene.features),
            background=scene.background,
            opacity_scale=None if scene.opacity_scale is None else torch.from_numpy(scene.opacity_scale),
            pixel_filter=g.pixel_filter,
        )
    return torch.cat([image, features], dim=2).numpy(), transmittance.numpy()


def normal_upstream(scene: RandomScene, seed: int = 0) -> NDArray[np.float32]:
    """[H, W, 3 + C + 1]: random weights of image, features and transmittance."""
    shape = scene.camera.height, scene.camera.width, 4 + (0 if scene.features is None else scene.features.shape[1])
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def gradients(
    door: Door, scene: RandomScene, upstream: F32, dtype: torch.dtype, device: str = "cpu"
) -> dict[str, Tensor]:
    """Gradients of sum(upstream * [image, features, transmittance]) with respect to everything, float64.

    Args:
        upstream: [H, W, 3 + C + 1] weights.
    """

    def leaf(array: F32) -> Tensor:
        return torch.from_numpy(array).to(device, dtype).requires_grad_()

    leaves = {name: leaf(getattr(scene.gaussians, name)) for name in PARAMETERS}
    extra: dict[str, Tensor] = {}
    if scene.features is not None:
        extra["features"] = leaf(scene.features)
    if scene.opacity_scale is not None:
        extra["opacity_scale"] = leaf(scene.opacity_scale)
    shown = {"background": scene.background, "pixel_filter": scene.gaussians.pixel_filter}
    image, features, transmittance = door(*leaves.values(), scene.camera, **shown, **extra)
    parts = [image, features, transmittance[..., None]]
    (torch.cat(parts, dim=2) * torch.from_numpy(upstream).to(device, dtype)).sum().backward()
    result = {}
    for name, tensor in (leaves | extra).items():
        assert tensor.grad is not None, name
        result[name] = tensor.grad.double().cpu()
    return result


def assert_gradients_close(actual: dict[str, Tensor], expected: dict[str, Tensor], relative: float) -> None:
    """Every Gaussian's gradient within ``relative`` of the reference's, measured against the norm of its own gradient
    plus a thousandth of the scene's largest."""
    assert actual.keys() == expected.keys()
    for name, want in expected.items():
        got, want = actual[name].reshape(len(want), -1), want.reshape(len(want), -1)
        assert torch.isfinite(got).all(), name
        size = want.norm(dim=1)
        error = (got - want).norm(dim=1) / (size + 1e-3 * size.max() + 1e-12)
        assert error.max() <= relative, f"{name}: row {int(error.argmax())} is off by {float(error.max()):.2e}"
