# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""MobileSAM's image encoder in torch: TinyViT-5M (Wu et al., ECCV 2022) without its classifier, with SAM's neck.

Attribute names follow the published checkpoint's state dict, so that it loads directly.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (64, 128, 160, 320)
DEPTHS = (2, 2, 6, 2)
HEADS = (2, 4, 5, 10)
WINDOWS = (7, 7, 14, 7)
OUT_CHANNELS = 256


class ConvNorm(nn.Module):
    """Convolution without bias, then batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.c(x))


class PatchEmbed(nn.Module):
    """[B, 3, H, W] -> [B, C, H / 4, W / 4]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(ConvNorm(3, width // 2, 3, 2), nn.GELU(), ConvNorm(width // 2, width, 3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.seq(x)


class Bottleneck(nn.Module):
    """MobileNet's inverted bottleneck (expansion 4) with a residual connection."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(width, 4 * width, 1)
        self.conv2 = ConvNorm(4 * width, 4 * width, 3, groups=4 * width)
        self.conv3 = ConvNorm(4 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.gelu(self.conv1(x))
        y = functional.gelu(self.conv2(y))
        return functional.gelu(x + self.conv3(y))


class Downsample(nn.Module):
    """Changes the width and, with stride 2, halves the resolution."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs, 1)
        self.conv2 = ConvNorm(outputs, outputs, 3, stride, groups=outputs)
        self.conv3 = ConvNorm(outputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.gelu(self.conv1(x))
        y = functional.gelu(self.conv2(y))
        return self.conv3(y)


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


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(self.norm(x))))


class WindowBlock(nn.Module):
    """Attention inside windows, a depthwise convolution across them, then an MLP."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = WindowAttention(width, heads, window)
        self.local_conv = ConvNorm(width, width, 3, groups=width)
        self.mlp = Mlp(width)

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


class Stage(nn.Module):
    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(x)
        return x if self.downsample is None else self.downsample(x)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of [B, C, H, W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, eps=1e-6)
        return y.permute(0, 3, 1, 2)


class TinyViT(nn.Module):
    """[B, 3, 1024, 1024] normalised images -> [B, 256, 64, 64] embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(WIDTHS[0])
        stages: list[nn.Module] = []
        for index, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
            if index == 0:
                blocks: list[nn.Module] = [Bottleneck(width) for _ in range(depth)]
            else:
                blocks = [WindowBlock(width, HEADS[index], WINDOWS[index]) for _ in range(depth)]
            last = index == len(WIDTHS) - 1
            # The last change of width keeps the resolution, so that the embedding is 64 x 64 as SAM's.
            stride = 1 if index == len(WIDTHS) - 2 else 2
            stages.append(Stage(blocks, None if last else Downsample(width, WIDTHS[index + 1], stride)))
        self.layers = nn.ModuleList(stages)
        self.neck = nn.Sequential(
            nn.Conv2d(WIDTHS[-1], OUT_CHANNELS, 1, bias=False),
            ChannelNorm(OUT_CHANNELS),
            nn.Conv2d(OUT_CHANNELS, OUT_CHANNELS, 3, padding=1, bias=False),
            ChannelNorm(OUT_CHANNELS),
        )

    def forward(self, images: Tensor) -> Tensor:
        x = self.patch_embed(images)
        for stage in self.layers:
            x = stage(x)
        return self.neck(x)
