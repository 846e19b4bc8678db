"""What every part of the lab needs: one kind of error, commands that explain their
failure, and directories that appear whole or not at all."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent


class LabError(Exception):
    """A failure with what went wrong, where, and what to do about it."""


def say(message):
    print(f"lab: {message}", file=sys.stderr, flush=True)


def cache_dir():
    """The cache that all clones of the repository share."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = pathlib.Path(os.environ.get("WHOSEES_LAB_CACHE") or
                        os.path.join(base, "whosees", "lab"))
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def need(program, package):
    """Path of a host program, or an error that names the package to install."""
    found = shutil.which(program)
    if not found:
        raise LabError(f"{program} is not installed: apt-get install {package}")
    return found


def run(argv, hint="", cwd=None, env=None):
    """Run quietly; return stdout. On failure: the command's own last words."""
    done = subprocess.run([str(a) for a in argv], cwd=cwd, text=True, errors="replace",
                          env={**os.environ, "LC_ALL": "C", **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise LabError(f"{argv[0]} failed with status {done.returncode}: "
                       f"{' '.join(map(str, argv))}\n{tail}" +
                       (f"\n{hint}" if hint else ""))
    return done.stdout


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def dig_holes(path):
    """Give the disk back what a file has in zeroes, where it can."""
    if shutil.which("fallocate"):
        subprocess.run(["fallocate", "--dig-holes", path], check=False,
                       stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def whole_dir(final):
    """Yield a scratch directory beside `final`; it takes the place of `final` only
    when the block succeeds, and is removed when it does not."""
    final = pathlib.Path(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        scratch.chmod(0o755)
        yield scratch
        if final.exists():
            remove(final)
        scratch.rename(final)
    finally:
        if scratch.exists():
            shutil.rmtree(scratch)


@contextlib.contextmanager
def whole_file(final):
    """The same for a file of text."""
    with tempfile.NamedTemporaryFile("w", prefix=f".{final.name}.", dir=final.parent,
                                     delete=False) as scratch:
        try:
            yield scratch
            scratch.flush()
            os.replace(scratch.name, final)
        except BaseException:
            os.unlink(scratch.name)
            raise


def content_name(name, files, words):
    """`name` and a digest of everything that a built thing depends on."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode())
    for file in files:
        digest.update(file.read_bytes())
    return f"{name}-{digest.hexdigest()[:16]}"
