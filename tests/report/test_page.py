#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of `whosees report` in headless Chromium: it loads without a word on the
console and without a request, its numbers are those of `whosees audit --json`, filters,
search, keyboard and themes work, names from the dump stay text, text can be read in light
and dark and on a phone, and 2000 spaces draw as little as is seen of them. argv: the tool, and captures, the first of them of i386."""

import copy
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import altered  # noqa: E402
from browser import Browser, why_not  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

MANY = 2000
EPOCH = 1000000000  # when the pages were made, so that each run makes the same
HEADLINES = {
    "sick": "1 of 18 processes will crash the machine at a fault or interrupt that cannot be "
            "delivered: 113 herd-00002 (interrupt descriptor table not mapped); 2 of 18 "
            "processes lack kernel mappings that will be repaired by the kernel's lazy fault "
            "handler, so nothing fails: 112 herd-00001, 117 waiter (kernel mapping missing)",
    "686-small": "1 of 18 processes lacks kernel mappings that will be repaired by the kernel's "
                 "lazy fault handler, so nothing fails: 117 waiter (kernel mapping missing)",
    "amd64-small": "1 of 18 processes will hang the machine as soon as a CPU enters the "
                   "kernel there: 118 waiter (the kernel image is "
                   "not mapped there)",
}
FRAME = "requestAnimationFrame(() => requestAnimationFrame(arguments[arguments.length - 1]))"
DATA = re.compile(r'(<script type="application/json" id="data">)(.*?)(</script>)', re.S)


def write_page(tool, capture, page):
    done = subprocess.run([tool, "report", capture, "-o", page], capture_output=True,
                          check=False, timeout=PATIENCE,
                          env=os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Page:
    """A page that is open in the browser."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.open(path)
        browser.wait(FRAME)

    def text(self, selector):
        return self.browser.run(
            "return document.querySelector(arguments[0]).textContent", selector)

    def texts(self, selector):
        return self.browser.run("return Array.from(document.querySelectorAll(arguments[0]),"
                                " (node) => node.textContent)", selector)

    def run(self, script, *arguments):
        value = self.browser.run(script, *arguments)
        self.browser.wait(FRAME)
        return value

    def shown(self):
        return self.text("#shown")


# ---- the numbers of --json ---------------------------------------------------------------

def check_numbers(tap, page, label, document):
    tap.case(f"{label}: the headline says what will happen",
             page.text("#sentence") == HEADLINES[label], page.text("#sentence"))
    tap.case(f"{label}: who is counted, in the same words",
             page.text("#who") == document["summary"][0]["who"])
    buttons = page.run("return Array.from(document.querySelectorAll('#verdicts button'),"
                       " (b) => [b.className, b.querySelector('b').textContent])")
    wanted = [[row["verdict"], f"{row['spaces']:,}"] for row in document["verdicts"]]
    tap.case(f"{label}: spaces by verdict", sorted(buttons) == sorted(wanted), buttons)
    groups = page.run("return groups.map((g) => [g.rule.id, data.severities[g.severity],"
                      " g.text, g.spaces, address(g.va), address(g.last), g.region])")
    wanted = [[g["rule"], g["severity"], g["text"], g["spaces"], g["address"], g["last"],
               g["region"]] for g in document["groups"]]
    tap.case(f"{label}: groups of findings", groups == wanted, groups[:3])
    page.run("for (const cause of document.querySelectorAll('#groups > [data-cause]')) {"
             " cause.open = true; cause.dispatchEvent(new Event('toggle')); }")
    reported = page.texts("#groups details[data-group] .what")
    tap.case(f"{label}: every group is reported once",
             sorted(reported) == sorted(g["text"] for g in document["groups"]))
    page.run("document.getElementById('table').open = true")
    rows = page.run("return Array.from(document.querySelectorAll('#table tbody tr'),"
                    " (tr) => Array.from(tr.cells, (td) => td.textContent))")
    wanted = {(s["kind"], s["root"], s["verdict"], str(s["findings"]))
              for s in document["spaces"]}
    tap.case(f"{label}: the table has every space",
             {(row[1], row[2], row[4], row[5]) for row in rows} == wanted and
             len(rows) == len(document["spaces"]), rows[:3])


def check_reasons(tap, page, label, document):
    sick = [s for s in document["spaces"] if s["verdict"] != "coherent"]
    reported = page.run("""return Array.from(document.querySelectorAll('#cases article'),
        (article) => Array.from(article.querySelectorAll('.reasons li'), (li) => li.textContent))""")
    tap.case(f"{label}: each case has its chain of reasons",
             reported and all(lines in [s["reasons"] for s in sick] for lines in reported), reported)
    counted = page.run("""return Array.from(document.querySelectorAll('#cases article'),
        (article) => Number(article.dataset.spaces))""")
    tap.case(f"{label}: the cases are all that are sick", sum(counted) == len(sick), counted)


def steps_of(trail):
    return [f"{step['entry_name']} {step['index']} = {step['entry']}" for step in trail]


def check_trails(tap, page, label, document):
    """Every finding's walks, drawn, are the steps in JSON."""
    wrong = []
    for at, finding in enumerate(document["findings"]):
        drawn = page.run("""const trails = makeTrails(findings[arguments[0]]);
            return Array.from(trails.querySelectorAll('.trail'), (trail) =>
                Array.from(trail.querySelectorAll('.entry'), (entry) => entry.textContent))""", at)
        if drawn != [steps_of(finding["here"]), steps_of(finding["there"])]:
            wrong.append(f"{finding['text']}: {drawn}")
    tap.case(f"{label}: every finding's walks level by level", not wrong, "\n".join(wrong[:3]))
    page.run("for (const cause of document.querySelectorAll('#groups > [data-cause]'))"
             " cause.open = true")
    page.browser.click("#groups details[data-group] summary")
    page.browser.wait(FRAME)
    tap.case(f"{label}: a finding opens on its trails",
             page.run("return document.querySelectorAll('#groups [data-group][open] .trail').length")
             == 2)


# ---- the map -----------------------------------------------------------------------------

# The commonest colour in the cell of a named space in the column of that number: holes are
# striped.
PIXEL = """const [name, at] = arguments;
    const band = map.bands.find((b) => b.spaces.some((s) => spaceName(s) === name));
    const column = map.columns[at], ratio = devicePixelRatio, count = new Map();
    const x = gutter() - view.scrollLeft + column.left + 1;
    const y = band.top - view.scrollTop + axis + 1;
    const pixels = canvas.getContext('2d').getImageData(x * ratio, y * ratio,
        (column.width - 2) * ratio, (band.height - 3) * ratio).data;
    for (let i = 0; i < pixels.length; i += 4) {
      const pixel = pixels.slice(i, i + 4).join();
      count.set(pixel, (count.get(pixel) ?? 0) + 1);
    }
    return [...count].sort((a, b) => b[1] - a[1])[0][0].split(',').map(Number)"""
COLOUR = """const probe = document.body.appendChild(document.createElement('canvas'));
    const context = probe.getContext('2d');
    context.fillStyle = colour(arguments[0]);
    context.fillRect(0, 0, 1, 1);
    probe.remove();
    return Array.from(context.getImageData(0, 0, 1, 1).data)"""


def check_map(tap, page, document):
    waiter = next(s for s in document["spaces"] if s["comm"] == "waiter")
    name = f"{waiter['pid']} waiter"
    hole = page.run(COLOUR, "hole")
    calm = page.run(COLOUR, "calm")
    finding = next(f for f in document["findings"] if f["comm"] == "waiter")
    inside = page.run("""const [first, last] = Array.from(arguments, (a) => BigInt(a));
        return map.columns.map((c) => c.piece.first >= first && c.piece.end <= last)""",
                      finding["address"], finding["last"])
    drawn = [page.run(PIXEL, name, at) == hole for at in range(len(inside))]
    tap.case("the map has holes exactly where the waiter lacks a mapping",
             drawn == inside and any(inside) and not all(inside), f"{drawn}\n{inside}")
    healthy = [page.run(PIXEL, "init_mm", at) == calm for at in range(len(inside))]
    tap.case("and none in init_mm", all(healthy), healthy)


def check_filters(tap, page, document):
    total = len(document["spaces"])
    waiter = next(s for s in document["spaces"] if s["comm"] == "waiter")
    for what, text, number in (("pid", str(waiter["pid"]), 1), ("name", "WAIT", 1),
                               ("name of many", "herd-000", None), ("name of none", "zzz", 0)):
        page.run("byId('find').value = ''")
        page.browser.type("#find", text)
        page.browser.wait(FRAME)
        if number is None:
            number = sum(text in s["comm"] for s in document["spaces"])
        tap.case(f"find by {what}", page.shown() == f"{number} of {total} spaces", page.shown())
    page.run("const find = byId('find'); find.value = '';"
             "find.dispatchEvent(new Event('input'))")
    for row in document["verdicts"]:
        page.browser.click(f"#verdicts button.{row['verdict']}")
        page.browser.wait(FRAME)
        pressed = page.run("return document.querySelector('#verdicts button.' + arguments[0])"
                           ".getAttribute('aria-pressed')", row["verdict"])
        tap.case(f"only those that are {row['verdict']}",
                 page.shown() == f"{row['spaces']} of {total} spaces" and pressed == "true")
    page.run("setVerdict('')")
    regions = page.run("return Array.from(byId('region').options, (o) => o.value).slice(1)")
    for region in regions:
        page.run("const select = byId('region'); select.value = arguments[0];"
                 "select.dispatchEvent(new Event('change'))", region)
        seen = page.run("return [...new Set(map.columns.map((c) => c.piece.region))]")
        tap.case(f"only the region {region}", seen == [region], seen)
    page.run("const select = byId('region'); select.value = '';"
             "select.dispatchEvent(new Event('change'))")


def check_search(tap, page, document):
    """What is typed finds spaces or parts of the kernel's half, and says so."""
    waiter = next(s for s in document["spaces"] if s["comm"] == "waiter")
    hole = next(f for f in document["findings"] if f["comm"] == "waiter")
    total = len(document["spaces"])
    columns = page.run("return map.columns.length")
    void = page.run("return pieces.find((_, index) => voids[index]).va")
    nobody = "No match for \u201czzz\u201d: no pid, name, module, region or address is like it."
    # typed, spaces, columns, words
    for typed, rows, some, words in (
            ("waiter", 1, columns, "Found 1 space."),
            (waiter["root"], 1, columns, "Found 1 space."),
            ("qemu_fw", total, 1, "Found module qemu_fw_cfg."),
            ("VMALLOC", total, None, "vmalloc"),
            (hole["address"], total, 1, "something is wrong there in 2 of 19 spaces."),
            (hole["address"][2:], total, 1, "something is wrong there in 2 of 19 spaces."),
            ("0xc0000000", total, 1, "all 19 spaces see it."),
            (f"0x{void}", total, columns, "where init_mm maps nothing."),
            ("0x8048000", 0, columns, "No match for"),
            ("zzz", 0, columns, nobody), ("", total, columns, "")):
        page.run("const find = byId('find'); find.value = arguments[0];"
                 "find.dispatchEvent(new Event('input'))", typed)
        found = page.text("#found")
        seen = page.run("return [map.shown, map.columns.length]")
        tap.case(f"search: {typed or 'nothing'}",
                 seen[0] == rows and (seen[1] == some if some else 0 < seen[1] < columns) and
                 words in found and bool(words) == bool(found), f"{seen} {found}")
    tap.case("what was found is said aloud", page.run(
        "return byId('found').getAttribute('role')") == "status")


def check_about(tap, page, capture):
    content = pathlib.Path(capture).read_bytes()
    about = dict(page.run("return Array.from(document.querySelectorAll('#about div'),"
                          " (row) => Array.from(row.children, (cell) => cell.textContent))"))
    tap.case("the file by name, size and hash, and when the report was made",
             about["File"] == pathlib.Path(capture).name and
             about["Size"].startswith(f"{len(content):,} bytes") and
             about["SHA-256"] == hashlib.sha256(content).hexdigest() and
             about["Report made"] == "2001-09-09 01:46:40 UTC" and
             "File last modified" in about, about)


DEAD = "sim:naughty-bug@end"
FIRST_SHOWN = ("return Array.from(document.querySelectorAll('main > section'))"
               ".find((s) => s.offsetParent !== null).id")


def check_death(tap, tool, browser, scratch):
    """Who opens the page of a dead machine reads first what it died of."""
    file = scratch / "dead.html"
    status, _, err = write_page(tool, DEAD, file)
    page = Page(browser, file)
    document = altered.ask(tool, "autopsy", DEAD)
    death, = document["summary"]
    text = page.text("#death")
    tap.case("dead: the death is the first section that is shown",
             status == 1 and page.run(FIRST_SHOWN) == "death", (status, err))
    tap.case("dead: it has the sentence, how sure it is, and each link of the chain",
             death["cause"] and death["sentence"][1:] in text and death["certainty"] in text and
             all(clue["text"] in text for clue in document["clues"]), text)
    tap.case("dead: nothing on the console", not browser.console())


def check_causes(tap, page, document):
    """Of the kernel image's one missing entry all findings are one."""
    entries = page.run("return Array.from(document.querySelectorAll('#groups > details'),"
                       " (d) => d.querySelector('summary').textContent)")
    n = len(document["findings"])
    tap.case("findings of one missing entry are one", len(entries) == 1 and n == 17 and
             "PML4E 511 is empty" in entries[0] and f"{n} findings in 1 space" in entries[0],
             entries)
    tap.case("and why is said first", page.texts("#cases .cause") ==
             [f"118 waiter does not map the kernel image: PML4E 511 is empty, and all {n} "
              "findings about this space follow from it"])
    page.run("selectSpace(spaces.find((space) => space.comm === 'waiter'))")
    tap.case("of one space as well", page.texts("#selected [data-cause] .count") ==
             [f"{n} findings"])
    tap.case("the fault path is drawn once", page.run(
        "return [document.querySelectorAll('.fault-path').length,"
        " document.querySelectorAll('#path .fault-path').length]") == [1, 1])


# ---- whoever reads it, on whatever it is read -----------------------------------------------

# WCAG 2.1's contrast of each piece of text with what lies behind it.
CONTRASTS = """const parse = (text) => {
      const probe = document.createElement('canvas').getContext('2d', { colorSpace: 'srgb' });
      probe.fillStyle = text;
      probe.fillRect(0, 0, 1, 1);
      return Array.from(probe.getImageData(0, 0, 1, 1).data);
    };
    const luminance = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
      .map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
      .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    const behind = (node) => {
      for (; node; node = node.parentElement) {
        const rgb = parse(getComputedStyle(node).backgroundColor);
        if (rgb[3] === 255)
          return rgb;
      }
      return [255, 255, 255];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const bad = new Set();
    let seen = 0;
    for (let text; (text = walker.nextNode());) {
      const node = text.parentElement;
      if (!text.data.trim() || !node.checkVisibility() || node.closest('script, style'))
        continue;
      const style = getComputedStyle(node);
      const [a, b] = [luminance(parse(style.color)), luminance(behind(node))];
      const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
      const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
      seen++;
      if (ratio < (size >= 24 || bold && size >= 18.66 ? 3 : 4.5))
        bad.add(`${node.tagName}.${node.className} ${ratio.toFixed(2)} ${text.data.slice(0, 20)}`);
    }
    return [seen, [...bad]]"""

NAMELESS = """return Array.from(document.querySelectorAll(
      'button, input, select, a[href], summary, [tabindex="0"]'), (node) =>
      [node.outerHTML.slice(0, 60), node.getAttribute('aria-label') ??
        (node.getAttribute('aria-labelledby') ?
          byId(node.getAttribute('aria-labelledby')).textContent : null) ??
        (node.labels?.length ? node.labels[0].textContent : node.textContent)])
    .filter(([, name]) => !name.trim()).map(([html]) => html)"""

HEADINGS = """return Array.from(document.querySelectorAll('h1, h2, h3, h4, h5, h6'))
    .filter((node) => node.checkVisibility()).map((node) => Number(node.tagName[1]))"""


def open_all(page):
    """Everything that can be opened, and a space selected."""
    page.run("byId('table').open = true; selectSpace(spaces.find((s) => s.verdict) ?? spaces[0])")
    for _ in range(2):  # what is in a group of one cause is made when that opens
        page.run("for (const details of document.querySelectorAll('details'))"
                 " details.open = true")
        page.browser.wait("setTimeout(arguments[0], 0)")


def check_access(tap, page, label):
    open_all(page)
    for scheme in ("light", "dark"):
        page.browser.media(scheme)
        page.browser.wait(FRAME)
        seen, bad = page.run(CONTRASTS)
        tap.case(f"{label}: text is readable where it is {scheme}", seen > 100 and not bad,
                 f"{seen} {bad}")
    page.browser.media("light")
    nameless = page.run(NAMELESS)
    tap.case(f"{label}: each control has a name", not nameless, nameless)
    levels = page.run(HEADINGS)
    tap.case(f"{label}: headings go down a step at a time", levels[0] == 1 and
             levels.count(1) == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:])), levels)
    tap.case(f"{label}: header, main and footer hold it all", page.run(
        "return ['header', 'main', 'footer'].map((n) => document.querySelectorAll("
        "'body > ' + n).length)") == [1, 1, 1])
    headless = page.run("return Array.from(document.querySelectorAll('table')).filter((t) =>"
                        " !t.querySelector('thead th[scope=col]')).length")
    tap.case(f"{label}: tables have heads", headless == 0)
    twice = page.run("const ids = Array.from(document.querySelectorAll('[id]'), (n) => n.id);"
                     "return ids.filter((id, i) => ids.indexOf(id) !== i)")
    tap.case(f"{label}: no name is given twice", not twice, twice)


# Where each arrow of the fault path lies: left of its box, or above it.
ARROWS = """return Array.from(document.querySelectorAll('#path .chain'), (chain) =>
    Array.from(chain.children).slice(1).map((box) => {
      const arrow = getComputedStyle(box, '::before'), before = box.previousElementSibling;
      const [a, b] = [before.getBoundingClientRect(), box.getBoundingClientRect()];
      return [arrow.content, parseFloat(arrow.left) < 0, parseFloat(arrow.top) < 0,
              b.top >= a.bottom, b.left + parseFloat(arrow.left) >= 0];
    })).flat()"""


def check_widths(tap, page, label):
    for width in (1440, 768, 390):
        page.browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900,
                              deviceScaleFactor=1, mobile=width < 500)
        page.browser.wait(FRAME)
        open_all(page)
        wide = page.run("return document.documentElement.scrollWidth")
        tap.case(f"{label}: nothing is wider than {width} pixels", wide <= width, wide)
        arrows = page.run(ARROWS)
        down = width < 736
        tap.case(f"{label}: at {width} pixels each arrow points from box to box", arrows and all(
            content == ('"\u2193"' if down else '"\u2192"') and above == down and
            left == (not down) and (below or not down) and inside
            for content, left, above, below, inside in arrows), arrows)
    named = page.run("""const drawn = [], context = canvas.getContext('2d');
        const fillText = context.fillText;
        context.fillText = function (...of) { drawn.push(of[0]); fillText.apply(this, of); };
        drawMap();
        context.fillText = fillText;
        return map.columns.filter(({ piece }) => piece.module && !drawn.includes(piece.module))
          .map(({ piece }) => piece.module)""")
    tap.case(f"{label}: a phone shows the names of modules, whole", not named, named)
    page.browser.devtools("Emulation.clearDeviceMetricsOverride")


def check_keyboard(tap, page, document):
    seen = []
    for _ in range(40):
        page.browser.press("Tab")
        seen.append(page.run("return document.activeElement.id"))
        if seen[-1] == "view":
            break
    order = [name for name in seen if name in
             ("theme", "find", "verdict", "region", "order", "fold", "rows-less", "columns-more",
              "view")]
    tap.case("Tab goes from the top through the tools into the map",
             seen[0] == "" and order == ["theme", "find", "verdict", "region", "order", "fold",
                                         "rows-less", "columns-more", "view"], seen)
    tap.case("focus is seen", page.run(
        "return getComputedStyle(view).outlineStyle !== 'none' && "
        "parseFloat(getComputedStyle(view).outlineWidth) >= 2"))
    page.browser.press("Home")
    words = page.text("#cell")
    for key, wanted in (("Right", "column"), ("Down", "band")):
        before = page.run("return map.cursor[arguments[0]]", wanted)
        page.browser.press(key)
        page.browser.wait(FRAME)
        after = page.run("return map.cursor[arguments[0]]", wanted)
        reported = page.text("#cell")
        tap.case(f"{key} moves, and says where",
                 after == before + 1 and reported != words, reported)
        words = reported
    page.browser.press("Up", "End")
    columns = page.run("return map.columns.length")
    tap.case("End goes to the last column", page.run("return map.cursor.column") == columns - 1)
    tap.case("the grid says where its reader is",
             page.run("return [view.getAttribute('role'), view.getAttribute('aria-colcount'),"
                      " view.getAttribute('aria-activedescendant'),"
                      " byId('cell').getAttribute('aria-colindex')]")
             == ["grid", str(columns), "cell", str(columns)])
    height = page.run("return map.height")
    page.browser.press("+")
    page.browser.wait(FRAME)
    tap.case("+ makes rows taller", page.run("return map.height") > height)
    page.browser.press("-")
    width = page.run("return map.width")
    page.browser.press("]")
    page.browser.wait(FRAME)
    tap.case("] makes columns wider", page.run("return map.width") > width * 1.2)
    page.browser.press("[", "Enter")
    page.browser.wait(FRAME)
    name = page.run("return spaceName(map.bands[map.cursor.band].spaces[0])")
    tap.case("Enter shows the space, and goes there",
             page.text("#selected-title") == name and
             page.run("return document.activeElement.id") == "selected-title")
    space = next(s for s in document["spaces"] if f"{s['pid']} {s['comm']}" == name)
    page.run("for (const cause of document.querySelectorAll('#selected [data-cause]'))"
             " cause.open = true")
    page.browser.wait(FRAME)
    tap.case("with its findings", page.run(
        "return document.querySelectorAll('#selected [data-group]').length")
        == space["findings"])


# ---- the fault path, the registers --------------------------------------------------------

def check_path(tap, page, label, document):
    dead = [s for s in document["spaces"] if s["verdict"] in ("nests", "double-faults")]
    for space in dead:
        rules = {f["rule"] for f in document["findings"] if f["root"] == space["root"] and
                 f["rule"].startswith("faultpath-")}
        boxes = page.run("""const space = spaces.find((s) => address(s.root) === arguments[0]);
            const broken = new Set();
            for (const need of needs)
              if (concerns(need, space, 0) && brokenBy(need, space))
                broken.add(need.rule.id);
            const path = makeFaultPath(space, 0);
            return [[...broken].sort(), path.querySelectorAll('li.broken').length,
                    path.querySelectorAll('li').length]""", space["root"])
        tap.case(f"{label}: the fault path of {space['pid']} {space['comm']} is broken where "
                 "its findings say", set(boxes[0]) == rules and boxes[1] == len(rules) and
                 boxes[2] > boxes[1], f"{boxes} {rules}")
    whole = page.run("const first = spaces.find((s) => s.kind === 'init_mm');"
                     "const path = makeFaultPath(first, 0);"
                     "return [path.querySelectorAll('li').length,"
                     " path.querySelectorAll('li.broken').length]")
    tap.case(f"{label}: that of init_mm is whole", whole[0] > 8 and whole[1] == 0, whole)
    tap.case(f"{label}: the path is drawn", page.run(
        "return document.querySelectorAll('#path-body .chain li').length") > 8)
    names = page.texts("#cpus dt")
    tap.case(f"{label}: registers", {"cr0", "cr2", "cr3", "cr4"} <= set(names), names)


# ---- hostile names, themes, paper ----------------------------------------------------------

def check_hostile(tap, page, capture):
    tap.case("names that are markup are text", page.run(
        "return document.scripts.length") == 2 and page.run(
        "return document.querySelectorAll('main b b, header b, main script, main img').length")
        == 0)
    buttons = page.texts("#table button")
    tap.case("and are reported as they are",
             any("</script>x" in name for name in buttons) and
             any('<b>"&\'\\\\<!-' in name for name in buttons), buttons)
    tap.case("so is the target's path", page.text("#target") == capture and
             page.run("return document.title") == f"{capture} - whosees")
    resources = page.run("return performance.getEntriesByType('resource').length")
    tap.case("nothing was asked of any network", resources == 0, resources)
    page.run("""window.violations = [];
        document.addEventListener('securitypolicyviolation',
            (event) => violations.push(event.violatedDirective));
        new Image().src = 'http://127.0.0.1:9/x'; fetch('http://127.0.0.1:9/x').catch(() => 0);""")
    page.browser.wait("const end = Date.now() + 60000, look = (done) => "
                      "violations.length >= 2 || Date.now() > end ? done() : "
                      "setTimeout(look, 20, done); look(arguments[0])")
    tap.case("and its own policy would refuse it", len(page.run("return violations")) == 2)
    page.browser.console()  # that was the violations


def check_themes(tap, page):
    light = page.run("return getComputedStyle(document.documentElement).backgroundColor")
    page.browser.media("dark")
    page.browser.wait(FRAME)
    dark = page.run("return getComputedStyle(document.documentElement).backgroundColor")
    tap.case("dark where the system is", dark != light, dark)
    page.browser.click("#theme")
    page.browser.wait(FRAME)
    tap.case("the button changes it", page.run(
        "return getComputedStyle(document.documentElement).backgroundColor") == light)
    page.browser.click("#theme")
    page.browser.media("light")


def check_print(tap, page):
    """Before a sheet is laid out everything is open, light, and no wider than the sheet."""
    page.run("document.documentElement.dataset.theme = 'dark'; showTheme()")
    open_before = page.run("return document.querySelectorAll('#groups details[open]').length")
    inside = page.run("""dispatchEvent(new Event('beforeprint'));
        const state = [document.documentElement.dataset.theme, map.width + gutter(),
                       document.querySelectorAll('#groups > details:not([open])').length];
        dispatchEvent(new Event('afterprint'));
        return state""")
    tap.case("paper is light, all is open, and the map fits it",
             inside[0] == "light" and inside[1] <= 700 and inside[2] == 0, inside)
    tap.case("afterwards all is as before", page.run(
        "return document.documentElement.dataset.theme") == "dark" and page.run(
        "return document.querySelectorAll('#groups details[open]').length") == open_before)
    pdf = page.browser.print()
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    tap.case("it can be printed", pdf.startswith(b"%PDF") and pages >= 2, f"{pages} pages")
    page.run("delete document.documentElement.dataset.theme; showTheme()")


# ---- two thousand spaces -------------------------------------------------------------------

def multiply(data):
    """The same page with MANY spaces, no two neighbours alike."""
    many = copy.deepcopy(data)
    old = len(data["spaces"]["pid"])
    for name, column in many["spaces"].items():
        many["spaces"][name] = [column[i % old] for i in range(MANY)]
    many["spaces"]["pid"] = [i + 1 for i in range(MANY)]
    many["spaces"]["kind"] = ["process"] * MANY
    return many


COUNTED = """const context = canvas.getContext('2d');
    let rectangles = 0;
    const fill = context.fillRect;
    context.fillRect = function (...of) { rectangles++; fill.apply(this, of); };
    const begun = performance.now();
    drawMap();
    const took = performance.now() - begun;
    context.fillRect = fill;
    return [rectangles, took]"""


def check_many(tap, browser, page_file, scratch):
    text = page_file.read_text()
    data = json.loads(DATA.search(text)[2])
    many = json.dumps(multiply(data), separators=(",", ":")).replace("<", "\\u003c")
    big = scratch / "many.html"
    big.write_text(DATA.sub(lambda m: m[1] + many + m[3], text))
    begun = time.monotonic()
    page = Page(browser, big)
    took = time.monotonic() - begun
    tap.note(f"{MANY} spaces: {big.stat().st_size // 1024} KiB, open and drawn in "
             f"{took * 1000:.0f} ms")
    tap.case("2000 spaces are all there", page.shown() == "2,000 of 2,000 spaces", page.shown())
    bound = page.run("return view.clientHeight * (map.columns.length + 2)")
    rectangles, took = page.run(COUNTED)
    tap.note(f"folded: {rectangles} rectangles in {took:.1f} ms")
    tap.case("folded, they are a few bands", rectangles < 400, rectangles)
    page.run("byId('order').value = 'pid'; byId('order').dispatchEvent(new Event('change'));"
             "byId('fold').click()")
    tap.case("unfolded, each has a row", page.run("return map.bands.length") == MANY)
    rectangles, took = page.run(COUNTED)
    tap.note(f"a row each: {rectangles} rectangles in {took:.1f} ms")
    tap.case("what is drawn is bounded by what is seen", rectangles <= bound,
             f"{rectangles} of at most {bound}")
    page.run("view.scrollTop = 1e6")
    tap.case("the last is reached by scrolling", page.run(
        "const last = map.bands[map.bands.length - 1];"
        "return last.top + last.height - view.scrollTop <= view.clientHeight - axis"))
    tap.case("nothing on the console", not browser.console())


# ---- all of it ------------------------------------------------------------------------------

def check_files(tap, tool, capture, scratch):
    page = scratch / "a<b>.html"
    status, out, err = write_page(tool, capture, page)
    tap.case("the file is reported, with its size", status == 1 and not err and
             out == f"{page}: {(page.stat().st_size + 1023) // 1024} KiB\n", out + err)
    before = page.read_bytes()
    again = scratch / "again.html"
    write_page(tool, capture, again)
    tap.case("the same dump makes the same page", again.read_bytes() == before)
    status, out, err = write_page(tool, capture, scratch / "no" / "page.html")
    tap.case("nowhere to write", status == 3 and "No such file" in err, err)
    tap.case("nothing half-written is left",
             not [p for p in scratch.rglob("*") if ".part" in p.name])
    return again


def main(tool, i386, *captures):
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        sick = altered.sick(tool, i386, scratch / 'si<ck>"&.elf')
        sick_page = check_files(tap, tool, sick, scratch)
        reason = why_not()
        if reason:
            tap.skip("the page in a browser", reason)
            return tap.end()
        with Browser() as browser:
            document = altered.ask(tool, "audit", sick)
            page = Page(browser, sick_page)
            tap.case("sick: nothing on the console", not browser.console())
            tap.case("of a machine that shows no death the page says nothing of one",
                     page.run(FIRST_SHOWN) == "headline")
            check_map(tap, page, document)
            check_numbers(tap, page, "sick", document)
            check_reasons(tap, page, "sick", document)
            check_trails(tap, page, "sick", document)
            check_path(tap, page, "sick", document)
            check_filters(tap, page, document)
            check_search(tap, page, document)
            check_about(tap, page, sick)
            check_keyboard(tap, Page(browser, sick_page), document)
            page = Page(browser, sick_page)
            page.run("byId('table').open = true")
            check_hostile(tap, page, sick)
            check_themes(tap, page)
            check_print(tap, page)
            tap.case("still nothing on the console", not browser.console())
            check_death(tap, tool, browser, scratch)
            for capture in captures:
                label, file = pathlib.Path(capture).stem, scratch / "page.html"
                write_page(tool, capture, file)
                document = altered.ask(tool, "audit", capture)
                page = Page(browser, file)
                tap.case(f"{label}: nothing on the console", not browser.console())
                check_numbers(tap, page, label, document)
                check_trails(tap, page, label, document)
                check_path(tap, page, label, document)
                check_widths(tap, page, label)
                if label == "amd64-small":
                    check_causes(tap, Page(browser, file), document)
                check_access(tap, Page(browser, file), label)
                tap.case(f"{label}: still nothing on the console", not browser.console())
            check_many(tap, browser, sick_page, scratch)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
