# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Tables over folds and seeds: a summary, every scene's runs with their mean and spread, variants compared in pairs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.quality.spread import ALL, COMPARED, SUMMARY, UNSPREAD, Figures, Gain, Measure, figures, gain, spread
from bench.quality.variants import TAU
from bench.shared import table

#: What runs of one scene and protocol have in common: scene, protocol, damaged, 2D model.
Series = tuple[str, str, bool, str | None]


def series(run: Figures) -> Series:
    """What runs that differ only in variant, fold and seed have in common."""
    return run["scene"], run["protocol"], run["damaged"], run["model"]


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def grouped(runs: Sequence[Figures]) -> dict[Series, dict[str, list[Figures]]]:
    """The runs by series and variant, in their order."""
    groups: dict[Series, dict[str, list[Figures]]] = {}
    for run in runs:
        name = run["variant"] + (f", tau {run['tau']:g}" if run["tau"] != TAU else "")
        groups.setdefault(series(run), {}).setdefault(name, []).append(run)
    return groups


def _title(which: Series, groups: dict[Series, dict[str, list[Figures]]]) -> str:
    """The scene, and what tells it from the other series where there are such."""
    scene, protocol, damaged, model = which
    parts = [scene]
    if len({other[1:3] for other in groups}) > 1:
        parts.append(protocol + (" on damaged masks" if damaged else ""))
    if model is not None and len({other[3] for other in groups if other[3] is not None}) > 1:
        parts.append(model)
    return ", ".join(parts)


def _runs(runs: Sequence[Figures]) -> str:
    folds, seeds = len({run["fold"] for run in runs}), len({run["seed"] for run in runs})
    return f"{folds} x {seeds}"


def summary_table(runs: Sequence[Figures]) -> str:
    """One row a scene and variant: mean ± standard deviation of the folds' means."""
    groups = grouped(runs)
    rows = []
    for which, variants in groups.items():
        for name, mine in variants.items():
            cells = []
            for measure in SUMMARY:
                found = spread(figures(mine, measure))
                text = number(found and found.mean, measure.digits)
                several = found is not None and found.folds is not None and measure not in UNSPREAD
                cells.append(f"{text} ± {number(found.folds, measure.digits)}" if several and found else text)
            rows.append([_title(which, groups), name, _runs(mine), *cells])
    return table(["scene", "variant", "folds x seeds", *(measure.title for measure in SUMMARY)], rows)


def scene_tables(runs: Sequence[Figures], every: bool = True) -> str:
    """A table a scene: every run if asked for, and of each variant the mean and both standard deviations."""
    groups = grouped(runs)
    tables = []
    for which, variants in groups.items():
        rows = []
        for name, mine in variants.items():
            if every and len(mine) > 1:
                ordered = sorted(mine, key=lambda run: (run["fold"], run["seed"]))
                for run in ordered:
                    cells = [number(measure.of(run), measure.digits) for measure in ALL]
                    rows.append([name, f"fold {run['fold']}, seed {run['seed']}", *cells])
            found = [(measure, spread(figures(mine, measure))) for measure in ALL]
            rows.append([name, "mean", *(number(s and s.mean, m.digits) for m, s in found)])
            for kind, title in (("folds", "sd of the folds' means"), ("seeds", "sd of seeds within a fold")):
                if any(s is not None and getattr(s, kind) is not None for _, s in found):
                    # One digit more: a spread below half of the last digit is not nought.
                    rows.append([name, title, *(number(s and getattr(s, kind), m.digits + 1) for m, s in found)])
        tables.append(table([_title(which, groups), "run", *(measure.title for measure in ALL)], rows))
    return "\n\n".join(tables)


def _cell(found: Gain | None, measure: Measure) -> str:
    if found is None:
        return "-"
    error = "" if found.error is None else f" ± {number(found.error, measure.digits + 1)}"
    mark = " *" if found.stands_out else ""
    return f"{found.mean:+,.{measure.digits + 1}f}{error}{mark}"


def pair_table(runs: Sequence[Figures], against: str) -> str:
    """Every variant less ``against``, scene by scene: mean difference of runs with the same fold and seed ± its
    standard error, with a star where it is more than twice that; below, the scenes with a star. "" without pairs."""
    groups = grouped(runs)
    rows, stars = [], dict[tuple[str, str, str], list[str]]()
    for which, variants in groups.items():
        for name, mine in variants.items():
            if name == against or against not in variants:
                continue
            base = variants[against]
            gains = [(m, gain(figures(mine, m), figures(base, m), base[0]["draws"])) for m in COMPARED]
            pairs = max((found.pairs for _, found in gains if found is not None), default=0)
            rows.append([_title(which, groups), f"{name} - {against}", pairs, *(_cell(g, m) for m, g in gains)])
            for measure, found in gains:
                if found is not None and found.stands_out:
                    verb = "gains" if found.mean * measure.sign > 0 else "loses"
                    stars.setdefault((name, verb, measure.title), []).append(_title(which, groups))
    if not rows:
        return ""
    lines = [table(["scene", "difference", "pairs", *(measure.title for measure in COMPARED)], rows)]
    if not stars:
        return "\n".join([*lines, "", "No difference is more than twice its standard error."])
    lines += ["", "\\* more than twice the standard error:", ""]
    lines += [f"- {' '.join(what)}: {', '.join(scenes)}" for what, scenes in stars.items()]
    return "\n".join(lines)
