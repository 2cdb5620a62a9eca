# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded MobileSAM on a picture whose object is known exactly, and on real photos."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mask_scenes import iou
from PIL import Image

from splatcut.segmenter import Embedding, Prediction, Prompt2D, Segmenter, load_segmenter, low_res_from_mask
from splatcut.segmenter.onnx_sam import EMBEDDED_SHA256, WEIGHTS

from .conftest import Picture, disc_picture


def best_iou(prediction: Prediction, truth: np.ndarray) -> float:
    return iou(prediction.logits(prediction.best) > 0, truth)


def test_a_point_finds_the_disc_where_it_is(embedded: Segmenter, disc_embedding: Embedding, picture: Picture) -> None:
    prediction = embedded.predict(disc_embedding, Prompt2D(np.array([picture.centre]), np.array([1])))
    assert prediction.low_res.shape == (3, 256, 256)
    assert prediction.logits(0).shape == picture.disc.shape
    assert best_iou(prediction, picture.disc) > 0.97
    y, x = np.nonzero(prediction.logits(prediction.best) > 0)
    assert ((x + 0.5).mean(), (y + 0.5).mean()) == pytest.approx(picture.centre, abs=0.5)


def test_a_box_finds_the_disc(embedded: Segmenter, disc_embedding: Embedding, picture: Picture) -> None:
    (x, y), r = picture.centre, picture.radius + 2
    prediction = embedded.predict(disc_embedding, Prompt2D(box=np.array([x - r, y - r, x + r, y + r])))
    assert best_iou(prediction, picture.disc) > 0.97


def test_a_negative_point_turns_to_the_rest(embedded: Segmenter, disc_embedding: Embedding, picture: Picture) -> None:
    points = np.array([[20, 20], picture.centre])
    prediction = embedded.predict(disc_embedding, Prompt2D(points, np.array([1, 0])))
    mask = prediction.logits(0) > 0
    assert mask[20, 20]
    assert not mask[int(picture.centre[1]), int(picture.centre[0])]


def test_a_mask_prompt_recovers_the_disc(embedded: Segmenter, disc_embedding: Embedding, picture: Picture) -> None:
    shifted = np.roll(picture.disc, (4, -3), axis=(0, 1)).astype(np.float32)
    (x, y), r = picture.centre, picture.radius + 4
    low_res = low_res_from_mask(shifted, disc_embedding.frame)
    prompt = Prompt2D(np.array([picture.centre]), np.array([1]), np.array([x - r, y - r, x + r, y + r]), low_res)
    assert iou(shifted > 0.5, picture.disc) < 0.93
    assert best_iou(embedded.predict(disc_embedding, prompt), picture.disc) > 0.97


def test_equal_inputs_give_equal_outputs(embedded: Segmenter, disc_embedding: Embedding, picture: Picture) -> None:
    again = load_segmenter()
    assert again.fingerprint == embedded.fingerprint
    embedding = again.encode(picture.image)
    np.testing.assert_array_equal(embedding.features["image_embeddings"], disc_embedding.features["image_embeddings"])
    prompt = Prompt2D(np.array([picture.centre]), np.array([1]))
    one, two = embedded.predict(disc_embedding, prompt), again.predict(embedding, prompt)
    np.testing.assert_array_equal(one.low_res, two.low_res)
    np.testing.assert_array_equal(one.iou, two.iou)


def test_tall_images_work_as_wide_ones(embedded: Segmenter) -> None:
    tall = disc_picture(width=90, height=200, seed=1)
    prediction = embedded.predict(embedded.encode(tall.image), Prompt2D(np.array([tall.centre]), np.array([1])))
    assert best_iou(prediction, tall.disc) > 0.9


def test_what_is_no_image_is_refused(embedded: Segmenter) -> None:
    with pytest.raises(ValueError, match="uint8"):
        embedded.encode(np.zeros((10, 10, 3), dtype=np.float32))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="uint8"):
        embedded.encode(np.zeros((10, 10, 4), dtype=np.uint8))


def test_the_notice_names_the_files_and_the_licences() -> None:
    notice = (WEIGHTS / "NOTICE").read_text()
    for name, digest in EMBEDDED_SHA256.items():
        assert f"{digest}  {name}" in notice
    for words in ("Meta Platforms, Inc. and affiliates", "MobileSAM authors", "2022 Microsoft", "MIT License"):
        assert words in notice


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "least"), [("statue", 0.925), ("goldcape", 0.975)])
def test_real_photos_and_prompts(shared: Path, embedded: Segmenter, scene: str, least: float) -> None:
    folder = shared / "scenes" / scene
    prompt = json.loads((folder / "prompts.json").read_text())["objects"][0]["prompts"][0]
    photo = np.asarray(Image.open(folder / "images" / f"{prompt['view']}.jpg").convert("RGB"))
    truth = np.asarray(Image.open(folder / "masks" / f"{prompt['view']}.png").convert("L")) > 127
    points = np.array(prompt["points"], dtype=np.float32)
    box = np.array(prompt["box"]) if "box" in prompt else None
    prediction = embedded.predict(embedded.encode(photo), Prompt2D(points[:, :2], points[:, 2].astype(np.int32), box))
    assert best_iou(prediction, truth) > least
