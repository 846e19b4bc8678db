# SPDX-License-Identifier: LGPL-2.1-or-later
"""The places of a C file where one small change can be made, by a table of such changes: as
clang-format leaves the text, and in code alone, not in comments, texts and directives."""

import collections
import re

def condition_end(text, at):
    """Where the parenthesis that opens at `at` is closed; None: on no line as a whole."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if not depth:
            return i
        if text[i] == "\n":
            return None
    return None


def negate(match, text):
    end = condition_end(text, match.end() - 1)
    return end and (match.end(), end, f"!({text[match.end():end]})")


def swap(pairs):
    other = {**pairs, **{to: what for what, to in pairs.items()}}
    return lambda match, _: (*match.span(1), other[match[1]])


def more(match, _):
    return (*match.span(1), f"({match[1]} + 1)")


def other_value(match, _):
    nothing = match[1] in ("0", "false", "NULL", "WS_OK")
    return (*match.span(1), "1" if nothing else "0")


def drop(match, _):
    return (*match.span(1), "")


# What is done, where, and what comes of a match: from, to, text.
OPERATORS = (
    ("a bound moves by one", r" (<=?|>=?) (?=\S)",
     lambda m, _: (*m.span(1), m[1][0] if m[1].endswith("=") else m[1] + "=")),
    ("equal is not equal", r" (==|!=) ", swap({"==": "!="})),
    ("and is or", r" (&&|\|\|)\s", swap({"&&": "||"})),
    ("plus is minus", r"(?<=[\w)\]]) ([+-]) (?=\S)", swap({"+": "-"})),
    ("bits are others", r"(?<=[\w)\]]) ([&|]) (?=\S)", swap({"&": "|"})),
    ("a number is one more", r"(?<![\w.\[])((?:0x[0-9a-f]+|\d+)[uUlL]*)(?![\w.\]])", more),
    ("a condition is negated", r"\b(?:if|while) \(", negate),
    ("another value is returned", r"\n\t+return ([^;\n]+)(?=;\n)", other_value),
    ("a statement is left out",
     r"\n\t+((?!return|break|goto|continue|else|case|default)(?:[\w.>-]+(?:\[[^\n;]*\])?"
     r"(?: [+|&-]?= [^;\n]+|\([^;\n]*\)|\+\+|--)))(?=;\n)", drop),
)
NOT_CODE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*'
                      r"|^#(?:[^\n]*\\\n)*[^\n]*|UINT64_C", re.S | re.M)

Place = collections.namedtuple("Place", "file what start end text")


def changed(place, text):
    return text[:place.start] + place.text + text[place.end:]


def code_of(text):
    """The same with what is no code blanked, so that places stay where they are."""
    return NOT_CODE.sub(lambda m: re.sub(r"[^\n]", "\0", m[0]), text)


def places(text, name):
    """Every place of a file's text that one of them changes."""
    code = code_of(text)
    for what, pattern, change in OPERATORS:
        for match in re.finditer(pattern, code):
            edit = change(match, text)
            if edit:
                yield Place(name, what, *edit)


def line_of(place, text):
    return text.count("\n", 0, place.start) + 1


def described(place, text):
    """Where it is, and what is done: no two places of a tree have one."""
    column = place.start - text.rfind("\n", 0, place.start)
    return (f"{place.file}:{line_of(place, text)}:{column}: {place.what}: "
            f"{' '.join(text[place.start:place.end].split())} -> {place.text or 'nothing'}")
