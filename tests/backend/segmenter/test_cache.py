# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings on disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from splatcut.folders import cache_folder, data_folder, embeddings_folder
from splatcut.segmenter import Embedding, EmbeddingCache, Prompt2D, Segmenter

from .conftest import CountingSegmenter, Picture


def image(value: int, shape: tuple[int, int] = (6, 8)) -> np.ndarray:
    return np.full((*shape, 3), value, dtype=np.uint8)


def test_the_same_content_is_computed_once(tmp_path: Path, counting: CountingSegmenter) -> None:
    first = EmbeddingCache(tmp_path).encode(counting, image(7))
    again = EmbeddingCache(tmp_path)  # another run
    second = again.encode(counting, image(7).copy())
    assert counting.encoded == 1
    assert again.misses == 0
    assert second.frame == first.frame
    assert second.features["mean"].dtype == np.float32
    np.testing.assert_array_equal(first.features["mean"], second.features["mean"])


def test_other_pixels_another_shape_or_another_model_are_computed_anew(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    one, two = CountingSegmenter("one"), CountingSegmenter("two", value=2.0)
    changed = image(7)
    changed[5, 7, 2] = 8
    for picture in (image(7), changed, image(7, (8, 6)), image(7, (4, 12))):
        cache.encode(one, picture)
    assert one.encoded == 4
    assert cache.encode(two, image(7)).features["mean"].tolist() == [14.0, 14.0, 14.0]
    assert cache.encode(one, image(7)).features["mean"].tolist() == [7.0, 7.0, 7.0]
    assert (one.encoded, two.encoded) == (4, 1)


def test_the_first_answer_is_rounded_as_the_later_ones(tmp_path: Path) -> None:
    segmenter = CountingSegmenter(value=0.1)
    cache = EmbeddingCache(tmp_path)
    fresh, kept = cache.encode(segmenter, image(33)), cache.encode(segmenter, image(33))
    np.testing.assert_array_equal(fresh.features["mean"], kept.features["mean"])
    np.testing.assert_allclose(fresh.features["mean"], 3.3, rtol=1e-3)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign", "other arrays"])
def test_a_damaged_file_is_computed_anew_and_replaced(tmp_path: Path, counting: CountingSegmenter, damage: str) -> None:
    cache = EmbeddingCache(tmp_path)
    expected = cache.encode(counting, image(7)).features["mean"]
    path = cache.path(counting, image(7))
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0xFF
    if damage == "other arrays":
        np.savez(path, mean=np.zeros(3))
    else:
        path.write_bytes({"empty": b"", "cut": content[:-100], "flipped": bytes(flipped), "foreign": b"ply\n"}[damage])
    np.testing.assert_array_equal(cache.encode(counting, image(7)).features["mean"], expected)
    assert counting.encoded == 2
    assert path.read_bytes() == content
    cache.encode(counting, image(7))
    assert counting.encoded == 2


def test_the_least_recently_used_go_first(tmp_path: Path, counting: CountingSegmenter) -> None:
    probe = EmbeddingCache(tmp_path / "probe")
    probe.encode(counting, image(0))
    cache = EmbeddingCache(tmp_path / "cache", max_bytes=3 * probe.size())
    for value in (1, 2, 3):
        cache.encode(counting, image(value))
        os.utime(cache.path(counting, image(value)), (1000 + value, 1000 + value))
    cache.encode(counting, image(1))  # now 2 is the one unused for longest
    cache.encode(counting, image(4))
    assert [cache.path(counting, image(value)).exists() for value in (1, 2, 3, 4)] == [True, False, True, True]
    assert cache.size() <= cache.max_bytes
    none = EmbeddingCache(tmp_path / "none", max_bytes=100)
    none.encode(counting, image(1))
    assert none.size() == 0
    with pytest.raises(ValueError):
        EmbeddingCache(tmp_path, max_bytes=-1)


def test_files_of_others_are_left_alone(tmp_path: Path, counting: CountingSegmenter) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".writing.npz").write_bytes(b"x" * 100_000)
    cache = EmbeddingCache(tmp_path, max_bytes=20_000)
    for value in range(5):
        cache.encode(counting, image(value))
    assert {path.name for path in tmp_path.iterdir()} >= {"notes.txt", ".writing.npz"}
    assert cache.size() <= 20_000


def test_a_folder_that_cannot_be_written_costs_time_not_the_work(tmp_path: Path, counting: CountingSegmenter) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = EmbeddingCache(blocked / "cache")
    assert cache.encode(counting, image(7)).features["mean"].tolist() == [7.0, 7.0, 7.0]
    assert "recomputed" in (cache.problem or "")


def test_features_beyond_float16_are_not_kept(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    got = cache.encode(CountingSegmenter(value=1e6), image(7))
    np.testing.assert_allclose(got.features["mean"], 7e6)
    assert cache.size() == 0


def test_the_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPLATCUT_CACHE", str(tmp_path))
    assert embeddings_folder() == tmp_path / "embeddings"
    monkeypatch.delenv("SPLATCUT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert "splatcut" in cache_folder().parts
    assert embeddings_folder() == cache_folder() / "embeddings"
    assert cache_folder() != data_folder()
    if sys.platform == "linux":
        assert cache_folder() == tmp_path / "caches" / "splatcut"


def test_rounding_does_not_move_the_mask(
    tmp_path: Path, embedded: Segmenter, disc_embedding: Embedding, picture: Picture
) -> None:
    known = CountingSegmenter()
    known.encode = lambda image: disc_embedding
    kept = EmbeddingCache(tmp_path).encode(known, picture.image)
    assert (kept.features["image_embeddings"] != disc_embedding.features["image_embeddings"]).any()
    prompt = Prompt2D(np.array([picture.centre]), np.array([1]))
    one, two = embedded.predict(disc_embedding, prompt), embedded.predict(kept, prompt)
    assert np.abs(one.low_res - two.low_res).max() < 0.05
    assert ((one.logits(one.best) > 0) != (two.logits(two.best) > 0)).sum() <= 5
