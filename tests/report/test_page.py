#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of `whosees report` in headless Chromium: it loads without a word on the
console and without a request, its numbers are those of `whosees audit --json`, filters,
keyboard and themes work, names from the dump stay text, and 2000 spaces draw as little as
is seen of them. argv: the tool, and captures, the first of them of i386."""

import copy
import json
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
FRAME = "requestAnimationFrame(() => requestAnimationFrame(arguments[arguments.length - 1]))"
DATA = re.compile(r'(<script type="application/json" id="data">)(.*?)(</script>)', re.S)


def write_page(tool, capture, page):
    done = subprocess.run([tool, "report", capture, "-o", page], capture_output=True,
                          check=False, timeout=PATIENCE)
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
    tap.case(f"{label}: the headline is the sentence",
             page.text("#sentence") == document["summary"][0]["sentence"])
    buttons = page.run("return Array.from(document.querySelectorAll('#verdicts button'),"
                       " (b) => [b.className, b.querySelector('b').textContent])")
    wanted = [[row["verdict"], f"{row['spaces']:,}"] for row in document["verdicts"]]
    tap.case(f"{label}: spaces by verdict", sorted(buttons) == sorted(wanted), buttons)
    groups = page.run("return groups.map((g) => [g.rule.id, data.severities[g.severity],"
                      " g.text, g.spaces, address(g.va), address(g.last), g.region])")
    wanted = [[g["rule"], g["severity"], g["text"], g["spaces"], g["address"], g["last"],
               g["region"]] for g in document["groups"]]
    tap.case(f"{label}: groups of findings", groups == wanted, groups[:3])
    told = page.texts("#groups details .what")
    tap.case(f"{label}: every group is told", told == [g["text"] for g in document["groups"]])
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
    told = page.run("""return Array.from(document.querySelectorAll('#cases article'),
        (article) => Array.from(article.querySelectorAll('.reasons li'), (li) => li.textContent))""")
    tap.case(f"{label}: each case has its chain of reasons",
             told and all(lines in [s["reasons"] for s in sick] for lines in told), told)
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
    page.browser.click("#groups details:first-child summary")
    page.browser.wait(FRAME)
    tap.case(f"{label}: a finding opens on its trails",
             page.run("return document.querySelectorAll('#groups details[open] .trail').length")
             == 2)


# ---- the map -----------------------------------------------------------------------------

# The commonest colour in the cell of a named space in the column of that number: holes are
# striped.
PIXEL = """const [name, at] = arguments;
    const band = map.bands.find((b) => b.spaces.some((s) => spaceName(s) === name));
    const column = map.columns[at], ratio = devicePixelRatio, count = new Map();
    const x = gutter() - view.scrollLeft + column.left + 1;
    const y = band.top - view.scrollTop + AXIS + 1;
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
    victim = next(s for s in document["spaces"] if s["comm"] == "victim")
    name = f"{victim['pid']} victim"
    hole = page.run(COLOUR, "hole")
    calm = page.run(COLOUR, "calm")
    finding = next(f for f in document["findings"] if f["comm"] == "victim")
    inside = page.run("""const [first, last] = Array.from(arguments, (a) => BigInt(a));
        return map.columns.map((c) => c.piece.first >= first && c.piece.end <= last)""",
                      finding["address"], finding["last"])
    drawn = [page.run(PIXEL, name, at) == hole for at in range(len(inside))]
    tap.case("the map has holes exactly where the victim lacks a mapping",
             drawn == inside and any(inside) and not all(inside), f"{drawn}\n{inside}")
    healthy = [page.run(PIXEL, "init_mm", at) == calm for at in range(len(inside))]
    tap.case("and none in init_mm", all(healthy), healthy)


def check_filters(tap, page, document):
    total = len(document["spaces"])
    victim = next(s for s in document["spaces"] if s["comm"] == "victim")
    for what, text, number in (("pid", str(victim["pid"]), 1), ("name", "VICT", 1),
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
        told = page.text("#cell")
        tap.case(f"{key} moves, and tells where", after == before + 1 and told != words, told)
        words = told
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
    tap.case("with its findings", page.run(
        "return document.querySelectorAll('#selected details').length") == space["findings"])


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
    tap.case("and are told as they are",
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
    page.run("document.documentElement.dataset.theme = 'dark'; tellTheme()")
    open_before = page.run("return document.querySelectorAll('#groups details[open]').length")
    inside = page.run("""dispatchEvent(new Event('beforeprint'));
        const state = [document.documentElement.dataset.theme, map.width + gutter(),
                       document.querySelectorAll('#groups details:not([open])').length];
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
    page.run("delete document.documentElement.dataset.theme; tellTheme()")


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
        "return last.top + last.height - view.scrollTop <= view.clientHeight - AXIS"))
    tap.case("nothing on the console", not browser.console())


# ---- all of it ------------------------------------------------------------------------------

def check_files(tap, tool, capture, scratch):
    page = scratch / "a<b>.html"
    status, out, err = write_page(tool, capture, page)
    tap.case("the file is told of, with its size", status == 1 and not err and
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
            check_map(tap, page, document)
            check_numbers(tap, page, "sick", document)
            check_reasons(tap, page, "sick", document)
            check_trails(tap, page, "sick", document)
            check_path(tap, page, "sick", document)
            check_filters(tap, page, document)
            check_keyboard(tap, Page(browser, sick_page), document)
            page = Page(browser, sick_page)
            page.run("byId('table').open = true")
            check_hostile(tap, page, sick)
            check_themes(tap, page)
            check_print(tap, page)
            tap.case("still nothing on the console", not browser.console())
            for capture in captures:
                label, file = pathlib.Path(capture).stem, scratch / "page.html"
                write_page(tool, capture, file)
                document = altered.ask(tool, "audit", capture)
                page = Page(browser, file)
                tap.case(f"{label}: nothing on the console", not browser.console())
                check_numbers(tap, page, label, document)
                check_trails(tap, page, label, document)
                check_path(tap, page, label, document)
            check_many(tap, browser, sick_page, scratch)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
