# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""MobileSAM's image encoder in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from splatcut.segmenter import Embedding, Segmenter
from splatcut.segmenter.tiny_vit import Bottleneck, TinyViT, WindowAttention, WindowBlock

from .conftest import Picture


def randomised(module: Any, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return module.eval()


def test_attention_equals_a_plain_loop() -> None:
    window, heads, width = 3, 2, 8
    attention = randomised(WindowAttention(width, heads, window))
    x = torch.randn(2, window * window, width, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        got = attention(x)
        qkv = attention.qkv(attention.norm(x))
        expected = torch.zeros_like(x)
        size = width // heads
        for b in range(len(x)):
            for h in range(heads):
                q, k, v = qkv[b, :, h * 3 * size : (h + 1) * 3 * size].split(size, dim=1)
                for i in range(window * window):
                    scores = torch.empty(window * window)
                    for j in range(window * window):
                        dy, dx = abs(i // window - j // window), abs(i % window - j % window)
                        scores[j] = q[i] @ k[j] / size**0.5 + attention.attention_biases[h, dy * window + dx]
                    expected[b, i, h * size : (h + 1) * size] = scores.softmax(0) @ v
        expected = attention.proj(expected)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


def test_windows_do_not_see_each_other_but_the_convolution_does() -> None:
    block = randomised(WindowBlock(4, 2, 5))
    x = torch.randn(1, 4, 10, 10, generator=torch.Generator().manual_seed(2))
    changed = x.clone()
    changed[0, 0, 1, 1] += 1.0  # in the first window; one channel, since the norm ignores a common shift
    with torch.no_grad():
        moved = (block(x) - block(changed)).abs().amax(dim=1)[0] > 1e-7
    assert moved[:5, :5].all()
    assert moved[5, 5]  # next to the first window
    assert not moved[6:, :].any()
    assert not moved[:, 6:].any()


def test_sizes() -> None:
    assert randomised(WindowBlock(4, 2, 7))(torch.zeros(1, 4, 9, 16)).shape == (1, 4, 9, 16)  # no multiple of 7
    with torch.inference_mode():
        assert TinyViT().eval()(torch.zeros(1, 3, 128, 192)).shape == (1, 256, 8, 12)


def test_the_bottleneck_has_a_residual_connection() -> None:
    block = Bottleneck(6).eval()
    torch.nn.init.zeros_(block.get_parameter("conv3.c.weight"))
    x = torch.randn(1, 6, 5, 5, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(block(x), torch.nn.functional.gelu(x))


@pytest.mark.slow
def test_it_agrees_with_the_embedded_encoder(
    shared: Path, embedded: Segmenter, disc_embedding: Embedding, picture: Picture
) -> None:
    """The published weights, as arrays under their state-dict names, against the ONNX export of the same weights."""
    with np.load(shared / "models" / "mobile_sam_fp16.npz") as archive:
        names = [name for name in archive.files if name.startswith("image_encoder.")]
        state = {name.removeprefix("image_encoder."): torch.from_numpy(archive[name]).float() for name in names}
    model = TinyViT()
    result = model.load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in result.missing_keys)
    pixels = embedded.frame(picture.image.shape[1], picture.image.shape[0]).pixels(picture.image)
    with torch.inference_mode():
        features = model.eval()(torch.from_numpy(pixels)).numpy()
    expected = disc_embedding.features["image_embeddings"]
    assert np.abs(features - expected).max() < 0.02 * np.abs(expected).max()
    assert np.abs(features - expected).mean() < 0.002 * np.abs(expected).mean()
