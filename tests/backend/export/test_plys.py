# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Objects and background put together are the input, bit by bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plyfile import PlyData, PlyElement

from splatcut.errors import UserError
from splatcut.export.plys import write_labels, write_objects
from splatcut.formats import read_splats

COUNT = 37


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A PLY with unusual order, a double, an unknown property, odd bits and a comment."""
    rng = np.random.default_rng(1)
    names = ["opacity", "x", "y", "z", "rot_0", "rot_1", "rot_2", "rot_3", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += ["scale_0", "scale_1", "scale_2"]
    fields = [("mystery", "<i2"), *((name, "<f8" if name == "y" else "<f4") for name in names), ("flag", "u1")]
    rows = np.zeros(COUNT, dtype=fields)
    for name in names:
        rows[name] = rng.normal(size=COUNT)
    rows["mystery"] = rng.integers(-999, 999, COUNT)
    rows["flag"] = rng.integers(0, 255, COUNT)
    rows["f_dc_0"][3] = -0.0
    path = tmp_path / "scene.ply"
    PlyData([PlyElement.describe(rows, "vertex")], byte_order="<", comments=["made by hand"]).write(path)
    return path


def test_the_union_is_the_input_bit_by_bit(scene: Path, tmp_path: Path) -> None:
    labels = np.random.default_rng(2).integers(0, 4, COUNT).astype(np.int32)
    labels[labels == 3] = 0
    written = write_objects(read_splats(scene), labels, ["pot", "bonsai tree", "ghost"], tmp_path / "out")
    assert written.empty == ("ghost",)
    assert not (tmp_path / "out" / "objects" / "ghost.ply").exists()
    assert written.counts == {"pot": (labels == 1).sum(), "bonsai tree": (labels == 2).sum(), "ghost": 0}
    assert written.background_count == (labels == 0).sum()
    original = PlyData.read(scene)
    for label, path in ((0, written.background), (1, written.objects["pot"]), (2, written.objects["bonsai tree"])):
        part = PlyData.read(path)
        assert part.comments == ["made by hand"]
        assert [p.name for p in part["vertex"].properties] == [p.name for p in original["vertex"].properties]
        assert part["vertex"].data.tobytes() == original["vertex"].data[labels == label].tobytes()
    assert written.objects["pot"] == tmp_path / "out" / "objects" / "pot.ply"


def test_an_earlier_runs_file_does_not_stay_for_an_empty_object(scene: Path, tmp_path: Path) -> None:
    splats = read_splats(scene)
    write_objects(splats, np.ones(COUNT, np.int32), ["pot"], tmp_path)
    assert not (tmp_path / "background.ply").exists()
    result = write_objects(splats, np.zeros(COUNT, np.int32), ["pot"], tmp_path)
    assert result.empty == ("pot",)
    assert not (tmp_path / "objects" / "pot.ply").exists()
    assert (tmp_path / "background.ply").exists()


@pytest.mark.parametrize("names", [["a", "A"], ["a/b"], [""], ["con"]])
def test_names_that_are_no_files_are_refused_before_anything_is_written(
    scene: Path, tmp_path: Path, names: list[str]
) -> None:
    with pytest.raises(UserError, match="name"):
        write_objects(read_splats(scene), np.zeros(COUNT, np.int32), names, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_labels_that_do_not_fit_are_refused(scene: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="between 0"):
        write_objects(read_splats(scene), np.full(COUNT, 2), ["pot"], tmp_path)
    with pytest.raises(ValueError, match="labels of shape"):
        write_objects(read_splats(scene), np.zeros(3, np.int32), ["pot"], tmp_path)


def test_labels_read_back(tmp_path: Path) -> None:
    labels = np.array([0, 2, 1], dtype=np.int32)
    probability = np.array([[0.1, 0.2], [0.0, 1.0], [0.75, 0.25]], dtype=np.float32)
    write_labels(tmp_path / "labels.npz", labels, ["pot", "Töpfchen"], probability, np.array([0, 1, 1]))
    with np.load(tmp_path / "labels.npz", allow_pickle=False) as file:
        content = dict(file)
    assert list(content) == ["labels", "names", "probability", "parent"]
    assert content["names"].tolist() == ["pot", "Töpfchen"]
    np.testing.assert_array_equal(content["labels"], labels)
    np.testing.assert_array_equal(content["probability"], probability.astype(np.float16))
    assert content["parent"].tolist() == [0, 1, 1]
    assert [content[name].dtype for name in ("labels", "probability", "parent")] == [np.int32, np.float16, np.int64]
    first = (tmp_path / "labels.npz").read_bytes()
    write_labels(tmp_path / "labels.npz", labels, ["pot", "Töpfchen"], probability, np.array([0, 1, 1]))
    assert (tmp_path / "labels.npz").read_bytes() == first


def test_variances_are_written_in_half_precision(tmp_path: Path) -> None:
    labels, probability = np.array([0, 1], np.int32), np.array([[0.25], [1.0]])
    variance = np.array([0.1, 1.0], np.float32)
    write_labels(tmp_path / "labels.npz", labels, ["pot"], probability, np.arange(2), variance)
    with np.load(tmp_path / "labels.npz", allow_pickle=False) as file:
        read = file["variance"]
    assert read.dtype == np.float16
    assert read.tolist() == variance.astype(np.float16).tolist()
