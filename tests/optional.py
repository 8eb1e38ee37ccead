"""Tests of what optional libraries do, skipped where those are not installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

REASON = "optional library not installed: "


def needs(*names: str) -> pytest.MarkDecorator:
    """The mark of a test that needs libraries, named as they are imported."""
    lacking = [name for name in names if find_spec(name) is None]
    return pytest.mark.skipif(bool(lacking), reason=REASON + ", ".join(lacking))
