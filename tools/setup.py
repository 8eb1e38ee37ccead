"""Makes `.venv` hold exactly the locked packages, and names what the system itself lacks.

Run by tools/setup.sh with any Python >= 3.11, the venv's own included; needs only the standard
library. Knows the lock files and the system libraries that Qt loads; does not know what is run
afterwards. A second run changes nothing and takes a fraction of a second.

The venv carries a stamp with the hash of what was installed. While pip works the stamp says so
instead; whoever finds such a stamp knows that an install was cut off, and begins with a new venv.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "glassformer-setup.json"
INSTALLING = "installing"

RUN_LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "requirements-test.lock"
# Exact versions for what torch's default Linux build brings along. Constraints, not requirements:
# a CPU build needs none of them.
CUDA_LOCK = ROOT / "requirements-cuda.lock"
LOCKS = {"run": [RUN_LOCK, CUDA_LOCK], "test": [RUN_LOCK, CUDA_LOCK, TEST_LOCK]}

# What Qt's xcb platform and OpenGL load from the system, with Debian's package for each.
RUN_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
# The tests draw on a virtual screen with Mesa's software OpenGL.
TEST_LIBRARIES = {"libGLX_mesa.so.0": "libglx-mesa0"}
TEST_COMMANDS = {"Xvfb": "xvfb", "xvfb-run": "xvfb", "xauth": "xauth"}
# One font that is there everywhere, so that a text is equally wide everywhere.
TEST_FILES = {"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf": "fonts-dejavu-core"}


class SetupError(Exception):
    """Something that a person has to do first; the message says what."""


def missing_from_system(purpose: str) -> dict[str, str]:
    """Returns what the system lacks for `purpose`, each thing with the Debian package that has it.

    Looks by loading, so that it finds what the program would find. Only Linux can lack anything:
    elsewhere the wheels bring it all.
    """
    if sys.platform != "linux":
        return {}
    missing = {}
    # Debian splits the standard library: without python3-venv there is a venv but no ensurepip.
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        missing["Python's venv module"] = f"python{version}-venv"
    libraries = RUN_LIBRARIES | (TEST_LIBRARIES if purpose == "test" else {})
    for library, package in libraries.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing[library] = package
    if purpose == "test":
        missing |= {name: p for name, p in TEST_COMMANDS.items() if shutil.which(name) is None}
        if Path("/etc/debian_version").exists():  # fonts lie elsewhere on other systems
            missing |= {file: p for file, p in TEST_FILES.items() if not Path(file).exists()}
    return missing


def provide_system_packages(purpose: str) -> None:
    """Installs what the system lacks if that is ours to do; otherwise says the line to type."""
    missing = missing_from_system(purpose)
    if not missing:
        return
    packages = sorted(set(missing.values()))
    debian_like = Path("/etc/debian_version").exists() and shutil.which("apt-get")
    if not debian_like:
        raise SetupError(
            f"this system lacks {', '.join(missing)}. Install what provides them"
            f" (Debian calls it {' '.join(packages)}), then try again."
        )
    if os.geteuid() != 0:
        raise SetupError(
            f"this system lacks {', '.join(missing)}. Type this line, then try again:\n"
            f"  sudo sh -c 'apt-get update && apt-get install -y {' '.join(packages)}'"
        )
    say(f"installing system packages: {' '.join(packages)}")
    # A list that can't be fetched need not matter; whether the packages come does.
    with contextlib.suppress(SetupError):
        run(["apt-get", "update"], quiet=True)
    run(["apt-get", "install", "-y", "--no-install-recommends", *packages], quiet=True)
    if still := missing_from_system(purpose):
        raise SetupError(
            f"installed {' '.join(packages)}, and {', '.join(still)} is still missing."
        )


def digest(locks: list[Path]) -> str:
    """Returns the hash of the lock files and of the place of the venv, which its scripts name."""
    parts = [lock.read_bytes() for lock in locks]
    return hashlib.sha256(b"\0".join([str(VENV).encode(), *parts])).hexdigest()


def read_stamp() -> dict[str, str]:
    """Returns purpose -> hash of what is installed; empty if there is no stamp to trust."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def venv_works() -> bool:
    """Says whether the venv has a Python that starts and finds pip."""
    probe = [str(VENV_PYTHON), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def install(purpose: str, torch_build: str) -> None:
    """Brings the venv to the locked versions, making it first if need be."""
    cut_off = INSTALLING in read_stamp()
    if cut_off or not venv_works():
        # Not from the venv's own interpreter: --clear would take the ground from under it.
        base = getattr(sys, "_base_executable", sys.executable)
        say(f"making .venv with Python {platform.python_version()}")
        run([base, "-m", "venv", "--clear", str(VENV)])
    STAMP.write_text(json.dumps({INSTALLING: purpose}), encoding="utf-8")
    try:
        pip_install(purpose, torch_build)
    except SetupError:
        # Pip failed by itself and left the venv whole, so the next try may go on with it.
        STAMP.unlink()
        raise
    stamp = {name: digest(LOCKS[name]) for name in ("run", purpose)}
    STAMP.write_text(json.dumps(stamp), encoding="utf-8")


def pip_install(purpose: str, torch_build: str) -> None:
    """Installs the build of torch that was asked for, if one was, then what the locks name."""
    pip = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    if torch_build:
        say(f"installing the {torch_build} build of torch")
        index = f"https://download.pytorch.org/whl/{torch_build}"
        wanted = f"torch=={locked_torch()}+{torch_build}"
        run([*pip, "--no-deps", "--index-url", index, wanted])

    say("installing the locked packages (torch is large: the first time takes a few minutes)")
    command = [*pip, "-r", str(RUN_LOCK)]
    if not sys.stdout.isatty():
        command.append("--quiet")  # progress is for people
    if purpose == "test":
        command += ["-r", str(TEST_LOCK)]
    if not torch_label():  # another build brings another CUDA, or none
        command += ["-c", str(CUDA_LOCK)]
    run(command)


def torch_label() -> str:
    """Returns the label of the torch build in the venv ("cpu", "cu126"), "" if none or no torch."""
    code = "from importlib.metadata import version; print(version('torch'))"
    found = subprocess.run(
        [str(VENV_PYTHON), "-c", code], capture_output=True, text=True, check=False
    )
    return found.stdout.strip().partition("+")[2]


def locked_torch() -> str:
    """Returns the version of torch in the lock."""
    match = re.search(r"^torch==(\S+)", RUN_LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise SetupError(f"{RUN_LOCK.name} does not name torch.")
    return match[1]


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Holds a lock, so that two `make` at once don't work on one venv. Freed even by a crash."""
    import fcntl  # not on Windows, where `make` isn't the way either

    place = ROOT / "build"
    place.mkdir(exist_ok=True)
    with (place / "setup.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command: list[str], quiet: bool = False) -> None:
    """Runs a command to its end; its failure is ours. A quiet one shows only its errors."""
    done = subprocess.run(
        command,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.DEVNULL if quiet else None,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(f"this command failed: {' '.join(command)}")


def say(text: str) -> None:
    """Prints a line at once, so that it stands before what a command prints."""
    print(f"setup: {text}", flush=True)


def main(purpose: str) -> int:
    """Sets up for `purpose` ("run" or "test"); returns the exit status."""
    torch_build = os.environ.get("TORCH", "")
    try:
        with alone():
            provide_system_packages(purpose)
            ready = read_stamp().get(purpose) == digest(LOCKS[purpose]) and VENV_PYTHON.exists()
            if torch_build or not ready:
                install(purpose, torch_build)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: stopped; the next try begins again", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("usage: sh tools/setup.sh run|test")
    sys.exit(main(sys.argv[1]))
