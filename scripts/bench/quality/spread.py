# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Mean and spread of a variant's figures over folds and seeds, and the difference of two variants with its error.

Folds (sets of test views) and seeds vary for different reasons, so each has its own standard deviation. Two variants
are compared run by run, same fold and same seed, because what makes a fold hard is hard for both: the difference
scatters far less than the figures do. Seeds of one fold share its test views, so the error counts folds, not runs.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figures = dict[str, Any]
#: A run's fold and seed.
Key = tuple[int, int]


@dataclass(frozen=True)
class Measure:
    """One figure of a run.

    Attributes:
        title: in tables.
        of: the figure of a run; None when it has none.
        digits: after the decimal point.
        sign: 1 where more is better, -1 where less is.
    """

    title: str
    of: Callable[[Figures], float | None]
    digits: int = 3
    sign: int = 1


@dataclass(frozen=True)
class Spread:
    """Figures of one scene and variant.

    Attributes:
        mean: of the folds' means.
        folds: standard deviation of the folds' means; None with a single fold.
        seeds: standard deviation of the seeds within a fold, pooled over the folds; None with a single seed.
        runs: how many figures there are.
    """

    mean: float
    folds: float | None
    seeds: float | None
    runs: int


@dataclass(frozen=True)
class Gain:
    """The difference of two variants on one scene, above 0 where the first has more.

    Attributes:
        mean: of the folds' mean differences.
        error: standard error of that mean, from the folds' mean differences; None with a single fold.
        pairs: how many runs have a partner.
    """

    mean: float
    error: float | None
    pairs: int

    @property
    def stands_out(self) -> bool:
        """Whether it is more than twice its standard error."""
        return self.error is not None and abs(self.mean) > 2 * self.error


def of_objects(run: Figures, kind: str, key: str) -> float | None:
    """Mean of a score over the run's objects that have it."""
    means = [scores[kind]["mean"] for scores in run["scores"].values() if kind in scores]
    known = [mean[key] for mean in means if mean[key] is not None]
    return sum(known) / len(known) if known else None


def _outside(run: Figures) -> float | None:
    known = [scores["share"] for scores in run["unseen_angles"].values() if scores["share"] is not None]
    return sum(known) / len(known) if known else None


def _change(run: Figures, where: str) -> float | None:
    """What the run adds to the input's PSNR. Folds differ by decibels, as most of their photos trained the scene."""
    before, after = run["psnr_before"][where], run["psnr_after"][where]
    return None if before is None or after is None else after - before


EXTRACTED = Measure("extracted 2%", lambda run: of_objects(run, "extracted", "boundary"))
EXTRACTED_2PX = Measure("extracted 2 px", lambda run: of_objects(run, "extracted", "boundary_2px"))
LABEL_IMAGE = Measure("label image 2%", lambda run: of_objects(run, "visible", "boundary"))
LABEL_IMAGE_2PX = Measure("label image 2 px", lambda run: of_objects(run, "visible", "boundary_2px"))
PSNR = Measure("PSNR, dB", lambda run: run["psnr_after"]["overall"], 2)
PSNR_CHANGE = Measure("change, dB", lambda run: _change(run, "overall"), 2)
PSNR_EDGE = Measure("along the edge: change, dB", lambda run: _change(run, "edge"), 2)
OUTSIDE = Measure("outside, unseen angles", _outside, 4, -1)
CPU = Measure("CPU seconds", lambda run: sum(stage["cpu_seconds"] for stage in run["stages"]), 0, -1)
PEAK = Measure("peak, MiB", lambda run: max(stage["peak_memory_bytes"] for stage in run["stages"]) / 2**20, 0, -1)

#: The columns of the tables: of each scene, of the summary, of differences.
ALL = (EXTRACTED, EXTRACTED_2PX, LABEL_IMAGE, LABEL_IMAGE_2PX, PSNR, PSNR_CHANGE, PSNR_EDGE, OUTSIDE, CPU, PEAK)
SUMMARY = tuple(measure for measure in ALL if measure not in (PSNR_EDGE, OUTSIDE))
COMPARED = tuple(measure for measure in ALL if measure is not PSNR)
#: Columns of the summary whose spread over folds says nothing of the method.
UNSPREAD = (PSNR, CPU, PEAK)


def _by_fold(values: Mapping[Key, float]) -> list[list[float]]:
    folds: dict[int, list[float]] = {}
    for (fold, _), value in values.items():
        folds.setdefault(fold, []).append(value)
    return list(folds.values())


def spread(values: Mapping[Key, float]) -> Spread | None:
    """Of the figures by fold and seed; None without any."""
    if not values:
        return None
    folds = _by_fold(values)
    means = [statistics.fmean(fold) for fold in folds]
    several = [fold for fold in folds if len(fold) > 1]
    squares = sum(statistics.variance(fold) * (len(fold) - 1) for fold in several)
    freedom = sum(len(fold) - 1 for fold in several)
    return Spread(
        statistics.fmean(means),
        statistics.stdev(means) if len(means) > 1 else None,
        math.sqrt(squares / freedom) if freedom else None,
        len(values),
    )


def gain(values: Mapping[Key, float], base: Mapping[Key, float], drawn: bool = True) -> Gain | None:
    """Of ``values`` over ``base``, by fold and seed; None without pairs.

    Args:
        drawn: whether ``base`` depends on the seed; if not, its one run of a fold is the partner of all seeds.
    """
    any_seed = {fold: value for (fold, _), value in base.items()}
    partner = {key: base.get(key) if drawn else any_seed.get(key[0]) for key in values}
    known = {key: value - other for key, value in values.items() if (other := partner[key]) is not None}
    found = spread(known)
    if found is None:
        return None
    error = None if found.folds is None else found.folds / math.sqrt(len(_by_fold(known)))
    return Gain(found.mean, error, found.runs)


def figures(runs: Sequence[Figures], measure: Measure) -> dict[Key, float]:
    """The known figures of runs of one scene and variant."""
    known = {(run["fold"], run["seed"]): measure.of(run) for run in runs}
    return {key: value for key, value in known.items() if value is not None}
