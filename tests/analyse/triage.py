# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table `triaged`: which findings have been looked at, and why they stay."""

import collections
import fnmatch
import pathlib

TABLE = pathlib.Path(__file__).resolve().parent / "triaged"

Rule = collections.namedtuple("Rule", "analyser check file reason")


def parse(text):
    """A rule a line: three words and a reason; a line that is empty or begins with # is none."""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            words = line.split(None, 3)
            if len(words) < 4:
                raise ValueError(f"no reason: {line}")
            yield Rule(*words)


def read_rules():
    return list(parse(TABLE.read_text(encoding="utf-8")))


def is_about(rule, finding):
    return rule.analyser == finding.analyser and rule.check == finding.check and \
        fnmatch.fnmatchcase(finding.file, rule.file)


def judge(found, rules):
    """The findings that no rule is about, in order, and the rules that are about none."""
    left = [finding for finding in found if not any(is_about(rule, finding) for rule in rules)]
    unused = [rule for rule in rules if not any(is_about(rule, finding) for finding in found)]
    return sorted(left, key=lambda finding: (finding.file, finding.line)), unused
