"""What is imported beside the window is imported, and not read as well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

STARTED = """
import json, linecache, sys, types

import main

# Everything up to the application itself, which needs a screen.
sys.modules["gui.app"] = types.SimpleNamespace(run=lambda options: 0)
main.main(["--pictures", "nowhere"])
import gui.window.main_window
from PySide6.QtCore import QObject

one = QObject()
one.setObjectName("as ever")
kept = [name for name, entry in linecache.cache.items() if len(entry) > 2]
print(json.dumps({"kept": kept, "name": one.objectName()}))
"""


def test_no_source_of_what_is_imported_is_kept():
    ran = subprocess.run(
        [sys.executable, "-c", STARTED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = json.loads(ran.stdout.splitlines()[-1])
    assert not [name for name in told["kept"] if "gui" in Path(name).parts]
    assert told["name"] == "as ever"
