# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The variants of the method, as options of ``splatcut segment``, and which runs a protocol asks for.

A new variant is one more entry of ``VARIANTS``: its name, its options, and what it is in a few words, which stand above
the tables. Nothing else names variants but ``USUAL`` and, in the tests, what ``plain`` and ``full`` are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from splatcut.errors import UserError
from splatcut.messages import OPTIONS

#: The threshold of the mask variance when none is given.
TAU = OPTIONS["tau"].default


@dataclass(frozen=True)
class Variant:
    """One way to run the method.

    Attributes:
        name: in tables and folders.
        options: of ``splatcut segment``.
        says: what it is, for the tables' legend.
    """

    name: str
    options: tuple[str, ...]
    says: str

    @property
    def draws(self) -> bool:
        """Whether anything is drawn at random, so that another seed gives another result."""
        return "--no-refine" not in self.options


def _experiment(*settings: str) -> tuple[str, ...]:
    return tuple(word for setting in settings for word in ("--experiment", setting))


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("lift", ("--trust-masks", "--no-refine"), "lifting in closed form, nothing else"),
        Variant("plain", ("--trust-masks",), "plain joint optimisation: all masks taken as they are"),
        Variant("field", _experiment("field=full"), "full, and a continuous field is optimised with the Gaussians"),
        Variant("no-rbf", _experiment("field=no-rbf"), "field without RBF interpolation"),
        Variant("no-hash", _experiment("field=no-hash"), "field without hash encoding"),
        Variant("no-alone", _experiment("alone=0"), "full, without the loss on the object rendered alone"),
        Variant("no-average", _experiment("average=0"), "full, the last iteration's parameters as they are"),
        Variant("draft", ("--quality", "draft"), "full, at draft quality"),
        Variant("fine", ("--quality", "fine"), "full, at fine quality"),
        Variant("full", (), "the whole method"),
    )
}

#: What protocol E runs, and the thresholds that it runs the whole method with besides ``TAU``.
ABLATIONS = tuple(name for name in VARIANTS if name not in ("draft", "fine"))
ABLATION_TAUS = (0.05, 0.2, 0.6)
#: What the other protocols run when no variant is named.
USUAL = ("lift", "plain", "full")


@dataclass(frozen=True)
class Run:
    """What one run does.

    Attributes:
        protocol: "A", "B", "C" or "D".
        variant: how.
        tau: threshold of the mask variance.
        damaged: whether the ready masks are damaged first.
        seed: of what is drawn at random.
    """

    protocol: str
    variant: Variant
    tau: float = TAU
    damaged: bool = False
    seed: int = 0

    @property
    def title(self) -> str:
        """For tables."""
        parts = [self.protocol + (" on damaged masks" if self.damaged else ""), self.variant.name]
        parts += [f"tau {self.tau:g}"] if self.tau != TAU else []
        return ", ".join(parts + ([f"seed {self.seed}"] if self.seed else []))

    @property
    def folder(self) -> str:
        """For names of folders, behind the scene's name and the 2D model's."""
        damaged = "-damaged" if self.damaged else ""
        seed = f"-seed{self.seed}" if self.seed else ""
        return f"{damaged}-{self.variant.name}" + (f"-tau{self.tau:g}" if self.tau != TAU else "") + seed


def plan(
    protocols: Sequence[str],
    variants: Sequence[str] = (),
    taus: Sequence[float] = (),
    under: Sequence[str] = ("A",),
    damaged: bool = False,
    seeds: Sequence[int] = (0,),
) -> list[Run]:
    """The runs of a scene, in order, each once.

    Args:
        protocols: among A, B, C, D and E; E stands for every ablation under each of the protocols ``under``.
        variants: names; empty for the protocol's own.
        taus: thresholds to run each variant with; empty for the protocol's own.
        under: what E is run under.
        damaged: protocol A gets damaged masks (as does E under A).
        seeds: seeds to run each with; what draws nothing is run with the first.

    Raises:
        UserError: a variant that is not known.
    """
    unknown = [name for name in variants if name not in VARIANTS]
    if unknown:
        raise UserError(f"There is no variant {unknown[0]!r}. The variants are {', '.join(VARIANTS)}.")
    runs: dict[Run, None] = {}
    for protocol in protocols:
        for base in under if protocol == "E" else (protocol,):
            names = variants or (ABLATIONS if protocol == "E" else USUAL)
            wanted = [(name, tau) for name in names for tau in taus or (TAU,)]
            if protocol == "E" and not taus and "full" in names:
                wanted += [("full", tau) for tau in ABLATION_TAUS]
            for name, tau in wanted:
                variant = VARIANTS[name]
                for seed in seeds if variant.draws else seeds[:1]:
                    runs[Run(base, variant, tau, damaged and base == "A", seed)] = None
    return list(runs)
