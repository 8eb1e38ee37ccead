"""Thousands of damaged checkpoints: each opens or is refused with a sentence, nothing worse.

They are opened by a process of its own with a limit on its memory (`damage`), which this one
watches: a crash, a hang or memory that grows is seen from outside.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

N_CASES = 2_200
MOST_SECONDS = 2.0
MOST_BYTES = 200 * 2**20
# Each sentence says what to do, by one of these words.
WHAT_TO_DO = re.compile(
    r"\b(add|belongs?|check|choose|close|convert|copy|fits|join|move|needs?|open|put|save|shorten"
    r"|supported|take|wait|write)\b",
    re.IGNORECASE,
)
# The place: a file or folder of the case.
WHERE = re.compile(r"/(case-\d+|whole/|changing)")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is limited and measured as Linux does it"
)


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of every case."""
    place = tmp_path_factory.mktemp("damaged")
    command = [sys.executable, "-m", "tests.model.checkpoint.damage", str(place), "7", str(N_CASES)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    trying = [line["trying"] for line in lines if "trying" in line]
    assert done.returncode == 0, (done.returncode, trying[-1:], done.stderr[-2000:])
    return [line for line in lines if "what" in line]


def test_what_is_whole_opens(attempts: list[dict[str, Any]]):
    whole = [a for a in attempts if a["what"].endswith(": whole")]
    assert len(whole) >= 10
    assert [a for a in whole if a["refused"] or a["error"]] == []


def test_thousands_were_damaged_in_many_ways_and_most_refused(attempts: list[dict[str, Any]]):
    damaged = [a for a in attempts if "whole" not in a["what"] and "preview" not in a["what"]]
    assert len(damaged) == N_CASES
    ways = Counter(a["what"].split(": ")[2] for a in damaged)
    assert len(ways) == 16
    # Many a flipped bit only changes a weight: such files open.
    assert N_CASES // 2 < sum(a["refused"] is not None for a in damaged) < N_CASES


def test_nothing_but_a_refusal_was_raised(attempts: list[dict[str, Any]]):
    assert [(a["what"], a["error"]) for a in attempts if a["error"]] == []


def test_none_took_long(attempts: list[dict[str, Any]]):
    slowest = max(attempts, key=lambda a: a["seconds"])
    assert slowest["seconds"] < MOST_SECONDS, slowest


def test_none_took_memory(attempts: list[dict[str, Any]]):
    largest = max(attempts, key=lambda a: a["bytes"])
    assert largest["bytes"] < MOST_BYTES, largest


def test_every_sentence_says_where_and_what_to_do(attempts: list[dict[str, Any]]):
    for attempt in attempts:
        message = attempt["refused"]
        if message is None:
            continue
        assert WHERE.search(message), attempt
        assert WHAT_TO_DO.search(message), attempt
        assert message.endswith("."), attempt
        assert "\n" not in message, attempt
        assert len(message) < 900, attempt


def test_files_that_change_while_they_are_read_are_refused(attempts: list[dict[str, Any]]):
    changed = [a for a in attempts if a["what"].endswith("changed while read")]
    assert len(changed) == 36
    for attempt in changed:
        assert attempt["refused"] is not None, attempt
        assert "changed while it was read" in attempt["refused"] or (
            "ends before all of its contents" in attempt["refused"]
        ), attempt
