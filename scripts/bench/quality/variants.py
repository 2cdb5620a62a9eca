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


#: Settings of the refinement that disable one component of it, see ``splatcut.pipeline.experiment``.
WITHOUT = {
    "hidden": ("hidden=false",),
    "spill": ("weights.spill=1",),
    "far": ("weights.far=1",),
    "between": ("between=0",),
    "picture": ("picture.share=0",),
    "noise": ("noise=0", "photo_noise=0", "weights.photo=3"),
    "alone": ("weights.alone=0",),
}


def _experiment(*settings: str) -> tuple[str, ...]:
    return tuple(word for setting in settings for word in ("--experiment", setting))


def _without(component: str, says: str) -> Variant:
    return Variant(f"no-{component}", _experiment(*WITHOUT[component]), says)


def _field(name: str, says: str, *settings: str) -> Variant:
    return Variant(name, _experiment("field.on=true", *settings), says)


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("lift", ("--trust-masks", "--no-refine"), "lifting in closed form, nothing else"),
        Variant(
            "plain",
            (
                "--trust-masks",
                *_experiment(*(setting for name in WITHOUT if name != "alone" for setting in WITHOUT[name])),
            ),
            "plain joint optimisation: masks as they are, no rule for hidden extents, all of their pixels alike, "
            "no views in between, nothing for the picture alone, photos weigh the same in all scenes",
        ),
        Variant("trust-masks", ("--trust-masks",), "full, all masks taken as they are"),
        _field("field", "full, and a continuous field is optimised with the Gaussians"),
        _field("no-rbf", "field without RBF interpolation", "field.rbf=false"),
        _field("no-hash", "field without hash encoding", "field.hash=false"),
        _field("field-then-gaussians", "field trained first, then the Gaussians, not jointly", "field.joint=false"),
        _without("hidden", "full, without the rule for hidden extents"),
        _without("spill", "full, both sides of the masks weigh alike in the loss on the object alone"),
        _without("far", "full, a mask's pixels weigh the same near its edge as far from it"),
        _without("between", "full, without the input's render from between the views"),
        _without("picture", "full, without the end in which shapes stay and the picture is fitted"),
        _without(
            "noise",
            "full, the picture weighs the same however far the scene is from its photos, as much as without the end",
        ),
        _without("alone", "full without the loss on the object rendered alone"),
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
