"""Imports without the source of each module being read.

From the first module of PySide6 on, each import of any module goes through PySide's `__feature__`
(method names in snake case, which nobody asks for here): it reads the module's source through
`inspect`, to see whether the module uses PySide, and `linecache` keeps all lines for good. Seen
with PySide6 6.11: 45 MB after torch was imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def read_no_sources() -> None:
    """From now on no import reads a source; to be called before the first large one.

    To PySide every module is then one that may use it, and has asked for no feature: as is true of
    all that do. Changes nothing where PySide has another way of finding out.
    """
    import_module("PySide6.QtCore")
    try:
        feature: Any = import_module("PySide6.support.feature")
    except ImportError:
        return
    if hasattr(feature, "_mod_uses_pyside"):
        feature._mod_uses_pyside = _may_use_it


def _may_use_it(module: object) -> bool:
    return True
