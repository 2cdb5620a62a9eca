# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The rasteriser on an NVIDIA GPU, through gsplat (Apache-2.0).

gsplat follows the rule of ``splatcut.raster.rule`` with these differences, which the tests allow for:

- alpha is clipped at 0.999, not 0.99, so nearly opaque Gaussians let a little less light through;
- the projection is linearised at most 0.15 image widths outside the image, which equals ``FOV_GUARD`` only where the
  principal point is the image's centre; it matters to Gaussians far outside the image alone;
- bounds are boxes around the ellipse of alpha = 1/255, not the ellipse: the same pixels, more work;
- exponentials are approximate, and gradients and sums are added in no fixed order: results differ in the last digits
  from run to run, unlike the CPU's.

gsplat is imported on first use. Tensors may come from any device; results lie on the GPU.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.errors import UserError
from splatcut.raster.rule import TILE
from splatcut.raster.types import Accumulated
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import CLASSIC, F32, Gaussians, PixelFilter

#: gsplat slows down beyond this many channels in one pass.
CHANNELS_AT_ONCE = 32
_DEVICE = "cuda"


def require_cuda() -> None:
    """Raises ``UserError`` when this rasteriser cannot run here, saying what is missing."""
    if not torch.cuda.is_available():
        reason = "this torch was built without CUDA" if torch.version.cuda is None else "torch finds no NVIDIA GPU"
        raise UserError(
            f"CUDA was requested, but {reason}. Use --device cpu, or install NVIDIA's driver and a torch built for "
            "CUDA."
        )
    _gsplat()


@functools.cache
def _gsplat() -> Any:
    try:
        import gsplat  # type: ignore[import-not-found]
        from gsplat.cuda import _backend  # type: ignore[import-not-found]
    except ImportError as error:
        raise UserError(
            f"CUDA was requested, but gsplat cannot be imported ({error}). Use --device cpu, or install it with "
            "pip install splatcut[cuda]."
        ) from error
    except (RuntimeError, OSError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(
            f"CUDA was requested, but gsplat's kernels could not be compiled ({reason}). Use --device cpu, or install "
            "a CUDA toolkit of torch's CUDA version and a C++ compiler, or a gsplat wheel built for this torch."
        ) from error
    if _backend._C is None:
        raise UserError(
            "CUDA was requested, but gsplat found no CUDA toolkit to compile its kernels with. Use --device cpu, or "
            "install a CUDA toolkit of torch's CUDA version, or a gsplat wheel built for this torch."
        )
    return gsplat


@dataclass(frozen=True, eq=False)
class _Projected:
    """A view's Gaussians on the image plane, dealt to tiles; leading axes of one camera.

    Attributes:
        mean: [1, N, 2] px. conic: [1, N, 3], inverse covariance xx, xy, yy. opacity: [1, N].
        drawn: [1, N] bool; the other attributes mean nothing where it is False.
        offsets, ids: the tiles' lists, as gsplat makes them.
    """

    camera: Camera
    mean: Tensor
    conic: Tensor
    opacity: Tensor
    drawn: Tensor
    offsets: Tensor
    ids: Tensor


def _project(
    means: Tensor,
    log_scales: Tensor,
    quats: Tensor,
    opacity_logits: Tensor,
    opacity_scale: Tensor | None,
    camera: Camera,
    pixel_filter: PixelFilter,
) -> _Projected:
    gsplat, device = _gsplat(), means.device
    opacity = torch.sigmoid(opacity_logits)
    if opacity_scale is not None:
        opacity = opacity * opacity_scale
    intrinsics = [[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]]
    radii, mean, depth, conic, compensation = gsplat.fully_fused_projection(
        means,
        None,
        quats,
        log_scales.exp(),
        torch.tensor(camera.camera_from_world, dtype=torch.float32, device=device)[None],
        torch.tensor([intrinsics], dtype=torch.float32, device=device),
        camera.width,
        camera.height,
        eps2d=pixel_filter.variance,
        near_plane=camera.near,
        radius_clip=0.0,
        calc_compensations=pixel_filter.compensated,
        opacities=opacity.detach(),
    )
    drawn, opacity = (radii > 0).all(dim=-1), opacity[None]
    if pixel_filter.compensated:
        # What is not drawn has no compensation: its place in memory is as gsplat found it.
        opacity = torch.where(drawn, opacity * torch.where(drawn, compensation, 0.0), 0.0)
    across, down = -(-camera.width // TILE), -(-camera.height // TILE)
    _, keys, ids = gsplat.isect_tiles(mean, radii, depth, TILE, across, down)
    offsets = gsplat.isect_offset_encode(keys, 1, across, down)
    return _Projected(camera, mean, conic, opacity, drawn, offsets, ids)


def _blend(view: _Projected, values: Tensor, tiles: NDArray[np.bool_] | None) -> tuple[Tensor, Tensor]:
    """Values [N, C], C > 0, blended over 0: [H, W, C], and the transmittance [H, W]."""
    camera, device = view.camera, values.device
    wanted = None
    if tiles is not None:
        if tiles.shape != tuple(view.offsets.shape[1:]):
            raise ValueError(f"The mask of tiles must have {view.offsets.shape[1]} x {view.offsets.shape[2]} entries.")
        wanted = torch.from_numpy(np.ascontiguousarray(tiles, dtype=bool)).to(device)
    blended, alphas = [], []
    for part in values.split(CHANNELS_AT_ONCE, dim=1):
        out, alpha = _gsplat().rasterize_to_pixels(
            view.mean,
            view.conic,
            part[None],
            view.opacity,
            camera.width,
            camera.height,
            TILE,
            view.offsets,
            view.ids,
            masks=None if wanted is None else wanted[None],
        )
        blended.append(out[0])
        alphas.append(alpha[0, ..., 0])
    transmittance = 1 - alphas[0]
    if wanted is not None:
        # gsplat leaves the alpha of masked tiles as it found the memory.
        inside = wanted.repeat_interleave(TILE, 0).repeat_interleave(TILE, 1)[: camera.height, : camera.width]
        transmittance = torch.where(inside, transmittance, 1.0)
    return torch.cat(blended, dim=2), transmittance


def _colours(view: _Projected, means: Tensor, sh: Tensor, sh_degree: int | None) -> Tensor:
    """[N, 3] display-referred sRGB as the camera sees it; 0 for Gaussians that are not drawn."""
    stored = round(sh.shape[1] ** 0.5) - 1
    degree = stored if sh_degree is None else min(sh_degree, stored)
    directions = means - torch.tensor(view.camera.position, dtype=torch.float32, device=means.device)
    drawn = view.drawn[0]
    colour = _gsplat().spherical_harmonics(degree, directions, sh, masks=drawn)
    return torch.where(drawn[:, None], (colour + 0.5).clamp(min=0.0), 0.0)


def render(
    means: Tensor,
    log_scales: Tensor,
    quats: Tensor,
    opacity_logits: Tensor,
    sh: Tensor,
    camera: Camera,
    *,
    features: Tensor | None = None,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    opacity_scale: Tensor | None = None,
    tiles: NDArray[np.bool_] | None = None,
    sh_degree: int | None = None,
    pixel_filter: PixelFilter = CLASSIC,
) -> tuple[Tensor, Tensor, Tensor]:
    """Renders so that gradients flow to every tensor; arguments and results as in ``splatcut.raster.autograd.render``.

    Raises:
        UserError: without a usable CUDA device or gsplat.
    """
    require_cuda()

    def put(tensor: Tensor) -> Tensor:
        return tensor.to(_DEVICE, torch.float32)

    means, log_scales, quats, opacity_logits, sh = (put(t) for t in (means, log_scales, quats, opacity_logits, sh))
    features = None if features is None else put(features)
    opacity_scale = None if opacity_scale is None else put(opacity_scale)
    channels = 3 if features is None else 3 + features.shape[1]
    if len(means) == 0:
        out = means.new_zeros(camera.height, camera.width, channels)
        transmittance = means.new_ones(camera.height, camera.width)
    else:
        view = _project(means, log_scales, quats, opacity_logits, opacity_scale, camera, pixel_filter)
        colour = _colours(view, means, sh, sh_degree)
        out, transmittance = _blend(view, colour if features is None else torch.cat([colour, features], dim=1), tiles)
    ground = transmittance[..., None] * torch.tensor(background, dtype=torch.float32, device=out.device)
    if tiles is not None:
        inside = np.kron(tiles, np.ones((TILE, TILE), bool))[: camera.height, : camera.width]
        ground = ground * torch.from_numpy(inside).to(ground)[..., None]
    return out[..., :3] + ground, out[..., 3:], transmittance


def _put(array: F32) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(_DEVICE)


def _array(tensor: Tensor) -> F32:
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype=np.float32)


def accumulate(
    gaussians: Gaussians, camera: Camera, signals: F32, *, tiles: NDArray[np.bool_] | None = None
) -> Accumulated:
    """See ``splatcut.raster.accumulate``: one backward pass with the signals as incoming gradient (method: lifting).

    A rendered feature is sum_i w_i(p) f_i, so the gradient of sum_p feature_k(p) signal_k(p) with respect to f_ik is
    sum_p w_i(p) signal_k(p), whatever the features are. A signal of ones gives the weight itself.
    """
    require_cuda()
    g, kinds = gaussians, signals.shape[0]
    sums = np.zeros((len(g), kinds + 1), np.float32)
    if len(g):
        with torch.no_grad():
            means, log_scales, quats, logits = map(_put, (g.means, g.log_scales, g.quats, g.opacity_logits))
            view = _project(means, log_scales, quats, logits, None, camera, g.pixel_filter)
        incoming = torch.cat([torch.ones(1, camera.height, camera.width), torch.from_numpy(signals).float()]).to(
            _DEVICE
        )
        features = torch.zeros(len(g), kinds + 1, device=_DEVICE, requires_grad=True)
        blended, _ = _blend(view, features, tiles)
        (gradient,) = torch.autograd.grad(blended, features, incoming.permute(1, 2, 0).contiguous())
        sums = _array(gradient)
    return Accumulated(np.ascontiguousarray(sums[:, 0]), np.ascontiguousarray(sums[:, 1:]))
