# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From a path to a model, and sentences for paths that lead to none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from mask_scenes import iou
from PIL import Image

import splatcut.segmenter.onnx_sam as onnx_sam
from splatcut.devices import cuda_problem, resolve_device
from splatcut.errors import UserError
from splatcut.segmenter import Prompt2D, Segmenter, load_segmenter


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A folder with the embedded model under a user's names."""
    shutil.copy(onnx_sam.EMBEDDED_ENCODER, tmp_path / "mine_encoder_v2.onnx")
    shutil.copy(onnx_sam.EMBEDDED_DECODER, tmp_path / "mine_decoder_v2.onnx")
    return tmp_path


def test_a_pair_is_found_from_the_encoder(pair: Path, embedded: Segmenter) -> None:
    assert (embedded.name, len(embedded.fingerprint)) == ("MobileSAM (embedded)", 64)
    segmenter = load_segmenter(pair / "mine_encoder_v2.onnx", device="cpu")
    assert segmenter.name == "SAM (ONNX, mine_encoder_v2.onnx)"
    assert segmenter.fingerprint == embedded.fingerprint


def test_halves_are_told_apart_by_content(pair: Path) -> None:
    shutil.copy(pair / "mine_encoder_v2.onnx", pair / "mine_decoder_v2.onnx")
    with pytest.raises(UserError, match=r"mine_decoder_v2.onnx is not the decoder of a SAM model: it takes image and"):
        load_segmenter(pair, device="cpu")


def test_a_lone_half_names_its_partner(pair: Path) -> None:
    (pair / "mine_decoder_v2.onnx").unlink()
    with pytest.raises(UserError, match=r"needs its decoder, but there is no .*mine_decoder_v2.onnx"):
        load_segmenter(pair / "mine_encoder_v2.onnx")
    with pytest.raises(UserError, match="needs its decoder"):
        load_segmenter(pair)


def test_folders_hold_one_pair(pair: Path, tmp_path: Path) -> None:
    (pair / "other_encoder.onnx").write_bytes(b"")
    with pytest.raises(UserError, match="several models"):
        load_segmenter(pair)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no ONNX file"):
        load_segmenter(tmp_path / "empty")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"<html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\xff\xfenot a model", "damaged or is not an ONNX model"),
        (None, "damaged or is not an ONNX model"),
    ],
)
def test_damaged_files_get_a_sentence(pair: Path, content: bytes | None, message: str) -> None:
    decoder = pair / "mine_decoder_v2.onnx"
    decoder.write_bytes(decoder.read_bytes()[:100_000] if content is None else content)
    with pytest.raises(UserError, match=message) as caught:
        load_segmenter(pair, device="cpu")
    assert "mine_decoder_v2.onnx" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone_encoder.onnx", "There is no ONNX model at .*gone_encoder.onnx"),
        ("model.onnx", "a pair"),
        ("gone.pth", "There is no checkpoint at"),
    ],
)
def test_missing_files_get_a_sentence(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_segmenter(tmp_path / name, device="cpu")


def test_a_damaged_installation_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tmp_path / onnx_sam.EMBEDDED_ENCODER.name
    monkeypatch.setattr(onnx_sam, "EMBEDDED_ENCODER", encoder)
    with pytest.raises(UserError, match="missing. Install splatcut again"):
        load_segmenter()
    encoder.write_bytes(b"something else")
    with pytest.raises(UserError, match="damaged. Install splatcut again"):
        load_segmenter()


def test_the_device_is_told_without_torch_where_its_version_says_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    for version, device, told in (
        ("2.13.0+cpu", "auto", "cpu"),
        ("2.13.0+cpu", "cuda", "cuda"),
        ("2.13.0+cu126", "auto", "cuda"),
    ):
        monkeypatch.setattr("importlib.metadata.version", lambda name, version=version: version)
        assert resolve_device(device) == told


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.13.0+cu126")
    assert resolve_device("cpu") == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert (resolve_device("auto"), resolve_device("cuda"), cuda_problem()) == ("cuda", "cuda", None)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UserError, match="CUDA was requested but cannot be used.*--device cpu"):
        load_segmenter(device="cuda")
    monkeypatch.setattr("torch.version.cuda", "12.6")
    with pytest.raises(UserError, match="CUDA 12.6 but finds no usable NVIDIA GPU"):
        resolve_device("cuda")
    with pytest.raises(UserError, match='no device "tpu"'):
        resolve_device("tpu")


@pytest.mark.slow
def test_sam_2_by_path(shared: Path) -> None:
    segmenter = load_segmenter(shared / "models" / "sam2_hiera_tiny_encoder_int8w.onnx", device="cpu")
    assert segmenter.name == "SAM 2 (ONNX, sam2_hiera_tiny_encoder_int8w.onnx)"
    scene = shared / "scenes" / "statue"
    prompt = json.loads((scene / "prompts.json").read_text())["objects"][0]["prompts"][0]
    photo = np.asarray(Image.open(scene / "images" / f"{prompt['view']}.jpg").convert("RGB"))
    truth = np.asarray(Image.open(scene / "masks" / f"{prompt['view']}.png").convert("L")) > 127
    embedding = segmenter.encode(photo)
    assert (embedding.frame.used_width, embedding.frame.used_height) == (1024, 1024)
    points = np.array(prompt["points"], dtype=np.float32)
    box = np.array(prompt["box"])
    for clear in (Prompt2D(points[:, :2], points[:, 2].astype(np.int32), box), Prompt2D(box=box)):
        prediction = segmenter.predict(embedding, clear)
        assert prediction.best == 0
        assert iou(prediction.logits(0) > 0, truth) > 0.925
