#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/scenarios.md has every word and every option of scenarios, and no other.

    doc_scenarios.py SOURCE      run, as TAP
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402


def words_in_code(text):
    """Words of each luaL_Reg table, by the table's name."""
    return {name: set(re.findall(r'\{ "(\w+)", ', rows))
            for name, rows in re.findall(r"luaL_Reg (\w+)\[\] = \{(.*?)^\};", text,
                                         re.M | re.S)}


def fields_in_code(text):
    return set(re.findall(r'^\s*\[\w+\] = \{ "(\w+)", SCRIPT_FIELD', text, re.M))


def section(text, title):
    """The first cells of the tables below a heading."""
    body = re.search(rf"^#+ {title}$(.*?)(?=^#|\Z)", text, re.M | re.S)[1]
    return re.findall(r"^\| (`.*?) \|", body, re.M)


def words_in_doc(cells, prefix):
    return {word for cell in cells
            for word in re.findall(rf"`{prefix}(\w+)(?:\(| ?\{{)", cell)}


def main(source):
    source, tap = pathlib.Path(source), Tap()
    doc = (source / "docs/scenarios.md").read_text()
    code = {name: (source / f"machine/script/{name}.c").read_text()
            for name in ("globals", "machine", "process", "look")}
    look = words_in_code(code["look"])["script_look_words"]
    for title, prefix, words in (
            ("Words", "", words_in_code(code["globals"])["words"]),
            ("Of a machine", "m:", words_in_code(code["machine"])["script_machine_words"]),
            ("Of a process", "p:", words_in_code(code["process"])["script_process_words"]),
            ("Of both", "x:", look),
            ("Of a file", "f:", words_in_code(code["process"])["script_file_words"])):
        reported = words_in_doc(section(doc, title), prefix)
        tap.case(f"{title}: {len(words)} words", words and reported == words,
                 f"only one has {reported ^ words}")
    for name in ("machine", "process"):
        left = {field for field in fields_in_code(code[name])
                if not re.search(rf"`{field}`|\b{field} =", doc)}
        tap.case(f"options in {name}.c are reported", not left, left)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
