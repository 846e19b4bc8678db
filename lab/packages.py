"""Debian packages of any architecture and suite, without touching this system: an apt
state of our own in the cache, fed from the machine's own package sources."""

import contextlib
import fcntl
import functools
import gzip
import json
import lzma
import pathlib
import re
import subprocess

from . import foreign
from .util import LabError, cache_dir, need, run, say, whole_dir, whole_file

APT_SOURCES = pathlib.Path("/etc/apt")

# A compressed index is slow to look up in. The caches are named because Docker's images
# switch them off.
APT_CONF = """\
Dir::State::Lists "{home}/lists";
Dir::State::status "{home}/status";
Dir::Cache "{home}";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::SourceList "{home}/sources.list";
Dir::Etc::SourceParts "-";
APT::Architectures {{ {arches} }};
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::GzipIndexes "false";
Acquire::Retries "3";
Acquire::http::Timeout "20";
"""


def host_arch():
    return run([need("dpkg", "dpkg"), "--print-architecture"]).strip()


def host_suite():
    text = pathlib.Path("/etc/os-release").read_text()
    found = re.search(r'^VERSION_CODENAME="?([\w-]+)', text, re.M)
    if not found:
        raise LabError("/etc/os-release names no VERSION_CODENAME: the lab takes its "
                       "package sources from a Debian system")
    return found[1]


def one_line_entries(text):
    """(uri, suites, components, options) of the `deb` lines of a sources.list."""
    for line in text.splitlines():
        words = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#]+)", line)
        if words:
            options = dict(o.split("=", 1) for o in (words[1] or "").split() if "=" in o)
            yield words[2], [words[3]], words[4].split(), options.get("signed-by")


def deb822_entries(text):
    """The same, of the stanzas of a .sources file."""
    text = re.sub(r"^#.*\n?", "", text, flags=re.M)
    for stanza in re.split(r"\n\s*\n", text):
        field = {name.lower(): value.strip()
                 for name, value in re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)",
                                               stanza, re.M)}
        if "deb" not in field.get("types", "").split() or field.get("enabled") == "no":
            continue
        for uri in field.get("uris", "").split():
            yield (uri, field.get("suites", "").split(),
                   field.get("components", "").split(), field.get("signed-by"))


def source_lines(suite, arches):
    """This machine's own Debian sources as `deb` lines, its release replaced by `suite`:
    so updates and security stay with it, and no mirror is ever written down."""
    files = [APT_SOURCES / "sources.list", *(APT_SOURCES / "sources.list.d").glob("*")]
    own, lines = host_suite(), []
    for path in sorted(f for f in files if f.is_file()):
        parse = {".list": one_line_entries, ".sources": deb822_entries}.get(path.suffix)
        for uri, suites, components, key in parse(path.read_text()) if parse else ():
            for name in suites:
                if name != own and not name.startswith(own + "-"):
                    continue
                # an inline key cannot be said on one line: then apt's own keyring decides
                signed = f" signed-by={key}" if key and key.startswith("/") else ""
                lines.append(f"deb [arch={','.join(arches)}{signed}] {uri} "
                             f"{suite}{name[len(own):]} {' '.join(components)}")
    if not lines:
        raise LabError(f"no Debian source for {own} in {APT_SOURCES}/sources.list nor "
                       f"{APT_SOURCES}/sources.list.d: add one, then run apt-get update")
    return lines


def depended(record, pattern):
    """Names that match `pattern` in a record's dependencies; of alternatives the first."""
    names = re.findall(r"(?:^|,)\s*([^\s,|(:]+)", record.get("Depends", ""))
    return [name for name in names if re.match(pattern, name)]


class Apt:
    """The isolated apt state of one suite; `arches` beside the host's own."""

    def __init__(self, suite, arches, refresh=False):
        self.suite = suite
        self.arches = sorted({host_arch(), *arches})
        self.home = cache_dir() / "apt" / "-".join([suite, *self.arches])
        self.debs = cache_dir() / "debs"
        for folder in ("lists/partial", "archives/partial"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self.debs.mkdir(exist_ok=True)
        self.kept = self.home / "versions.json"
        if refresh or not (self.home / "updated").exists():
            self.update()
        # a look into the index costs a third of a second: of one index once
        self.records = json.loads(self.kept.read_text()) if self.kept.exists() else {}

    def apt(self, program, *arguments, hint=""):
        return run([need(program, "apt"), "-q", "-c", self.home / "apt.conf", *arguments],
                   cwd=self.debs, hint=hint)

    def update(self):
        """Fetch the package index. A mirror in the middle of a sync is no reason to
        stop while the indexes that did arrive name all that is needed."""
        say(f"package index of {self.suite} ({', '.join(self.arches)})")
        self.kept.unlink(missing_ok=True)
        lines = source_lines(self.suite, self.arches)
        (self.home / "status").touch()  # no package is installed in this state
        (self.home / "sources.list").write_text("\n".join(lines) + "\n")
        (self.home / "apt.conf").write_text(APT_CONF.format(
            home=self.home, arches=" ".join(f'"{arch}";' for arch in self.arches)))
        try:
            said = self.apt("apt-get", "update")
        except LabError as error:
            said = str(error)
            say("warning: part of the package index did not arrive; going on without:")
            for line in re.findall("^[EW]: .*", said, re.M):
                say(f"  {line}")
        # without a network apt-get only warns
        if not list((self.home / "lists").glob("*_Packages")):
            raise LabError(f"no package index of {self.suite} could be fetched\n{said}\n"
                           f"check the network and {APT_SOURCES}")
        (self.home / "updated").touch()

    def versions(self, name, arch):
        """The index's records of a package as dicts, the newest version first."""
        wanted = f"{name}:{arch}"
        if wanted not in self.records:
            text = self.apt("apt-cache", "show", wanted,
                            hint=f"no package {wanted} in {self.suite}: see "
                                 "lab/kernels.conf, or refresh the index by "
                                 "lab/run --refresh")
            self.records[wanted] = [dict(re.findall(r"^([\w-]+): (.*)", record, re.M))
                                    for record in text.strip().split("\n\n")]
            with whole_file(self.kept) as kept:
                json.dump(self.records, kept)
        return self.records[wanted]

    def names(self, prefix):
        """Of all packages of the index that begin so."""
        return self.apt("apt-cache", "pkgnames", prefix).split()

    def show(self, name, arch):
        """The index's record of the newest version of a package."""
        return self.versions(name, arch)[0]

    def depends(self, name, arch, pattern):
        """Names of the dependencies of a package that match `pattern`; of alternatives
        the first."""
        return depended(self.show(name, arch), pattern)

    def fetch(self, name, arch):
        """Path of the package file, downloaded once."""
        record = self.show(name, arch)
        file = self.debs / pathlib.Path(record["Filename"]).name
        if not file.exists():
            say(f"download {file.name} ({int(record['Size']) / 1e6:.1f} MB)")
            # apt-get verifies the index's hash, then renames its partial file
            self.apt("apt-get", "download",
                     f"{name}:{record['Architecture']}={record['Version']}".replace(
                         ":all=", "="),
                     hint="the index may be older than the mirror: lab/run --refresh")
            self._plain_name(record, file)
        return file

    def _plain_name(self, record, file):
        """apt writes an epoch's colon as %3a: keep the index's name for the file."""
        version = record["Version"].replace(":", "%3a")
        saved = self.debs / f"{record['Package']}_{version}_{record['Architecture']}.deb"
        if saved != file and saved.exists():
            saved.rename(file)
        if not file.exists():
            raise LabError(f"apt-get download left no {file}: is the disk full?")


def unpack(files, final):
    """Unpack package files over each other into `final`, once."""
    if not final.exists():
        say(f"unpack {final.name}")
        with whole_dir(final) as tree:
            for file in files:
                run([need("dpkg-deb", "dpkg"), "-x", file, tree],
                    hint=f"if {file} is damaged, remove it and run again")
    return final


def loader(suite, arch, name, forced=False):
    """Command that runs the programs of a package of any architecture and release with
    its own loader and libraries, and where they lie; `forced`: by an emulator in any
    case."""
    apt, files = Apt(suite, [arch]), {}

    def add(package):
        if package not in files:
            files[package] = apt.fetch(package, arch)
            for library in apt.depends(package, arch, r"lib|zlib"):
                add(library)

    add(name)
    tree = unpack(files.values(), cache_dir() / "trees" / files[name].stem)
    # the file itself: a link may lead to this machine's own
    found = min(tree.rglob("ld-linux*.so.*"), key=pathlib.Path.is_symlink)
    folders = sorted({str(file.parent) for file in tree.rglob("*.so*")})
    return [*foreign.emulator(arch, found, forced), found,
            "--library-path", ":".join(folders)], tree


def program(suite, arch, name, forced=False):
    """Command that runs a package's program of its own name."""
    command, tree = loader(suite, arch, name, forced)
    return [*command, tree / "usr/bin" / name]


@contextlib.contextmanager
def cache_lock():
    """One lab at a time changes the cache; the others wait for it."""
    with open(cache_dir() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def one_file(tree, *patterns):
    """The file of a package that matches the first it can: releases differ in the folder."""
    for pattern in patterns:
        for path in sorted(tree.rglob(pattern)):
            if path.is_file():
                return path
    raise LabError(f"{tree.name} has no {' or '.join(patterns)}")


def uncompressed(path):
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return subprocess.run([need("zstd", "zstd"), "-dcq", path], check=True,
                              stdout=subprocess.PIPE).stdout
    return data


def busybox(suite, arch):
    """The program that is all of a guest's tools."""
    file = Apt(suite, [arch]).fetch("busybox-static", arch)
    return one_file(unpack([file], cache_dir() / "trees" / file.stem), "bin/busybox")


def module_in(tree, name, under=""):
    """Path of a kernel's own module file, `-` and `_` alike; `under` a folder of that name."""
    for path in tree.rglob(f"{under}**/*.ko*"):
        if path.name.split(".")[0].replace("-", "_") == name.replace("-", "_"):
            return path
    raise LabError(f"{tree.name} has no module {name}")


class Kernel:
    """A kernel flavour of kernels.conf with everything unpacked in one tree: the newest,
    or of the `older` ones that the index has that one."""

    def __init__(self, section, refresh=False, older=0):
        self.flavour, self.conf = section.name, section
        self.arch = section["arch"]
        self.apt = apt = Apt(section["suite"], [self.arch], refresh)
        try:
            image, headers = (apt.versions(section[name], self.arch)[older]
                              for name in ("image", "headers"))
        except IndexError:
            raise LabError(f"{section['suite']} has no older {section['image']}") from None
        self.image = depended(image, r"linux-image-\d")[0]
        self.release = self.image.removeprefix("linux-image-")
        headers = depended(headers, r"linux-headers-\d")[0]
        tools = apt.depends(headers, self.arch, r"linux-(headers|kbuild)-")
        wanted = [(self.image, self.arch), (headers, self.arch)]
        wanted += [(name, host_arch()) for name in tools]
        files = [apt.fetch(name, arch) for name, arch in wanted]
        self.tree = unpack(files, cache_dir() / "trees" / files[0].stem)
        self.headers = self.tree / "usr/src" / headers
        self.kbuild = next(name for name in tools if name.startswith("linux-kbuild-"))
        self.config = self.tree / "boot" / f"config-{self.release}"

    # What only a guest needs, and who builds a module does not.

    @functools.cached_property
    def booted(self):
        """Where the kernel itself and its modules lie: since 7.2 in packages of their own."""
        parts = self.apt.depends(self.image, self.arch, r"linux-(binary|modules)-\d")
        files = [self.apt.fetch(part, self.arch) for part in parts]
        return unpack(files, cache_dir() / "trees" / files[0].stem) if files else self.tree

    @functools.cached_property
    def busybox(self):
        return busybox(self.conf["suite"], self.arch)

    @functools.cached_property
    def vmlinuz(self):
        return one_file(self.booted, f"vmlinu[xz]-{self.release}", "vmlinu[xz]")

    def module(self, name):
        return module_in(self.booted, name, f"lib/modules/{self.release}/")


def current_kernel(section, refresh):
    """The kernel that the index in the cache names; an index too old for the mirror,
    which no longer has what it names, is fetched anew. A mirror may have the index of a
    release that is archived and its packages no more: then the version before."""
    tries = [(refresh, 0)] + [(True, 0)] * (not refresh) + [(False, 1)]
    for fresh, older in tries:
        try:
            return Kernel(section, fresh, older)
        except LabError as error:
            if (fresh, older) == tries[-1]:
                raise
            say(f"{error}\nonce more with a fresh package index, or the version before")
