# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every divergence of every space, and what it comes to."""

from __future__ import annotations

from typing import NamedTuple

from ._core import ffi, lib
from .values import Space, Walk, text, text_of, walk_of


class Rule(NamedTuple):
    """What an audit looks for; `id` is stable."""
    id: str
    family: str
    name: str
    meaning: str
    fix: str


class Finding(NamedTuple):
    """One thing that a rule found in one space. `here` and `there`: the walks in that space
    and in init_mm's. `cpu` is None where it is no processor's in particular."""
    rule: Rule
    severity: str
    space: Space
    cpu: int | None
    first: int
    last: int
    region: str | None
    text: str
    here: Walk
    there: Walk


class Judgement(NamedTuple):
    """What the findings mean for a space: the verdict, and the worst that is known."""
    space: Space
    verdict: str
    known: str
    reasons: str | None


class Audit(NamedTuple):
    """`judgements` has one for each space that counts, its user half included."""
    findings: tuple[Finding, ...]
    judgements: tuple[Judgement, ...]
    notes: tuple[str, ...]


def rule_of(c: ffi.CData) -> Rule:
    return Rule(text_of(c.id), text_of(c.family), text_of(c.name), text_of(c.meaning),
                text_of(c.fix))


def finding_of(spaces: tuple[Space, ...], c: ffi.CData) -> Finding:
    return Finding(rule_of(c.rule), text_of(lib.ws_severity_name(c.severity)), spaces[c.space],
                   None if c.cpu < 0 else c.cpu, c.va, c.last, text(c.region), text_of(c.text),
                   walk_of(c.here), walk_of(c.there))


def judgement_of(space: Space, c: ffi.CData) -> Judgement:
    return Judgement(space, text_of(lib.ws_verdict_name(c.verdict)),
                     text_of(lib.ws_verdict_name(c.known)), text(c.reasons))


def audit_of(spaces: tuple[Space, ...], c: ffi.CData) -> Audit:
    n = ffi.new("size_t *")
    findings = lib.ws_audit_findings(c, n)
    notes: list[str] = []
    while (note := lib.ws_audit_note(c, len(notes))) != ffi.NULL:
        notes.append(text_of(note))
    return Audit(tuple(finding_of(spaces, findings[i]) for i in range(n[0])),
                 tuple(judgement_of(space, lib.ws_audit_whole(c, space.index))
                       for space in spaces if space.counts), tuple(notes))
