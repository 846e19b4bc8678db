#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A compressed dump gives the answers of what was compressed, or says what is missing.

    compressed.py TOOL CAPTURE    run, as TAP"""

import bz2
import gzip
import lzma
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "common")]
import writers  # noqa: E402
from containers import ask, difference  # noqa: E402
from cut import freed_roots, probe, wrong  # noqa: E402
from tap import PATIENCE, Tap  # noqa: E402

QUESTIONS = [["spaces"], ["audit"]]
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def zlib_of_lime(data):
    """As LiME's compress=1 does it: one stream, a window of 2 KiB."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 11, 5)
    return packer.compress(data) + packer.flush()


def zstd_stored(data, block=1 << 17):
    """Frames of a block each that is not compressed, with the content's size."""
    for at in range(0, len(data), block):
        part = data[at:at + block]
        yield (ZSTD_MAGIC + b"\xa0" + len(part).to_bytes(4, "little")
               + (1 | len(part) << 3).to_bytes(3, "little") + part)


def zstd_zeroes(blocks, content, window=b"\x38"):
    """So many blocks of 128 KiB of zeroes, in four bytes each, and what the header says."""
    block = (2 | (1 << 17) << 3).to_bytes(3, "little") + b"\0"
    last = (3 | (1 << 17) << 3).to_bytes(3, "little") + b"\0"
    header = (ZSTD_MAGIC + b"\xc0" + window + content.to_bytes(8, "little") if content
              else ZSTD_MAGIC + b"\0" + window)
    return header + block * (blocks - 1) + last


def halves(pack):
    return lambda data: pack(data[:len(data) // 3]) + pack(b"") + pack(data[len(data) // 3:])


# Made here: what it is called, how, and what has to follow what is packed.
MADE = [("gzip", gzip.compress), ("gzip, three members, one empty", halves(gzip.compress)),
        ("gzip, filled up with zeroes", lambda data: gzip.compress(data) + bytes(5000)),
        ("xz", lambda data: lzma.compress(data, preset=0)),
        ("xz, three streams, one empty", halves(lambda data: lzma.compress(data, preset=0))),
        ("xz, padded between streams",
         lambda data: lzma.compress(data[:70000], preset=0) + bytes(8)
         + lzma.compress(data[70000:], preset=0)),
        ("zstd, frames with sizes", lambda data: b"".join(zstd_stored(data))),
        ("zstd, a frame that is skipped",
         lambda data: b"\x5e\x2a\x4d\x18\4\0\0\0skip" + b"".join(zstd_stored(data))),
        ("zlib, as LiME packs", zlib_of_lime)]

# Made by the programs that people use; each is skipped by name where it is not there.
PROGRAMS = [["gzip", "-c"], ["xz", "-0c"], ["xz", "-0c", "-T2", "--block-size=262144"],
            ["zstd", "-qc"], ["zstd", "-qc", "--no-check", "--long=27"], ["lz4", "-qc"],
            ["lz4", "-qc", "-B4", "-BD"], ["lz4", "-qc", "-BX"], ["pigz", "-c"],
            ["pigz", "-zc"], ["bgzip", "-c"], ["lzop", "-c"],
            ["lzop", "-c", "-9", "--crc32", "-C"], ["lzop", "-c", "-F", "-1"]]


def packed(tap, data):
    """Name and bytes of the capture in each format that can be had."""
    for name, pack in MADE:
        yield name, pack(data)
    for command in PROGRAMS:
        if not shutil.which(command[0]):
            tap.skip(" ".join(command), f"no {command[0]}")
            continue
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True,
                              timeout=PATIENCE)
        yield " ".join(command), done.stdout


def run(tool, *words, **how):
    done = subprocess.run([tool, *words], capture_output=True, check=False, timeout=PATIENCE,
                          **how)
    return done.returncode, done.stdout, done.stderr.decode()


class Place:
    """A scratch directory with a file in it, and a TMPDIR that must stay empty."""

    def __init__(self, scratch):
        self.path = os.path.join(scratch, "made")
        self.temporary = os.path.join(scratch, "tmp")
        os.mkdir(self.temporary)
        os.environ["TMPDIR"] = self.temporary

    def put(self, data):
        pathlib.Path(self.path).write_bytes(data)
        return self.path

    def is_clean(self):
        return not os.listdir(self.temporary)


def check_same(tap, tool, place, plain, name, data):
    place.put(data)
    for question in QUESTIONS:
        want, got = (ask(tool, question, path, []) for path in (plain, place.path))
        tap.case(f"{name}: {question[0]}", got == want and want[0] in (0, 1),
                 difference(got, want) or want)
    tap.case(f"{name}: nothing is left", place.is_clean(), os.listdir(place.temporary))


class Truth:
    def __init__(self, tool, plain):
        self.rows, _ = probe(tool, plain, "--all-modules")
        self.freed = freed_roots(tool, plain)
        self.what = sorted({address for address, _ in self.rows})


def check_flawed(tap, tool, place, truth, name, data, words):
    """Says one of the words, and nothing that is not true."""
    rows, notes = probe(tool, place.put(data), *truth.what)
    notes = " ".join(notes.split())
    untrue = list(wrong(truth.rows, truth.freed, rows))
    tap.case(f"{name}: said", any(word in notes for word in words), notes)
    tap.case(f"{name}: {len(rows)} rows", not untrue, "\n".join(untrue))


def check_cut(tap, tool, place, truth, name, data):
    for percent in (1, 50, 99):
        status, _, errors = run(tool, "spaces", place.put(data[:len(data) * percent // 100]))
        said = " ".join(errors.split())
        tap.case(f"{name}, cut at {percent} %: said",
                 status in (0, 3) and ("is cut off" in said or "cut off before" in said), errors)
        if name.startswith("lz4") and status:
            tap.case(f"{name}, cut at {percent} %: why nothing of it can be unpacked",
                     "block, which has up to 4 MiB of the dump, is unpacked as a whole" in said,
                     errors)
        if not status:
            check_flawed(tap, tool, place, truth, f"{name}, cut at {percent} %",
                         data[:len(data) * percent // 100], ["is cut off"])


def check_damaged(tap, tool, place, truth, name, data):
    for percent in (1, 50, 99):
        bad = bytearray(data)
        at = len(data) * percent // 100
        for i in range(at, min(at + 40, len(bad))):
            bad[i] ^= 0x5a
        status, _, errors = run(tool, "spaces", place.put(bytes(bad)))
        said = " ".join(errors.split())
        if "zstd, frames" not in name:  # those have no checksum
            tap.case(f"{name}, damaged at {percent} %: said",
                     status in (0, 3) and ("damaged" in said or "bytes that are not" in said),
                     errors)
            if not status:
                check_flawed(tap, tool, place, truth, f"{name}, damaged at {percent} %",
                             bytes(bad), ["damaged", "bytes that are not"])


def check_followed(tap, tool, place, plain, name, data):
    want = run(tool, "spaces", plain)
    got = run(tool, "spaces", place.put(data + b"and so on"))
    tap.case(f"{name}, and other bytes: said, and not read",
             got[:2] == want[:2] and "9 bytes that are not" in " ".join(got[2].split()), got[2])


def check_parts(tap, tool, place, truth, data):
    """One of xz's blocks damaged: the others are read."""
    if not shutil.which("xz"):
        tap.skip("a damaged block of xz", "no xz")
        return
    done = subprocess.run(["xz", "-0c", "--block-size=131072"], input=data, check=True,
                          stdout=subprocess.PIPE)
    bad = bytearray(done.stdout)
    bad[len(bad) // 2] ^= 1
    check_flawed(tap, tool, place, truth, "one of xz's blocks is damaged", bytes(bad),
                 ["131072 of the"])


def xz_far(packed, size):
    """The same xz file, whose first block's header asks for a dictionary of that code."""
    end = 12 + 4 * (packed[12] + 1)
    header = bytearray(packed[12:end - 4])
    header[header.index(b"\x21\x01") + 2] = size
    return (packed[:12] + header + zlib.crc32(header).to_bytes(4, "little")
            + packed[end:])


def check_windows(tap, tool, place, data):
    """A window of 256 MiB is read; a header that asks for more gets nothing."""
    xz = lzma.compress(data, preset=0)
    for name, made, limit in (("xz, cut", xz_far(xz, 40)[:-12], True), ("xz", xz_far(xz, 40), True),
                              ("xz, 384 MiB", xz_far(xz, 33), True),
                              ("xz, 256 MiB", xz_far(xz, 32), False),
                              ("zstd, 2 GiB", zstd_zeroes(8, 0, b"\xa8"), True),
                              ("zstd, 256 MiB", zstd_zeroes(8, 0, b"\x90"), False)):
        status, _, errors = run(tool, "spaces", place.put(made))
        refused = "larger than 256 MiB" in " ".join(errors.split())
        tap.case(f"a window, {name}: {'refused' if limit else 'unpacked'}",
                 status in (0, 3) and refused == limit, errors)
    for name, made, limit in (("xz, 12 MiB", xz_far(xz, 23), True),
                              ("xz, 8 MiB", xz_far(xz, 22), False),
                              ("zstd, 9 MiB", zstd_zeroes(8, 0, b"\x69"), True),
                              ("zstd, 8 MiB", zstd_zeroes(8, 0, b"\x68"), False)):
        status, _, errors = run(tool, "spaces", place.put(made), "--memory", "16M")
        said = " ".join(errors.split())
        refused = "larger than 8 MiB" in said and "--memory gives it more" in said
        tap.case(f"a window, {name}, with --memory 16M: {'refused' if limit else 'unpacked'}",
                 status in (0, 3) and refused == limit, errors)


def check_refused(tap, tool, place, data):
    """Bombs, and what holds nothing."""
    cases = [("a zstd header that says 2 TiB", zstd_zeroes(8, 1 << 41), "more than 1024 GiB"),
             ("nothing, as gzip", gzip.compress(b""), "there is nothing in it"),
             ("two bytes of gzip", b"\x1f\x8b", "gunzip"),
             ("gzip whose checksum is wrong",
              gzip.compress(data)[:-8] + bytes(4) + gzip.compress(data)[-4:],
              "its checksum is wrong"),
             ("gzip in gzip", gzip.compress(gzip.compress(data)), "compressed by gzip, and what that holds is a gzip file"),
             ("bzip2", bz2.compress(data), "bunzip2")]
    for name, made, words in cases:
        status, _, errors = run(tool, "spaces", place.put(made))
        tap.case(f"{name}: refused", status == 3 and words in " ".join(errors.split()), errors)


def check_zeroes(tap, tool, place):
    """4 GiB of zeroes take no room: the disk has what is not zero."""
    path = place.put(zstd_zeroes(1 << 15, 0))
    status, _, errors = run(tool, "spaces", path)
    tap.case("4 GiB of zeroes: unpacked, and no memory of Linux",
             status == 3 and "raw memory" in " ".join(errors.split()), errors)


def check_room(tap, tool, place, data):
    path = place.put(gzip.compress(data))
    status, _, errors = run("/bin/sh", "-c", f"ulimit -f 512; exec {tool} spaces {path}")
    tap.case("a limit on the size of files: refused, and said what helps",
             status == 3 and "set TMPDIR" in " ".join(errors.split()), errors)
    status, _, errors = run(tool, "spaces", path, env={**os.environ, "TMPDIR": "/no/where"})
    tap.case("a TMPDIR that is not there is named", status == 3 and "/no/where" in errors, errors)
    small = (f"mount -t tmpfs -o size=1m none {place.temporary} && "
             f"exec {tool} spaces {path}")
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or run(*alone, "true")[0]:
        tap.skip("a full disk", "unshare cannot mount here")
        return
    status, _, errors = run(*alone, "/bin/sh", "-c", small)
    said = " ".join(errors.split())
    tap.case("a full disk: which, and what helps",
             status == 3 and "No space left" in said and "set TMPDIR" in said
             and "/tmp " in said, errors)


def check_pipes(tap, tool, place, plain, data):
    want = run(tool, "spaces", plain)
    for name, given in (("plain", data), ("compressed", gzip.compress(data))):
        got = run(tool, "spaces", "-", input=given)
        tap.case(f"standard input, {name}", got == want, got)
    with open(plain, "rb") as stdin:
        got = run(tool, "spaces", "-", stdin=stdin)
    tap.case("standard input that is a file", got == want, got)
    fifo = place.path + ".fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: pathlib.Path(fifo).write_bytes(data))
    writer.start()
    got = run(tool, "spaces", fifo)
    writer.join()
    tap.case("a named pipe", got == want, got)
    status, _, errors = run(tool, "spaces", "-", input=b"")
    tap.case("standard input of nothing: refused", status == 3 and "empty" in errors, errors)


def check_sparse(tap, tool, place, data):
    """64 GiB of which 2 MiB are there: a file of a machine with that much memory."""
    def sparse(path, size):
        with open(path, "wb") as out:
            for pa, held in writers.Core(data).memory:
                out.seek(pa)
                out.write(held)
            out.truncate(size)

    answers = []
    for size in (1 << 28, 1 << 36):
        sparse(place.path, size)
        answers.append(run(tool, "spaces", place.path, "--format", "i386")[:2])
    os.remove(place.path)
    tap.case("64 GiB with holes: the answers of 256 MiB", answers[0] == answers[1] and
             not answers[0][0], answers)


def check_interrupted(tap, tool, place, data):
    """Before it has read all that it is given."""
    with subprocess.Popen([tool, "spaces", "-"], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        child.stdin.write(data)
        child.stdin.flush()
        clean = place.is_clean()
        child.send_signal(signal.SIGINT)
        child.wait(PATIENCE)
    tap.case("the temporary file has no name, interrupted or not", clean and place.is_clean())


def main():
    tool, capture = os.path.abspath(sys.argv[1]), sys.argv[2]
    data = pathlib.Path(capture).read_bytes()
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        place = Place(scratch)
        plain = os.path.join(scratch, "plain")
        pathlib.Path(plain).write_bytes(data)
        truth = Truth(tool, plain)
        for name, made in packed(tap, data):
            check_same(tap, tool, place, plain, name, made)
            if "," in name or " -" in name and name.count(" ") > 1:
                continue
            check_cut(tap, tool, place, truth, name, made)
            check_damaged(tap, tool, place, truth, name, made)
            check_followed(tap, tool, place, plain, name, made)
        check_parts(tap, tool, place, truth, data)
        check_refused(tap, tool, place, data)
        check_windows(tap, tool, place, data)
        check_zeroes(tap, tool, place)
        check_room(tap, tool, place, data)
        check_pipes(tap, tool, place, plain, data)
        check_interrupted(tap, tool, place, data)
        check_sparse(tap, tool, place, data)
        lime = os.path.join(scratch, "lime")
        dump = writers.WRITERS["lime"](writers.Core(data))[0]
        pathlib.Path(lime).write_bytes(dump)
        place.put(zlib_of_lime(dump))
        want, got = (ask(tool, ["spaces"], path, ["--format", "i386"])
                     for path in (lime, place.path))
        tap.case("LiME, compress=1", got == want and not want[0], difference(got, want) or want)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
