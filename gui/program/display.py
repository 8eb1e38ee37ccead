"""Whether a window can be shown: whether somebody answers where the environment says.

Needs only the standard library, because it is asked before Qt is there: Qt aborts the process where
it finds no display.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

_X_SOCKETS = "/tmp/.X11-unix/X"
_X_PORTS = 6000
_ANSWER_SECONDS = 2.0


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether Qt will find a display; a platform that needs none is one."""
    if not sys.platform.startswith("linux"):
        return True
    platform = environment.get("QT_QPA_PLATFORM", "").partition(":")[0].partition(";")[0]
    if platform.startswith("wayland"):
        return _wayland_answers(environment)
    if platform == "xcb":
        return _x_answers(environment.get("DISPLAY", ""))
    if platform:
        return True
    return _wayland_answers(environment) or _x_answers(environment.get("DISPLAY", ""))


def _x_answers(display: str) -> bool:
    if not display:
        return False
    match = re.fullmatch(r"(?:\w+/)?([^:/]*|\[.*\]):(\d+)(?:\.\d+)?", display)
    if match is None:
        return True  # written in a way of its own: Qt may know it
    host, number = match[1].strip("[]"), int(match[2])
    if host in ("", "unix"):
        path = f"{_X_SOCKETS}{number}"
        return _socket_answers(path) or _socket_answers(f"\0{path}")
    try:
        socket.create_connection((host, _X_PORTS + number), timeout=_ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def _wayland_answers(environment: Mapping[str, str]) -> bool:
    name = environment.get("WAYLAND_DISPLAY", "")
    if not name:
        return False
    # An absolute name stays as it is.
    return _socket_answers(str(Path(environment.get("XDG_RUNTIME_DIR", "/")) / name))


def _socket_answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.settimeout(_ANSWER_SECONDS)
        try:
            end.connect(path)
        except OSError:
            return False
    return True
