"""What a person left off with comes back; what is gone is told of, and the bundled model opens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gui import settings as settings_file
from gui.program.last_time import FIRST_PROMPT, LastTime
from gui.session.state import Notice
from gui.settings import Settings
from resources import STORY_WORLD
from tests.gui.desk import Desk


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A model of the person's own."""
    return Path(shutil.copytree(STORY_WORLD, tmp_path / "mine"))


def begun(desk: Desk, settings: Settings, *given: str | None) -> tuple[LastTime, list[Notice]]:
    notices: list[Notice] = []
    desk.store.notice_posted.connect(notices.append)
    last = LastTime(desk.store, settings)
    last.begin(*(given or (None, None)))
    while desk.store.opening.going:
        desk.advance()
    return last, notices


def in_view(desk: Desk) -> Path:
    assert desk.store.model is not None
    return Path(desk.store.model.path)


def test_the_first_start_opens_the_bundled_model(desk: Desk) -> None:
    begun(desk, Settings())
    assert in_view(desk) == STORY_WORLD
    assert desk.store.prompt == FIRST_PROMPT


def test_the_last_model_and_prompt_come_back(desk: Desk, copy: Path) -> None:
    settings = Settings()
    last, _ = begun(desk, settings)
    desk.store.opening.open(str(copy))
    while desk.store.opening.going:
        desk.advance()
    assert settings_file.load().last_model == str(copy), "kept at once: it outlives a crash"
    desk.store.set_prompt("The queen lost her")
    last.remember()
    settings_file.save(settings)

    desk.store.opening.open(str(STORY_WORLD))
    while desk.store.opening.going:
        desk.advance()
    again = Settings(last_model=str(copy), last_prompt="The queen lost her")
    _, notices = begun(desk, again)
    assert in_view(desk) == copy
    assert desk.store.prompt == "The queen lost her"
    assert not notices


def test_a_model_that_is_gone_is_told_of_and_the_bundled_one_opens(desk: Desk, copy: Path) -> None:
    shutil.rmtree(copy)
    _, notices = begun(desk, Settings(last_model=str(copy), last_prompt="The king"))
    assert in_view(desk) == STORY_WORLD
    assert desk.store.prompt == "The king"
    (notice,) = notices
    assert str(copy) in notice.message
    assert notice.message.endswith("The bundled model is open instead.")
    assert settings_file.load().last_model == "", "and isn't tried again"


def test_a_model_that_is_no_model_any_more_is_told_of_too(desk: Desk, copy: Path) -> None:
    (copy / "config.json").write_text("{}")
    _, notices = begun(desk, Settings(last_model=str(copy)))
    assert in_view(desk) == STORY_WORLD
    assert len(notices) == 1


def test_a_model_that_ends_the_program_is_tried_once(desk: Desk, copy: Path) -> None:
    settings_file.save(Settings(last_model=str(copy)))
    desk.hold()
    LastTime(desk.store, settings_file.load()).begin(None, None)
    assert settings_file.load().last_model == "", "while it is being opened"
    desk.release()


def test_who_does_not_want_it_begins_anew(desk: Desk, copy: Path) -> None:
    begun(desk, Settings(restore=False, last_model=str(copy), last_prompt="The king"))
    assert in_view(desk) == STORY_WORLD
    assert desk.store.prompt == FIRST_PROMPT


def test_what_the_command_line_says_comes_first(desk: Desk, copy: Path) -> None:
    settings = Settings(last_model="/gone", last_prompt="The king")
    _, notices = begun(desk, settings, str(copy), None)
    assert in_view(desk) == copy
    assert desk.store.prompt == FIRST_PROMPT
    assert not notices


def test_a_cancelled_opening_leaves_no_window_without_a_model(desk: Desk, copy: Path) -> None:
    desk.hold()
    last = LastTime(desk.store, Settings(last_model=str(copy)))
    last.begin(None, None)
    desk.store.opening.cancel()
    desk.held = [request for request in desk.held or [] if type(request).__name__ == "Cancel"]
    desk.release()
    while desk.store.opening.going:
        desk.advance()
    assert in_view(desk) == STORY_WORLD


def test_a_prompt_of_a_book_is_not_remembered(desk: Desk) -> None:
    settings = Settings()
    last, _ = begun(desk, settings)
    desk.store.prompt = "x" * 200_000
    last.remember()
    assert settings.last_prompt == ""
