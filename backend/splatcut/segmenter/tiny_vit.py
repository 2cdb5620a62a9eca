# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""MobileSAM's image encoder in torch: TinyViT-5M (Wu et al., ECCV 2022) without its classifier, with SAM's neck.

Attribute names follow the published checkpoint's state dict, so that it loads directly.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (64, 128, 160, 320)
DEPTHS = (2, 2, 6, 2)
HEADS = (2, 4, 5, 10)
WINDOWS = (7, 7, 14, 7)
OUT_CHANNELS = 256


def _named(**parts: nn.Module) -> nn.Sequential:
    """One part after the other, under the names that the checkpoint has for those with weights."""
    return nn.Sequential(OrderedDict(parts))


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, then batch normalisation."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return _named(c=convolution, bn=nn.BatchNorm2d(outputs))


def bottleneck(inputs: int, inner: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """MobileNet's inverted bottleneck, a depthwise convolution between two pointwise ones."""
    return _named(
        conv1=conv_norm(inputs, inner, 1),
        gelu1=nn.GELU(),
        conv2=conv_norm(inner, inner, 3, stride, groups=inner),
        gelu2=nn.GELU(),
        conv3=conv_norm(inner, outputs, 1),
    )


class Bottleneck(nn.Sequential):
    """An inverted bottleneck of expansion 4 with a residual connection."""

    def __init__(self, width: int) -> None:
        super().__init__(OrderedDict(bottleneck(width, 4 * width, width).named_children()))

    def forward(self, x: Tensor) -> Tensor:
        return functional.gelu(x + super().forward(x))


class WindowAttention(nn.Module):
    """Self-attention of the n = window^2 tokens of a window, with a learned bias per head and absolute offset."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        rows, columns = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
        rows, columns = rows.flatten(), columns.flatten()
        offsets = (rows[:, None] - rows[None]).abs() * window + (columns[:, None] - columns[None]).abs()
        self.register_buffer("offsets", offsets, persistent=False)
        self.offsets: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """[B, n, C] -> [B, n, C]"""
        batch, count, width = x.shape
        # The channels are ordered head first: q, k and v of head 0, then of head 1, ...
        qkv = self.qkv(self.norm(x)).view(batch, count, self.heads, 3, -1)
        query, key, value = qkv.permute(3, 0, 2, 1, 4)
        bias = self.attention_biases[:, self.offsets]
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias[None])
        return self.proj(y.transpose(1, 2).reshape(batch, count, width))


class WindowBlock(nn.Module):
    """Attention inside windows, a depthwise convolution across them, then an MLP."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = WindowAttention(width, heads, window)
        self.local_conv = conv_norm(width, width, 3, groups=width)
        self.mlp = _named(
            norm=nn.LayerNorm(width),
            fc1=nn.Linear(width, 4 * width),
            gelu=nn.GELU(),
            fc2=nn.Linear(4 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]"""
        batch, width, height, breadth = x.shape
        w = self.window
        # Zeros that fill the last windows take part in the attention: the model was trained that way.
        padded = functional.pad(x, (0, -breadth % w, 0, -height % w))
        rows, columns = padded.shape[2] // w, padded.shape[3] // w
        tokens = padded.view(batch, width, rows, w, columns, w).permute(0, 2, 4, 3, 5, 1).reshape(-1, w * w, width)
        tokens = self.attn(tokens).view(batch, rows, columns, w, w, width).permute(0, 5, 1, 3, 2, 4)
        x = x + tokens.reshape(padded.shape)[:, :, :height, :breadth]
        x = self.local_conv(x)
        return x + self.mlp(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of [B, C, H, W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, eps=1e-6)
        return y.permute(0, 3, 1, 2)


class TinyViT(nn.Sequential):
    """[B, 3, 1024, 1024] normalised images -> [B, 256, 64, 64] embeddings."""

    def __init__(self) -> None:
        first, last = WIDTHS[0], WIDTHS[-1]
        stages: list[nn.Module] = []
        for index, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
            blocks = [
                WindowBlock(width, HEADS[index], WINDOWS[index]) if index else Bottleneck(width) for _ in range(depth)
            ]
            parts: dict[str, nn.Module] = {"blocks": nn.Sequential(*blocks)}
            if width != last:
                wider = WIDTHS[index + 1]
                # The last change of width keeps the resolution, so that the embedding is 64 x 64 as SAM's.
                parts["downsample"] = bottleneck(width, wider, wider, stride=1 if wider == last else 2)
            stages.append(_named(**parts))
        super().__init__(
            OrderedDict(
                # [B, 64, H / 4, W / 4]
                patch_embed=_named(
                    seq=nn.Sequential(conv_norm(3, first // 2, 3, 2), nn.GELU(), conv_norm(first // 2, first, 3, 2))
                ),
                layers=nn.Sequential(*stages),
                neck=nn.Sequential(
                    nn.Conv2d(last, OUT_CHANNELS, 1, bias=False),
                    ChannelNorm(OUT_CHANNELS),
                    nn.Conv2d(OUT_CHANNELS, OUT_CHANNELS, 3, padding=1, bias=False),
                    ChannelNorm(OUT_CHANNELS),
                ),
            )
        )
