# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of healing measures and shows, against values worked out by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import heal
from bench.heal import Cost, Outside, Result, Seen
from bench.heal_pictures import GAP, cropped, sheet
from splatcut import formats
from splatcut.errors import UserError
from splatcut.heal import Healed
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import SH_C0, Gaussians

CAMERA = Camera(64, 48, 60.0, 60.0, 32.5, 24.5, np.eye(4))
NOWHERE = Outside(0, 0, 0.0)


def discs(xs: list[float], grey: list[float], z: float = 4.0) -> Gaussians:
    """Opaque grey Gaussians at depth z, standard deviation 0.1, which is 1.5 pixels at depth 4."""
    count = len(xs)
    means = np.array([[x, 0.0, z] for x in xs], np.float32)
    sh = np.repeat(((np.array(grey) - 0.5) / SH_C0)[:, None, None], 3, axis=2).astype(np.float32)
    quats = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    return Gaussians(means, np.full((count, 3), np.log(0.1), np.float32), quats, np.full(count, 9.0, np.float32), sh)


def test_errors_and_changes_of_a_view() -> None:
    # 0 is taken out, 1 is residue, 2 is recoloured, 3 stays; the filling is a copy of 2 and one in the place of 0.
    gaussians = discs([-1.0, 0.0, 1.0, 1.6], [0.9, 0.4, 0.4, 0.6])
    removed = np.array([True, False, False, False])
    filling = discs([1.0, -1.0], [0.8, 0.2])
    healed = Healed(np.array([False, True, True, False]), filling, np.array([2, -1]), ())
    np.testing.assert_array_equal(heal.residue(healed), [False, True, False, False])

    outline = np.zeros((48, 64), bool)
    outline[:, :26] = True  # about the first, which lies at column 17
    truth = np.zeros((48, 64, 3), np.uint8)
    squared, outside, mask, touched = heal.compare(gaussians, removed, healed, CAMERA, outline, truth)
    assert squared[0] == squared[1] == 0.0  # nothing was there
    y, x = np.mgrid[:48, :64] + 0.5
    # away from the axis it is wider across, by 1 + (x / z)^2
    alpha = 0.99988 * np.exp(-((x - 17.5) ** 2 / (1.5**2 * (1 + 1 / 16) + 0.3) + (y - 24.5) ** 2 / (1.5**2 + 0.3)) / 2)
    alpha = np.minimum(np.where(alpha < 1 / 255, 0, alpha), 0.99)
    assert squared[2] == pytest.approx(3 * ((255 * 0.2 * alpha) ** 2).sum(), rel=0.01)
    # Without masks the residue (0.4) and the recoloured (0.8 for 0.4) have changed; without the residue the latter.
    assert outside.largest == pytest.approx(102, abs=2)
    assert mask.largest == pytest.approx(102, abs=2)
    assert 0 < mask.changed < outside.changed
    assert touched.pixels < mask.pixels < outside.pixels == (~outline).sum()
    assert touched.changed == 0
    assert touched.largest < 2


def seen(view: str, squared: tuple[float, ...], values: int = 3, removed: str = "pear") -> Seen:
    return Seen("draft", removed, view, True, values, squared, Outside(10, 1, 7.5), NOWHERE, NOWHERE)


def test_errors_are_pooled_and_their_spread_comes_from_the_views() -> None:
    views = [seen("a", (300.0, 300.0, 75.0)), seen("b", (300.0, 300.0, 75.0), values=9)]
    value, spread = heal.scores([views])
    assert value == pytest.approx([np.sqrt(600 / 12), np.sqrt(600 / 12), np.sqrt(150 / 12), 0.5])
    assert spread[3] == pytest.approx(0, abs=1e-12)
    # Drawn again, the mean is that of a, a and b (twice as likely), or b: rms 10, sqrt(50), sqrt(100 / 3).
    assert spread[0] == pytest.approx(np.std([10, 50**0.5, 50**0.5, (100 / 3) ** 0.5]), rel=0.1)
    value, _ = heal.scores([views, [seen("a", (0.0, 0.0, 0.0)), seen("b", (0.0, 0.0, 0.0))]])
    assert value[:3] == pytest.approx([np.sqrt(50) / 2, np.sqrt(50) / 2, np.sqrt(12.5) / 2])
    assert heal.decibels(25.5) == "20.0"


def test_figures_come_back_from_json_and_make_tables(tmp_path: Path) -> None:
    cost = Cost("draft", "pear", 1, 2, 3, 4.25, ("No.",))
    result = Result([seen("a", (300.0, 300.0, 75.0)), seen("b", (30.0, 30.0, 7.5))], [cost], {"draft": 60.0})
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(asdict(result)), encoding="utf-8")
    assert heal.read_json([path]) == result
    tables = result.sections()
    assert "| ready masks, draft | pear | 7.4 ±" in tables["unseen"]
    assert "| 0.50 ± 0.00 | 30.7 | 36.7 |" in tables["unseen"]
    assert "| ready masks, draft | pear | 10.000% | 7.5 |" in tables["outside"]
    assert "| ready masks, draft | cutting |  |  |  | 60.0 |" in tables["cost"]
    path.write_text('{"seen": [{"cut": 1}]}', encoding="utf-8")
    with pytest.raises(UserError, match="is not what this script writes"):
        heal.read_json([path])


def test_a_cut_is_read_in_the_order_of_its_labels(tmp_path: Path) -> None:
    whole = discs([0.0, 1.0, 2.0, 3.0], [0.1, 0.2, 0.3, 0.4])
    labels = np.array([1, 0, 2, 1], np.int32)
    (tmp_path / "objects").mkdir()
    for number, name in enumerate(("background", "objects/cup", "objects/jug")):
        formats.write_splats(tmp_path / f"{name}.ply", formats.SplatFile.from_gaussians(whole.take(labels == number)))
    np.savez(tmp_path / "labels.npz", labels=labels, names=np.array(["cup", "jug"]))
    stages = [
        {"name": "lift", "cpu_seconds": 1.5},
        {"name": "heal", "cpu_seconds": 8.0},
        {"name": "write", "cpu_seconds": 2.0},
    ]
    (tmp_path / "report.json").write_text(json.dumps({"stages": stages}), encoding="utf-8")
    cut = heal.read_cut(tmp_path)
    np.testing.assert_array_equal(cut.gaussians.means, whole.means)
    np.testing.assert_array_equal(cut.removed("jug"), [False, False, True, False])
    np.testing.assert_array_equal(cut.removed(heal.ALL), labels > 0)
    assert cut.cpu_seconds == 3.5


def test_a_plate_must_show_the_whole_outline(tmp_path: Path) -> None:
    pixels = np.zeros((4, 6, 4), np.uint8)
    pixels[1:3, 1:4] = (10, 20, 30, 255)
    Image.fromarray(pixels).save(tmp_path / "plate.png")
    outline = np.zeros((4, 6), bool)
    outline[1, 1:4] = True
    np.testing.assert_array_equal(heal.read_plate(tmp_path / "plate.png", outline)[outline], [[10, 20, 30]] * 3)
    outline[0, 0] = True
    with pytest.raises(UserError, match="other masks"):
        heal.read_plate(tmp_path / "plate.png", outline)
    with pytest.raises(UserError, match=r"demo/README\.md"):
        heal.read_plate(tmp_path / "none.png", outline)


def test_a_sheet_of_parts_cropped_to_the_plate() -> None:
    photo = np.full((4, 6, 3), 200, np.uint8)
    plate = np.zeros((4, 6, 4), np.uint8)
    plate[1:3, 2:5] = (10, 20, 30, 255)
    parts = cropped([photo, plate])
    assert [part.shape for part in parts] == [(2, 3, 3)] * 2
    made = sheet([parts, [photo, photo]])  # the first row is enlarged to the second's width
    assert made.shape == (4 + GAP + 4, 6 + GAP + 6, 3)
    np.testing.assert_array_equal(made[:4, 6 + GAP :], np.broadcast_to([10, 20, 30], (4, 6, 3)))
    np.testing.assert_array_equal(made[4 + GAP :, :6], photo)
    assert (made[4 : 4 + GAP] == 255).all()
    assert (made[:, 6 : 6 + GAP] == 255).all()
