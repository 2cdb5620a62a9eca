# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Matching the colours of a file, or of a cut, to a way of blending: from a request to files."""

from __future__ import annotations

from splatcut import match
from splatcut.devices import resolve_device
from splatcut.formats.findings import place_findings
from splatcut.messages.findings import Finding, warnings
from splatcut.messages.results import MatchResult
from splatcut.messages.worker import Match
from splatcut.pipeline.inputs import read_views
from splatcut.progress import Part, Progress

#: How the time is shared out.
PARTS = (Part("views", 1), Part("match", 9))
#: From fewer views, others may show colours that fit none of them.
_FEW = 3


def match_scene(request: Match, progress: Progress) -> MatchResult:
    """Fits the colours anew, or puts the trained ones back, and writes the result, all or none.

    Raises:
        UserError: input that cannot be used, or a place that cannot be written; Cancelled.
    """
    names = match.files_of(request.scene)
    match.check_place(request.scene, request.out, request.force)
    files = match.read(names, drop_invalid=request.drop_invalid, antialiased=request.antialiased)
    told: list[Finding] = [finding for file in files for finding in (*place_findings(file), *file.findings)]
    count, out = sum(map(len, files)), request.out.absolute()
    if request.blend == "display":
        match.write(request.scene, names, match.undo(files, names), request.out)
        return MatchResult(out, count)
    views = read_views(request.cameras, request.images, told)
    sentences = list(dict.fromkeys(warnings(told)))
    if 0 < len(views) < _FEW:
        sentences.append(f"There are only {len(views)} views; from elsewhere the match may be poor.")
    made, found = match.match(files, views, progress, resolve_device(request.device))
    match.write(request.scene, names, made, request.out)
    hidden = int((~found.seen).sum())
    if hidden:
        sentences.append(f"No view shows {hidden:,} of the Gaussians; they keep their colours.")
    return MatchResult(out, count, hidden, found.before, found.after, tuple(sentences))
