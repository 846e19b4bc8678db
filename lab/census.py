"""Who is there by a guest's own word, reported by guest/zoo.c before a dump and after it.

What both say was so at the dump. What only one of them says may have been: the kernel's
own threads come and go, and nothing is held against anyone for those."""

import collections

from .util import LabError

PF_WQ_WORKER, PF_KTHREAD = 0x20, 0x200000
COMM = 15  # characters of a name that the kernel keeps with a task

# pages: (va, pa) of some that its memory alone has; va and pa: the first of these, or 0
Task = collections.namedtuple("Task", "pid tgid state flags va pa comm pages")
Module = collections.namedtuple("Module", "name size address")
Census = collections.namedtuple("Census", "tasks modules")
# before, after: a Census each; herds: what became of each program of the herd; pti:
# whether page tables are isolated
Truth = collections.namedtuple("Truth", "before after herds pti")


def task(words):
    """A `task` line; a comm of no characters leaves no word."""
    tgid, pid, state, flags, own, *comm = words
    pages = tuple(tuple(int(word, 16) for word in page.split(":"))
                  for page in own.split(",") if page != "-")
    return Task(int(pid), int(tgid), state, int(flags, 16), *(pages or [(0, 0)])[0],
                bytes.fromhex("".join(comm))[:COMM].decode("latin-1"), pages)


def module(words):
    """A `module` line: /proc/modules as it is."""
    return Module(words[0], int(words[1]), int(words[5], 16))


def read(lines):
    """The Truth in the guest's lines."""
    parts, herds = {"@census": Census([], []), "@after": Census([], [])}, {}
    current, pti = None, False
    for line in lines:
        key, *words = line.split()
        if key in parts:
            current = parts[key]
        elif key == "herd":
            herds[words[0]] = " ".join(words[1:])
        elif key == "task" and current:
            current.tasks.append(task(words))
        elif key == "module" and current:
            current.modules.append(module(words))
        elif key == "pti" and current:
            pti = True
        else:
            raise LabError(f"the guest said what nobody asked: {line!r}")
    return Truth(parts["@census"], parts["@after"], herds, pti)


def is_worker(one):
    """A thread of a workqueue: they come and go, and are named for what they do."""
    return bool(one.flags & PF_KTHREAD and one.flags & PF_WQ_WORKER)


def is_kernel(one):
    return bool(one.flags & PF_KTHREAD)


def stable(truth):
    """The tasks of both censuses, as the first has them."""
    later = {(t.pid, t.comm, t.pa) for t in truth.after.tasks}
    return [t for t in truth.before.tasks if (t.pid, t.comm, t.pa) in later]


def memories(tasks):
    """Tasks by the page that their memory alone has: those that share it share a root.
    (va, pa) -> tasks, without those that have no memory."""
    found = collections.defaultdict(list)
    for one in tasks:
        if one.pa:
            found[one.va, one.pa].append(one)
    return dict(found)


def leaders(tasks):
    """tgid -> the leader, or where it has gone from the list, any of its threads."""
    found = {}
    for one in sorted(tasks, key=lambda t: t.pid != t.tgid):
        found.setdefault(one.tgid, one)
    return found


def dead_leaders(tasks):
    """Who has no memory any more, and threads that have."""
    alive = {t.tgid for t in tasks if t.pa}
    return [t for t in tasks if t.pid == t.tgid and not t.pa and t.tgid in alive]


def species(tasks):
    """What kinds of process are there, by what the kernel says of them, and by the name
    that one takes when the kernel let it do what it was to: the zoo is only worth
    something with all of them."""
    by_tgid = collections.defaultdict(list)
    for one in tasks:
        by_tgid[one.tgid].append(one)
    shared = [{t.tgid for t in group} for group in memories(tasks).values()]
    return {
        "threads": any(len(g) > 1 for g in by_tgid.values()),
        "dead leader": bool(dead_leaders(tasks)),
        "zombie": any(len(g) == 1 and g[0].state == "Z" for g in by_tgid.values()),
        "shared memory": any(len(tgids) > 1 for tgids in shared),
        "suspended parent": any(t.state == "D" and t.pa for t in tasks),
        "pid namespaces": any(t.comm == "herd-ns-inner" for t in tasks),
        # or a kernel that has none
        "huge pages": any(t.comm in ("herd-hugetlb", "herd-hugeless") for t in tasks),
    }
