# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A ball is taken from a table, and the table is whole."""

from __future__ import annotations

import heal_scenes
import numpy as np
import pytest
from numpy.typing import NDArray

from splatcut import raster
from splatcut.errors import Cancelled
from splatcut.heal import Healed, heal
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians, concatenate


def run(
    scene: Gaussians, removed: NDArray[np.bool_], cameras: list[Camera], progress: Quiet | None = None, seed: int = 0
) -> Healed:
    made = heal(scene, removed.astype(np.int32), removed, cameras, progress or Quiet(), seed=seed)
    assert made.dropped.shape == removed.shape
    assert not (made.dropped & removed).any()
    assert len(made.parent) == len(made.filling)
    assert made.dropped[made.parent[made.parent >= 0]].all()  # what is recoloured is replaced
    assert np.isfinite(made.filling.means).all()
    assert np.isfinite(made.filling.sh).all()
    assert all(sentence.endswith(".") for sentence in made.told)
    return made


def after(scene: Gaussians, removed: NDArray[np.bool_], made: Healed) -> Gaussians:
    return concatenate([scene.take(~removed & ~made.dropped), made.filling])


def blended(scene: Gaussians, chosen: NDArray[np.bool_], camera: Camera) -> NDArray[np.float32]:
    """[H, W]: how much of a pixel the chosen cover."""
    return raster.render(scene, camera, features=chosen[:, None].astype(np.float32), colour=False).features[..., 0]


def test_the_table_is_whole() -> None:
    made, cameras = heal_scenes.standing(), heal_scenes.cameras()
    healed = run(made.scene, made.removed, cameras)
    assert healed.dropped[made.crumbs].all()
    assert healed.filling.sh_degree == made.scene.sh_degree
    rest, whole = made.scene.take(~made.removed), after(made.scene, made.removed, healed)
    new = np.arange(len(whole)) >= len(whole) - len(healed.filling)
    for camera in cameras[::3]:
        truth, unhealed, found = (raster.render(part, camera).image for part in (made.truth, rest, whole))
        ball = blended(made.scene, made.removed, camera)
        outline = ball > 0.5

        def error(image: NDArray[np.float32], truth: NDArray[np.float32] = truth, at: object = outline) -> float:
            return float(np.sqrt(((image - truth)[at] ** 2).mean()))

        assert error(found) < 0.2 * error(unhealed)
        outside = (ball < 1 / 255) & (blended(whole, new, camera) < 1 / 255)
        assert outside.mean() > 0.5
        assert np.abs(found - unhealed)[outside].max() <= 2 / 255


def test_again_gives_the_same_bits() -> None:
    made, cameras = heal_scenes.standing(), heal_scenes.cameras(5)
    first, second = (run(made.scene, made.removed, cameras) for _ in range(2))
    for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(first.filling, name), getattr(second.filling, name))
    np.testing.assert_array_equal(first.dropped, second.dropped)


def test_nothing_taken_out_changes_nothing() -> None:
    made = heal_scenes.standing()
    healed = run(made.scene, np.zeros(len(made.scene), bool), heal_scenes.cameras(3))
    assert (healed.dropped.any(), len(healed.filling), healed.told) == (False, 0, ())


@pytest.mark.parametrize(("count", "why"), [(0, "there are no views"), (3, "nothing else is in the scene")])
def test_what_cannot_be_done_is_said(count: int, why: str) -> None:
    made = heal_scenes.standing()
    removed = made.removed if count == 0 else np.ones(len(made.scene), bool)
    healed = run(made.scene, removed, heal_scenes.cameras(count))
    assert healed.told == (f"The hole cannot be filled: {why}.",)
    assert (healed.dropped.any(), len(healed.filling)) == (False, 0)


def test_nothing_around_is_said() -> None:
    """A ball in the air, with crumbs in it: they are all that stays, and nothing comes."""
    parts = [heal_scenes.ball(), heal_scenes.shifted(heal_scenes.crumbs(), (0.0, 0.0, 0.2))]
    scene = concatenate(parts)
    removed = np.arange(len(scene)) < len(parts[0])
    healed = run(scene, removed, heal_scenes.cameras(6))
    assert not healed.dropped.any()  # the little that stays is not lost
    assert len(healed.filling) == 0
    assert healed.told == ("The hole cannot be filled: nothing is known around it.",)


def test_at_the_scenes_rim_nothing_grows_beyond_it() -> None:
    """Half of the ball stands over the edge of the table."""
    made = heal_scenes.standing(black=False)
    scene = made.scene.take(made.removed | (made.scene.means[:, 0] < 0))
    removed = np.arange(len(scene)) >= len(scene) - int(made.removed.sum())
    healed = run(scene, removed, heal_scenes.cameras())
    assert (healed.filling.means[:, 0] < 0.1 + 3 * heal_scenes.SPACING).all()


def test_one_view_is_enough_not_to_fail() -> None:
    made = heal_scenes.standing()
    camera = heal_scenes.cameras(1)
    healed = run(made.scene, made.removed, camera)
    rest, whole = made.scene.take(~made.removed), after(made.scene, made.removed, healed)
    truth, unhealed, found = (raster.render(part, camera[0]).image for part in (made.truth, rest, whole))
    outline = blended(made.scene, made.removed, camera[0]) > 0.5
    assert ((found - truth)[outline] ** 2).mean() < ((unhealed - truth)[outline] ** 2).mean()


def test_it_can_be_cancelled() -> None:
    made = heal_scenes.standing()

    class Stopping(Quiet):
        def step(self, count: int = 1) -> None:
            raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        run(made.scene, made.removed, heal_scenes.cameras(3), Stopping())
