# SPDX-License-Identifier: LGPL-2.1-or-later
"""A comparison (peers.py) as a picture: for each job a bar a program, on a logarithmic scale of
the job's own; who cannot answer has a line and no bar."""

import math
from xml.sax.saxutils import escape

from peers import number

WIDTH, LEFT, BAR, ROW, HEAD = 760, 190, 420, 22, 40
INK, OURS, THEIRS, QUIET = "#222", "#2f6f9f", "#a8a8a8", "#777"


def text(x, y, words, colour=INK, weight="normal", anchor="start"):
    return (f'<text x="{x}" y="{y}" fill="{colour}" font-weight="{weight}" '
            f'text-anchor="{anchor}">{escape(words)}</text>')


def scale(values):
    """The length of a bar: the smallest has a tenth of the room, each power of ten as much."""
    low = math.log10(min(values))
    span = max(math.log10(max(values)) - low, 1)
    return lambda value: BAR * (0.1 + 0.9 * (math.log10(value) - low) / span)


def draw_job(job, answers, y):
    yield text(0, y, f"{job.name}", weight="bold")
    yield text(0, y + 15, f"{job.unit}, {'shorter' if job.less else 'longer'} is better, logarithmic", QUIET)
    measured = [answer.value for _, answer in answers if answer.reason is None]
    length = scale(measured) if measured else None
    for i, (row, answer) in enumerate(answers):
        at = y + HEAD + i * ROW
        yield text(LEFT - 8, at, row.who, anchor="end")
        if answer.reason:
            yield text(LEFT, at, "cannot", QUIET)
            continue
        colour = OURS if row.who.startswith("whosees") else THEIRS
        yield (f'<rect x="{LEFT}" y="{at - 12}" width="{length(answer.value):.1f}" height="15" '
               f'fill="{colour}"/>')
        yield text(round(LEFT + length(answer.value) + 6, 1), at, number(answer.value))


def draw(compared):
    parts, y = [], 20
    for job, answers in compared:
        parts += draw_job(job, answers, y)
        y += HEAD + ROW * len(answers) + 18
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 {WIDTH} {y}" width="{WIDTH}" '
        f'height="{y}" font-family="sans-serif" font-size="13">',
        f'<rect x="-10" width="{WIDTH}" height="{y}" fill="#fff"/>', *parts, "</svg>", ""])
