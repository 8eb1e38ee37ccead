"""The set-up: locks that say what they should, and a venv that is made once, whole, or again.

The set-up itself runs here for real, in a project folder whose locks are empty, so that it needs
neither a network nor minutes.
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.lock", "requirements-test.lock"]
# Where a distribution's name is not its module's.
MODULES = {
    "pyopengl": "OpenGL",
    "pyside6-essentials": "PySide6",
    "huggingface-hub": "huggingface_hub",
}
ENVIRONMENTS = [
    {"python_version": python, "python_full_version": f"{python}.4", "sys_platform": system}
    for python, system in itertools.product(["3.11", "3.12"], ["linux", "darwin", "win32"])
]

posix = pytest.mark.skipif(sys.platform == "win32", reason="make and sh are not the way on Windows")


def pins(*names: str) -> list[Requirement]:
    lines = [line for name in names for line in (ROOT / name).read_text("utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def direct_dependencies() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines = project["project"]["dependencies"] + project["dependency-groups"]["test"]
    return [Requirement(line) for line in lines]


def test_every_lock_line_pins_one_exact_version():
    for pin in pins(*LOCKS, "requirements-cuda.lock"):
        assert [clause.operator for clause in pin.specifier] == ["=="], pin


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda e: "-".join(e.values()))
def test_the_locks_hold_each_dependency_once_and_within_its_range(environment: dict[str, str]):
    applying = [p for p in pins(*LOCKS) if p.marker is None or p.marker.evaluate(environment)]
    names = [canonicalize_name(pin.name) for pin in applying]
    assert len(names) == len(set(names))
    locked = dict(zip(names, applying, strict=True))
    for dependency in direct_dependencies():
        pin = locked[canonicalize_name(dependency.name)]
        assert dependency.specifier.contains(str(pin.specifier).removeprefix("==")), dependency


def test_the_release_of_qt_that_crashes_is_excluded():
    (qt,) = [d for d in direct_dependencies() if d.name == "PySide6-Essentials"]
    assert not qt.specifier.contains("6.12.0")
    assert qt.specifier.contains("6.11.3")


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="only .venv is made from the locks")
def test_what_is_installed_is_what_is_locked():
    wrong = {}
    for pin in pins(*LOCKS):
        if pin.marker is None or pin.marker.evaluate():
            installed = Version(version(pin.name)).public  # without a build label such as +cpu
            if not pin.specifier.contains(installed):
                wrong[str(pin)] = installed
    assert not wrong


def test_every_runtime_dependency_is_used():
    used, named = set(), set()
    for file in [ROOT / "main.py", *(ROOT / "gui").rglob("*.py"), *(ROOT / "model").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                used.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Constant):
                named.add(node.value)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for line in project["dependencies"]:
        name = canonicalize_name(Requirement(line).name)
        # pyqtgraph's 3D needs PyOpenGL without declaring it, so nothing of ours has to import it.
        if name == "pyopengl":
            continue
        # A package of fonts is no code: it is found by its name, and its files are read.
        there = named if name.startswith("fontpkg-") else used
        assert MODULES.get(name, name.replace("-", "_")) in there, f"{name} is not used"


@pytest.fixture(scope="module")
def set_up_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_tool", ROOT / "tools" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def debian_without_a_library(set_up_module: ModuleType, monkeypatch: pytest.MonkeyPatch):
    """A Debian-like system that lacks libnowhere.so.1; what would be run is noted, not run."""
    if not Path("/etc/debian_version").exists():
        pytest.skip("system packages are only installed on a Debian-like system")
    commands: list[list[str]] = []

    def run(command: list[str], quiet: bool) -> None:
        commands.append(command)
        if "install" in command:
            monkeypatch.setattr(set_up_module, "RUN_LIBRARIES", {})

    monkeypatch.setattr(set_up_module, "RUN_LIBRARIES", {"libnowhere.so.1": "libnowhere1"})
    monkeypatch.setattr(set_up_module, "run", run)
    return commands


def test_nothing_is_missing_where_the_tests_run(set_up_module: ModuleType):
    assert set_up_module.missing_from_system("test") == {}


def test_root_gets_the_missing_package_installed(
    set_up_module: ModuleType,
    debian_without_a_library: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    set_up_module.provide_system_packages("run")
    update, install = debian_without_a_library
    assert update[:2] == ["apt-get", "update"]
    assert install[:2] == ["apt-get", "install"]
    assert install[-1] == "libnowhere1"


def test_a_person_without_root_is_told_the_one_line_to_type(
    set_up_module: ModuleType,
    debian_without_a_library: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(set_up_module.SetupError) as raised:
        set_up_module.provide_system_packages("run")
    assert debian_without_a_library == []
    what, line = str(raised.value).splitlines()
    assert "libnowhere.so.1" in what
    assert line == "  sudo sh -c 'apt-get update && apt-get install -y libnowhere1'"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with empty locks and a main.py that prints what it is given, once set up."""
    folder = tmp_path_factory.mktemp("a project with a space")
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copytree(ROOT / "tools", folder / "tools")
    for lock in [*LOCKS, "requirements-cuda.lock"]:
        (folder / lock).write_text("# nothing\n", "utf-8")
    code = "import json, sys; print(json.dumps([sys.prefix, *sys.argv[1:]]))\n"
    (folder / "main.py").write_text(code, "utf-8")
    first = make(folder, "run")
    assert first.returncode == 0, first.stderr
    return folder


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Not the variables of the make that runs these tests.
    ours = {"ARGS", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "PYTHON", "TORCH"}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@posix
def test_a_second_run_changes_nothing(project: Path):
    before = (project / ".venv" / "pyvenv.cfg").stat().st_mtime_ns
    second = make(project, "run")
    assert second.returncode == 0
    assert "setup:" not in second.stdout
    assert (project / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == before


@posix
def test_run_starts_main_in_the_venv_with_the_arguments_as_typed(project: Path):
    typed = """my\\ model --prompt 'it'\\''s a $HOME of "two  words"'"""
    done = make(project, "run", f"ARGS={typed}")
    prefix, *arguments = json.loads(done.stdout.splitlines()[-1])
    assert Path(prefix) == project / ".venv"
    assert arguments == ["my model", "--prompt", 'it\'s a $HOME of "two  words"']


@posix
def test_an_install_that_was_cut_off_begins_again_with_a_new_venv(project: Path):
    left_over = project / ".venv" / "half-installed"
    left_over.touch()
    (project / ".venv" / "glassformer-setup.json").write_text('{"installing": "run"}', "utf-8")
    done = make(project, "run")
    assert done.returncode == 0, done.stderr
    assert "making .venv" in done.stdout
    assert not left_over.exists()


@posix
def test_an_install_that_fails_stops_and_is_tried_again(project: Path):
    lock = project / "requirements.lock"
    lock.write_text("nothing @ file:///nowhere/nothing-1-py3-none-any.whl\n", "utf-8")
    try:
        for _ in range(2):
            done = make(project, "run")
            assert done.returncode != 0
            assert "this command failed" in done.stderr
    finally:
        lock.write_text("# nothing\n", "utf-8")
    assert make(project, "run").returncode == 0


@posix
def test_a_shim_that_does_not_start_is_not_a_python(project: Path, tmp_path: Path):
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho 'python3: command not found' >&2\nexit 127\n", "utf-8")
    shim.chmod(0o755)
    (tmp_path / "python3.12").symlink_to(sys.executable)
    for tool in ("dirname", "id"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    bare = tmp_path / "bare"
    shutil.copytree(project / "tools", bare / "tools")
    script = 'import sys; print("found", sys.executable)\n'
    (bare / "tools" / "setup.py").write_text(script, "utf-8")

    found = subprocess.run(
        ["/bin/sh", "tools/setup.sh", "run"],
        cwd=bare,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("found")


@posix
def test_without_any_python_the_set_up_stops_and_says_what_to_do(project: Path, tmp_path: Path):
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "dirname")
    nobody = tmp_path / "id"
    nobody.write_text("#!/bin/sh\necho 1000\n", "utf-8")
    nobody.chmod(0o755)
    bare = tmp_path / "bare"
    shutil.copytree(project / "tools", bare / "tools")
    done = subprocess.run(
        ["/bin/sh", "tools/setup.sh", "run"],
        cwd=bare,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
