"""QEMU's machine protocol (docs/interop/qmp-spec), as far as the lab speaks it."""

import json


class Refused(Exception):
    """What QEMU says when it does not do what it was told."""


def ask(stream, read, name, arguments):
    """Send a command; return what it returns. `read` returns a line of the stream."""
    request = {"execute": name, **({"arguments": arguments} if arguments else {})}
    stream.write(json.dumps(request).encode() + b"\n")
    stream.flush()
    while True:  # events come in between
        answer = json.loads(read())
        if "error" in answer:
            raise Refused(answer["error"]["desc"])
        if "return" in answer:
            return answer["return"]


def human(command, line, cpu=0):
    """Text of a human monitor command, as one CPU sees it; `command` carries out one of
    the machine protocol's."""
    text = command("human-monitor-command", **{"command-line": line, "cpu-index": cpu})
    return text.replace("\r\n", "\n")
