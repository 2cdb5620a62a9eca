# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints through the segment-anything package.

The package needs torchvision, so a stand-in with the same interface takes its place: its decoder draws discs around the
positive points (or in the box), which shows where the prompts arrived.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from splatcut.errors import UserError
from splatcut.segmenter import Prompt2D, load_segmenter
from splatcut.segmenter.checkpoint import checkpoint_kind, read_checkpoint
from splatcut.segmenter.tiny_vit import TinyViT


class StandInPromptEncoder(nn.Module):
    """Sparse embeddings are (x, y, label) as the real encoder places them; the dense one carries the mask's mean."""

    def __init__(self) -> None:
        super().__init__()
        self.no_mask_embed = nn.Embedding(1, 4)

    def get_dense_pe(self) -> Tensor:
        return torch.zeros(1, 256, 64, 64)

    def forward(self, points: Any, boxes: Tensor | None, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        rows = []
        if points is not None:
            coordinates, labels = points
            rows.append(torch.cat([coordinates + 0.5, labels[..., None].float()], dim=2))
            if boxes is None:
                rows.append(torch.tensor([[[0.0, 0.0, -1.0]]]))
        if boxes is not None:
            corners = boxes.reshape(1, 2, 2) + 0.5
            rows.append(torch.cat([corners, torch.tensor([[[2.0], [3.0]]])], dim=2))
        sparse = torch.cat(rows, dim=1) if rows else torch.zeros(1, 0, 3)
        dense = torch.full((1, 1, 1, 1), -99.0 if masks is None else float(masks.mean()))
        return sparse, dense


class StandInMaskDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.iou_token = nn.Embedding(1, 4)

    def predict_masks(self, image_embeddings: Tensor, **given: Tensor) -> tuple[Tensor, Tensor]:
        """Mask k is a disc of radius 40 (k + 1) in the model's frame; its logit is the distance to the rim."""
        assert image_embeddings.shape == (1, 256, 64, 64)
        assert set(given) == {"image_pe", "sparse_prompt_embeddings", "dense_prompt_embeddings"}
        prompts = given["sparse_prompt_embeddings"][0]
        inside = prompts[(prompts[:, 2] == 1) | (prompts[:, 2] >= 2)][:, :2]
        centre = inside.mean(dim=0) if len(inside) else torch.tensor([512.0, 512.0])
        y, x = torch.meshgrid(torch.arange(256) * 4 + 2.0, torch.arange(256) * 4 + 2.0, indexing="ij")
        distance = torch.hypot(x - centre[0], y - centre[1])
        masks = torch.stack([40.0 * (k + 1) - distance for k in range(4)])[None]
        return masks, torch.tensor([[0.9, 0.1, 0.2, float(given["dense_prompt_embeddings"].mean())]])


class StandInImageEncoder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, 2, 2, width))

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape == (1, 3, 1024, 1024)
        return x.mean() + torch.zeros(1, 256, 64, 64)


def parts() -> dict[str, nn.Module]:
    return {"prompt_encoder": StandInPromptEncoder(), "mask_decoder": StandInMaskDecoder()}


def stand_in_sam(width: int) -> nn.Module:
    sam = nn.Module()
    sam.image_encoder = StandInImageEncoder(width)
    for name, module in parts().items():
        setattr(sam, name, module)
    sam.register_buffer("pixel_mean", torch.zeros(3, 1, 1))
    return sam


@pytest.fixture
def segment_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    package: Any = types.ModuleType("segment_anything")
    package.sam_model_registry = {
        kind: lambda checkpoint=None, width=width: stand_in_sam(width)
        for kind, width in (("vit_b", 768), ("vit_l", 1024), ("vit_h", 1280))
    }
    monkeypatch.setitem(sys.modules, "segment_anything", package)


def write(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


@pytest.fixture(scope="session")
def vit_b(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("checkpoints") / "model.pth", stand_in_sam(768).state_dict())


def mobile_state() -> dict[str, Tensor]:
    state = {f"image_encoder.{name}": value for name, value in TinyViT().state_dict().items()}
    for part, module in parts().items():
        state |= {f"{part}.{name}": value for name, value in module.state_dict().items()}
    # What the published file holds besides: the classifier of TinyViT.
    return state | {"image_encoder.head.weight": torch.zeros(10, 320), "image_encoder.norm_head.bias": torch.zeros(320)}


def disc_of(prediction: Any, index: int) -> tuple[float, float, float]:
    """Centre x, y and radius of a mask in image pixels."""
    mask = prediction.logits(index) > 0
    y, x = np.nonzero(mask)
    return (x + 0.5).mean(), (y + 0.5).mean(), float(np.sqrt(mask.sum() / np.pi))


@pytest.mark.usefixtures("segment_anything")
class TestWithThePackage:
    @pytest.mark.parametrize(("width", "name"), [(768, "SAM ViT-B"), (1024, "SAM ViT-L"), (1280, "SAM ViT-H")])
    def test_the_type_is_told_from_the_content(self, tmp_path: Path, width: int, name: str) -> None:
        segmenter = load_segmenter(write(tmp_path / "any_name.bin", stand_in_sam(width).state_dict()), device="cpu")
        assert segmenter.name == f"{name} (any_name.bin)"

    def test_mobile_sam_uses_its_own_encoder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def forward(model: TinyViT, images: Tensor) -> Tensor:
            return model.state_dict()["neck.1.bias"].reshape(1, 256, 1, 1).expand(len(images), 256, 64, 64)

        monkeypatch.setattr(TinyViT, "forward", forward)  # the whole encoder takes seconds
        state = mobile_state()
        state["image_encoder.neck.1.bias"] = torch.arange(256.0)
        segmenter = load_segmenter(write(tmp_path / "mobile_sam.pt", state), device="cpu")
        assert segmenter.name == "MobileSAM (mobile_sam.pt)"
        features = segmenter.encode(np.zeros((40, 60, 3), dtype=np.uint8)).features["image_embeddings"]
        assert features[0, :, 0, 0].tolist() == list(range(256))

    def test_prompts_arrive_where_they_were_set(self, vit_b: Path) -> None:
        segmenter = load_segmenter(vit_b, device="cpu")
        embedding = segmenter.encode(np.zeros((300, 400, 3), dtype=np.uint8))
        scale = 400 / 1024
        lone = segmenter.predict(embedding, Prompt2D(np.array([[150, 120]]), np.array([1])))
        assert lone.low_res.shape == (3, 256, 256)
        for index, radius in enumerate((80, 120, 160)):
            assert disc_of(lone, index) == pytest.approx((150, 120, radius * scale), abs=0.3)
        boxed = segmenter.predict(embedding, Prompt2D(box=np.array([180, 60, 220, 140])))
        assert disc_of(boxed, 0) == pytest.approx((200, 100, 40 * scale), abs=0.3)
        assert boxed.extra.tolist() == [False, True, True, True]
        points = np.array([[100, 100], [140, 120], [300, 250]])
        several = segmenter.predict(embedding, Prompt2D(points, np.array([1, 1, 0])))
        assert disc_of(several, 0) == pytest.approx((120, 110, 40 * scale), abs=0.3)

    def test_the_mask_prompt_arrives(self, vit_b: Path) -> None:
        segmenter = load_segmenter(vit_b, device="cpu")
        embedding = segmenter.encode(np.zeros((300, 400, 3), dtype=np.uint8))
        low_res = np.full((256, 256), 0.25, dtype=np.float32)
        point = {"points": np.array([[10, 10]]), "labels": np.array([1])}
        assert segmenter.predict(embedding, Prompt2D(**point, low_res=low_res)).iou[3] == pytest.approx(0.25)
        assert segmenter.predict(embedding, Prompt2D(low_res=low_res)).iou[3] == pytest.approx(0.25)
        assert segmenter.predict(embedding, Prompt2D(**point)).iou[2] == pytest.approx(-99.0)

    def test_the_fingerprint_follows_the_weights(self, tmp_path: Path, vit_b: Path) -> None:
        state = stand_in_sam(768).state_dict()
        one = load_segmenter(write(tmp_path / "a.pth", state), device="cpu")
        state["image_encoder.pos_embed"] = state["image_encoder.pos_embed"] + 1
        two = load_segmenter(write(tmp_path / "b.pth", state), device="cpu")
        assert one.fingerprint != two.fingerprint
        assert load_segmenter(vit_b, device="cpu").fingerprint == load_segmenter(vit_b, device="cpu").fingerprint

    def test_training_wrappers_are_unpacked(self, tmp_path: Path) -> None:
        state = {f"module.{name}": value for name, value in stand_in_sam(768).state_dict().items()}
        segmenter = load_segmenter(write(tmp_path / "wrapped.pth", {"model": state, "epoch": 3}), device="cpu")
        assert segmenter.name.startswith("SAM ViT-B")

    def test_weights_that_do_not_fit_are_refused(self, tmp_path: Path) -> None:
        state = stand_in_sam(768).state_dict()
        del state["mask_decoder.iou_token.weight"]
        with pytest.raises(UserError, match=r"does not fit SAM ViT-B: it lacks mask_decoder.iou_token.weight"):
            load_segmenter(write(tmp_path / "a.pth", state), device="cpu")
        state["mask_decoder.iou_token.weight"] = torch.zeros(1, 5)
        with pytest.raises(UserError, match=r"does not fit SAM ViT-B: size mismatch for iou_token.weight"):
            load_segmenter(write(tmp_path / "a.pth", state), device="cpu")

    def test_a_full_gpu_is_explained(self, vit_b: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def forward(model: nn.Module, images: Tensor) -> Tensor:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

        monkeypatch.setattr(StandInImageEncoder, "forward", forward)
        segmenter = load_segmenter(vit_b, device="cpu")
        with pytest.raises(UserError, match="memory is too small or too full"):
            segmenter.encode(np.zeros((30, 40, 3), dtype=np.uint8))


def test_a_package_that_is_missing_or_does_not_load_is_explained(
    vit_b: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    with pytest.raises(UserError, match=r'SAM ViT-B checkpoint.*segment-anything.*pip install "splatcut\[sam\]"'):
        load_segmenter(vit_b, device="cpu")

    (tmp_path / "segment_anything.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "segment_anything")
    with pytest.raises(UserError, match="nms does not exist.*pip install -U torch torchvision"):
        load_segmenter(vit_b, device="cpu")


class Code:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (exec, ("raise SystemExit('a checkpoint ran code')",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no checkpoint at"),
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"ply\nformat ascii 1.0\n", "PLY file"),
        (b"\x89PNG\r\n\x1a\n", "not a PyTorch checkpoint"),
        (b"PK\x03\x04 and then nothing of use", "damaged, truncated or not a PyTorch"),
        (b"\x80\x02 and then nothing of use", "damaged"),
    ],
)
def test_files_that_are_no_checkpoints_get_a_sentence(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "sam.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_checkpoint(path)


def test_a_broken_off_download_names_both_sizes(tmp_path: Path, vit_b: Path) -> None:
    content = vit_b.read_bytes()
    path = tmp_path / "sam_vit_b_01ec64.pth"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"truncated .* \(it has [\d,]+ bytes, the published file 375,042,383\)"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [({"weights": Code()}, "more than weights"), *((some, "no model weights") for some in ([1, 2], {"epoch": 3}, 5))],
)
def test_a_checkpoint_holds_weights_alone_and_never_runs_code(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_checkpoint(write(tmp_path / "a.pth", content))


def test_other_models_are_named(tmp_path: Path) -> None:
    for name, shape, said in (
        ("image_encoder.trunk.pos_embed", (1,), "SAM 2 checkpoint.*ONNX"),
        ("layer1.weight", (1,), "not a SAM ViT-B"),
        ("image_encoder.pos_embed", (1, 4, 4, 512), "not a SAM ViT-B"),
    ):
        with pytest.raises(UserError, match=said):
            checkpoint_kind({name: torch.zeros(shape)}, tmp_path)
