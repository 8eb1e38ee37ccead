"""One dialog opens what people have: it looks before, says why not, shows progress, cancels."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QRadioButton, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from gui import theme
from gui.opening.folder_listing import entries
from gui.opening.open_dialog import OpenDialog
from gui.opening.preview_card import MemoryBar, PartsBar, PreviewCard
from gui.opening.words import expanded, short_name
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.widgets.parts import part_color
from gui.window.status_bar import StatusBar
from model import messages as m
from model.checkpoint import open_checkpoint
from model.hub import fetching
from model.lora.adapter import Adapter, LoraConfig
from model.lora.files import save_adapter
from model.preview import Preview
from resources import STORY_WORLD
from tests.gui.desk import Desk
from tests.gui.pixels import pixels
from tests.model.hub.hub_server import Hub, serving


@pytest.fixture
def settings() -> Settings:
    return Settings()


def opened(store: Store, settings: Settings, qtbot: QtBot) -> OpenDialog:
    dialog = OpenDialog(store, settings)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # qtbot deletes it
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.open()
    return dialog


@pytest.fixture
def dialog(live_store: Store, settings: Settings, qtbot: QtBot) -> Iterator[OpenDialog]:
    dialog = opened(live_store, settings, qtbot)
    yield dialog
    if isValid(dialog):
        dialog.close()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORY_WORLD, tmp_path / "my model"))


class Held(Store):
    """A store whose worker never answers: what the test answers is all there is."""

    def __init__(self) -> None:
        self.sent: list[m.Request] = []
        super().__init__(self.sent.append)

    def last(self, kind: type[m.Request]) -> m.Request:
        return next(request for request in reversed(self.sent) if isinstance(request, kind))


GPT2 = Preview(
    path="/models/gpt2",
    format="safetensors",
    family="gpt2",
    title="GPT-2",
    n_params=124_439_808,
    parts={"embedding": 39_383_808, "attention": 28_348_416, "mlp": 56_669_184, "norm": 38_400},
    n_layers=12,
    n_heads=12,
    n_kv_heads=12,
    d_model=768,
    n_ctx=1024,
    d_vocab=50257,
    tokenizer="byte-level BPE",
    dtypes=("float32",),
    stored="float32",
    file_bytes=497_774_208,
    needed={"float32": 565_000_000, "bfloat16": 316_000_000, "float16": 316_000_000},
    free_bytes=400_000_000,
    dtype="bfloat16",
)


def test_typing_a_path_shows_what_lies_there_before_it_is_opened(
    dialog: OpenDialog, live_store: Store, copy: Path, qtbot: QtBot
) -> None:
    before = live_store.model
    qtbot.keyClicks(dialog.field, str(copy))
    qtbot.waitUntil(lambda: str(copy) in live_store.opening.previews)
    card = dialog.card
    assert live_store.model is before
    assert before is not None
    assert card.title.text() == "GPT-2  ·  1.14M"
    texts = {name: text.text() for name, text in card._values.items()}
    assert texts["Size"] == f"{before.n_params:,} parameters"
    assert texts["Shape"] == "4 layers × 4 heads  ·  d_model 128"
    assert texts["Vocabulary"] == "1,280 tokens  ·  context 128"
    assert texts["Tokenizer"] == "byte-level BPE"
    assert texts["Stored as"] == "float32"
    assert dialog.open_button.isEnabled()


def test_enter_opens_it_and_the_dialog_closes(
    dialog: OpenDialog, live_store: Store, copy: Path, qtbot: QtBot
) -> None:
    dialog.choose(str(copy))
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert live_store.model is not None
    assert live_store.model.path == str(copy)
    qtbot.waitUntil(lambda: not isValid(dialog) or not dialog.isVisible())


def test_an_adapter_whose_base_is_not_found_opens_on_the_one_that_is_chosen(
    dialog: OpenDialog, live_store: Store, copy: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    checkpoint = open_checkpoint(copy)
    adapter = Adapter.new("gpt2", checkpoint.transformer.config, LoraConfig(rank=2))
    folder = save_adapter(tmp_path / "adapter", adapter, "somebody/gone")
    dialog.choose(str(copy))
    assert dialog.base_button.isHidden()
    dialog.choose(str(folder))
    assert "somebody/gone, that is not in it" in dialog.card.problem.text()
    assert not dialog.open_button.isEnabled()
    assert not dialog.base_button.isHidden()
    dialog.choose_base(str(copy))
    assert dialog.base_button.isHidden()
    dialog.open_chosen()
    model = live_store.model
    assert model is not None
    assert model.place == f"{folder} + {copy}"
    assert f"The adapter in {folder} is merged into {copy}." in model.notes


def test_the_precision_that_was_chosen_is_the_models(
    dialog: OpenDialog, live_store: Store, copy: Path
) -> None:
    dialog.choose(str(copy))
    dialog.card.memory.choose("bfloat16")
    dialog.open_chosen()
    assert live_store.model is not None
    assert live_store.model.dtype == "bfloat16"


def test_as_stored_is_the_choice_at_first(dialog: OpenDialog, copy: Path) -> None:
    dialog.choose(str(copy))
    assert dialog.card.dtype is None


@pytest.mark.parametrize("where", ["nothing", "empty", "broken"])
def test_what_can_not_be_opened_is_a_sentence_in_the_dialog(
    dialog: OpenDialog, desk: Desk, live_store: Store, tmp_path: Path, where: str
) -> None:
    before = live_store.model
    path = tmp_path / where
    if where != "nothing":
        path.mkdir()
    if where == "broken":
        (path / "config.json").write_text("{no json")
    dialog.choose(str(path))
    assert dialog.card.problem.isVisible()
    assert where in dialog.card.problem.text()
    assert not dialog.open_button.isEnabled()
    dialog.open_chosen()
    assert live_store.model is before
    assert dialog.isVisible()
    assert not any(isinstance(result, m.Failed) for result in desk.results)  # nobody tried


def test_an_opening_that_fails_says_so_and_can_be_tried_again(
    dialog: OpenDialog, live_store: Store, copy: Path
) -> None:
    before = live_store.model
    dialog.choose(str(copy))
    (copy / "model.safetensors").write_bytes(b"cut")
    dialog.open_chosen()
    assert live_store.model is before
    assert dialog.isVisible()
    assert dialog.card.problem.isVisible()
    assert "model.safetensors" in dialog.card.problem.text()
    assert not dialog.progress.isVisible()
    assert dialog.open_button.isEnabled()


def test_recent_models_have_their_line_and_one_that_is_gone_says_so(
    live_store: Store, settings: Settings, copy: Path, qtbot: QtBot
) -> None:
    gone = str(copy / "runs" / "minute")
    settings.recent = [str(copy), gone]
    dialog = opened(live_store, settings, qtbot)
    lines = [dialog.recent.item(row).toolTip() for row in range(2)]
    assert "GPT-2 · 1.14M · 4 layers × 4 heads · byte-level BPE · float32" in lines[0]
    assert f"{gone} is no longer there" in lines[1]
    assert settings.recent_lines[str(copy)].startswith("GPT-2 · 1.14M")
    dialog.recent.setCurrentRow(0)
    assert dialog.path == str(copy)
    assert dialog.open_button.isEnabled()
    dialog.recent.setCurrentRow(1)
    assert not dialog.open_button.isEnabled()
    # On the screen: two lines of text in each row.
    rgb = pixels(dialog.recent.viewport())
    box = dialog.recent.visualItemRect(dialog.recent.item(0))
    for top, bottom in ((4, 22), (24, 42)):
        part = rgb[box.top() + top : box.top() + bottom, 8:200].astype(int)
        assert np.ptp(part.sum(axis=-1)) > 150
    dialog.close()


def test_who_has_opened_nothing_yet_is_offered_the_model_that_comes_along(
    live_store: Store, settings: Settings, qtbot: QtBot
) -> None:
    dialog = opened(live_store, settings, qtbot)
    assert dialog._recent_title.text() == "To begin with"
    assert dialog.recent.count() == 1
    assert "comes with the program · GPT-2 · 1.14M" in dialog.recent.item(0).toolTip()
    assert settings.recent_lines == {}
    dialog.recent.setCurrentRow(0)
    assert dialog.path == str(STORY_WORLD)
    assert dialog.open_button.isEnabled()
    assert dialog.open_button.property("primary")
    dialog.close()
    settings.recent = [str(STORY_WORLD)]
    dialog = opened(live_store, settings, qtbot)
    assert dialog._recent_title.text() == "Recent"
    assert dialog.recent.count() == 1, "once"
    dialog.close()


def test_what_was_opened_before_by_a_relative_path_is_never_a_name_on_a_hub(
    live_store: Store,
    settings: Settings,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(STORY_WORLD, tmp_path / "runs" / "minute")
    dialog = opened(live_store, settings, qtbot)
    dialog.choose("runs/minute")
    assert dialog.open_button.isEnabled()
    shutil.rmtree(tmp_path / "runs")
    dialog.open_chosen()  # it went between the look and the click
    assert dialog.card.problem.text().startswith(f"{tmp_path}/runs/minute does not exist")
    settings.remember(str(tmp_path / "runs" / "minute"))
    dialog.choose("runs/minute")  # and typed again, later
    assert "no longer there" in dialog.card.problem.text()
    assert not dialog.open_button.isEnabled()
    dialog.close()


def test_a_double_click_on_a_recent_one_opens_it(
    live_store: Store, settings: Settings, copy: Path, qtbot: QtBot
) -> None:
    settings.recent = [str(copy)]
    dialog = opened(live_store, settings, qtbot)
    dialog.recent.itemActivated.emit(dialog.recent.item(0))
    assert live_store.model is not None
    assert live_store.model.path == str(copy)


def test_what_is_there_completes_what_is_typed(
    dialog: OpenDialog, copy: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "more.gguf").write_bytes(b"")
    (tmp_path / ".hidden").write_bytes(b"")
    assert entries(f"{tmp_path}{os.sep}") == [f"{copy}{os.sep}", f"{tmp_path / 'more.gguf'}"]
    assert entries(str(tmp_path / "none") + os.sep) == []
    popup = dialog.field.offer.popup()
    assert popup is not None
    dialog.activateWindow()
    qtbot.waitUntil(dialog.field.hasFocus)
    with qtbot.waitSignal(dialog.field.listing.listed):
        qtbot.keyClicks(dialog.field, f"{tmp_path}{os.sep}m")
    assert popup.isVisible()
    beside = dialog.card.mapToGlobal(QPoint(0, 0)).x()
    assert popup.geometry().left() >= beside - 2, "what was opened before is not covered"
    qtbot.keyClick(dialog.field, Qt.Key.Key_O)
    assert dialog.field.offer.completionCount() == 1
    qtbot.keyClicks(dialog.field, "re.gguf")
    assert not popup.isVisible(), "the path is whole"
    qtbot.keyClick(dialog.field, Qt.Key.Key_Backspace)
    assert popup.isVisible(), "it no longer is"
    dialog.choose(str(copy))
    assert not popup.isVisible(), "chosen, not typed"


def test_what_is_offered_is_taken_by_return_and_a_model_ends_the_offer(
    dialog: OpenDialog, copy: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    popup = dialog.field.offer.popup()
    assert popup is not None
    dialog.activateWindow()
    qtbot.waitUntil(dialog.field.hasFocus)
    with qtbot.waitSignal(dialog.field.listing.listed):
        qtbot.keyClicks(dialog.field, f"{tmp_path}{os.sep}")
    qtbot.keyClick(popup, Qt.Key.Key_Down)
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert dialog.field.text() == f"{copy}{os.sep}"
    assert dialog.isVisible(), "nothing was opened yet"
    qtbot.waitUntil(lambda: "GPT-2" in dialog.card.title.text())
    assert not popup.isVisible()


def test_a_home_and_a_url_are_paths_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert expanded(" ~/models ") == "/home/ada/models"
    assert expanded("file:///models/gpt2") == "/models/gpt2"
    assert expanded("openai-community/gpt2") == "openai-community/gpt2"


# ---------------------------------------------------------------------- progress, cancel


@pytest.fixture
def held(qtbot: QtBot) -> Held:
    return Held()


def progressed(store: Held, done: int, total: int) -> None:
    request = store.last(m.OpenModel)
    store.receive(
        m.OpeningProgressed(
            request_id=request.id, done_bytes=done, total_bytes=total, what="reading gpt2"
        )
    )


def test_progress_of_a_large_model_is_shown_here_and_in_the_status_bar(
    held: Held, settings: Settings, qtbot: QtBot
) -> None:
    bar = StatusBar(held)
    qtbot.addWidget(bar)
    dialog = opened(held, settings, qtbot)
    dialog.choose("/models/large")
    dialog.open_chosen()
    assert dialog.progress.isVisible()
    # More bytes than 32 bits count.
    progressed(held, 9_000_000_000, 36_000_000_000)
    assert dialog.progress.value() == 250
    assert dialog.status.text() == "reading gpt2: 9 GB of 36 GB"
    qtbot.waitUntil(lambda: bar._progress.value() == 250)
    assert "reading gpt2: 9 GB of 36 GB" in bar.activity.text
    assert not bar.cancel_button.isHidden()
    assert not dialog.open_button.isEnabled()
    dialog.close()


def test_cancel_stops_the_opening_and_leaves_the_dialog_open(
    held: Held, settings: Settings, qtbot: QtBot
) -> None:
    dialog = opened(held, settings, qtbot)
    dialog.choose("/models/large")
    dialog.open_chosen()
    progressed(held, 1, 10)
    qtbot.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    request = held.last(m.OpenModel)
    cancel = held.last(m.Cancel)
    assert isinstance(cancel, m.Cancel)
    assert cancel.target == request.id
    held.receive(m.Cancelled(request_id=request.id))
    assert dialog.isVisible()
    assert not dialog.progress.isVisible()
    assert not held.opening.going
    assert dialog.open_button.isEnabled()
    qtbot.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not isValid(dialog) or not dialog.isVisible())


def test_a_real_opening_is_cancelled_between_two_slices(
    desk: Desk,
    live_store: Store,
    settings: Settings,
    copy: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from model.engine import opening as opening_work

    monkeypatch.setattr(opening_work, "AT_ONCE_BYTES", 0)
    before = live_store.model
    dialog = opened(live_store, settings, qtbot)
    dialog.choose(str(copy))
    dialog.open_chosen()
    assert live_store.opening.going
    assert dialog.progress.isVisible()
    qtbot.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    while desk.engine.busy:
        desk.advance()
    assert not live_store.opening.going
    assert live_store.model is before
    dialog.open_chosen()
    while desk.engine.busy:
        desk.advance()
    assert live_store.model is not None
    assert live_store.model.path == str(copy)


# ------------------------------------------------------------------------ names on a hub

NAME = "ada/story-world"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    import huggingface_hub
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(cache), raising=False)
    with serving(Hub()) as served:
        served.add(NAME, STORY_WORLD)
        here = partial(fetching, endpoint=served.endpoint, cache=cache)
        monkeypatch.setattr("model.hub.fetching", here)
        yield served
    huggingface_hub.close_session()


def test_a_name_on_a_hub_is_fetched_with_progress_cancelled_and_gone_on_with(
    hub: Hub, desk: Desk, live_store: Store, settings: Settings, qtbot: QtBot
) -> None:
    before = live_store.model
    hub.stall_after = 200_000
    dialog = opened(live_store, settings, qtbot)
    dialog.choose(NAME)
    assert hub.asked == []  # nothing goes over the network while a name is typed
    assert dialog.card.title.text() == NAME
    assert dialog.open_button.isEnabled()
    dialog.open_chosen()

    def stalled() -> bool:
        desk.advance()
        progress = live_store.opening.progress
        return progress is not None and progress.done_bytes >= 200_000

    qtbot.waitUntil(stalled, timeout=20_000)
    assert "fetching model.safetensors" in dialog.status.text()
    assert dialog.progress.value() > 0
    qtbot.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    assert not live_store.opening.going
    assert live_store.model is before
    hub.stall_after = None
    hub.resume.set()
    dialog.open_chosen()

    def there() -> bool:
        desk.advance()
        return live_store.model is not before

    qtbot.waitUntil(there, timeout=20_000)
    assert live_store.model is not None
    assert live_store.model.name == NAME
    live_store.opening.preview(NAME)
    assert live_store.opening.previews[NAME].line.startswith("GPT-2 · 1.14M")


def test_a_name_that_the_hub_does_not_have_is_a_sentence(
    hub: Hub, desk: Desk, live_store: Store, settings: Settings, qtbot: QtBot
) -> None:
    dialog = opened(live_store, settings, qtbot)
    dialog.choose("ada/nothing")
    dialog.open_chosen()

    def refused() -> bool:
        desk.advance()
        return not live_store.opening.going

    qtbot.waitUntil(refused, timeout=20_000)
    assert dialog.isVisible()
    assert "ada/nothing" in dialog.card.problem.text()


# ------------------------------------------------------------------------------- preview


@pytest.fixture
def card(qtbot: QtBot) -> PreviewCard:
    card = PreviewCard()
    qtbot.addWidget(card)
    card.resize(520, 420)
    card.show()
    card.show_preview(GPT2)
    return card


def radios(card: PreviewCard) -> dict[str, QRadioButton]:
    return {
        button.text(): button
        for button in card.memory.findChildren(QRadioButton)
        if not button.isHidden()
    }


def test_a_precision_that_does_not_fit_can_not_be_chosen(card: PreviewCard) -> None:
    found = radios(card)
    assert list(found) == ["float32, as stored", "bfloat16", "float16"], "each once"
    assert not found["float32, as stored"].isEnabled()
    assert found["bfloat16"].isChecked()
    assert card.dtype is None, "what is proposed is chosen by the opening, which says why"
    assert "400 MB are free" in card.memory._head.text()
    card.show_preview(replace(GPT2, free_bytes=10**12, dtype="float32"))
    assert radios(card)["float32, as stored"].isChecked()
    assert "no digit is lost" in radios(card)["float32, as stored"].toolTip()
    assert card.dtype is None


def test_a_quantized_file_is_not_said_to_be_stored_as_it_is_opened(card: PreviewCard) -> None:
    card.show_preview(replace(GPT2, free_bytes=10**12, dtypes=("Q4_1", "float32"), dtype="float32"))
    assert list(radios(card)) == ["float32, unpacked", "bfloat16", "float16"]


def test_a_precision_that_a_person_chose_is_asked_for_be_it_the_proposed_one(
    card: PreviewCard,
) -> None:
    slow = replace(GPT2, free_bytes=10**12, dtypes=("bfloat16",), stored="bfloat16")
    card.show_preview(replace(slow, dtype="float32"))  # the processor is slow at the file's own
    found = radios(card)
    assert found["float32"].isChecked()
    assert card.dtype is None
    found["bfloat16, as stored"].click()
    assert card.dtype == "bfloat16"
    found["float32"].click()
    assert card.dtype == "float32"


def test_a_file_in_no_precision_that_can_be_chosen_has_a_row_of_its_own(card: PreviewCard) -> None:
    card.show_preview(replace(GPT2, free_bytes=10**12, stored="float64", dtype="float32"))
    assert list(radios(card)) == ["as stored, or what fits", "float32", "bfloat16", "float16"]
    assert card.dtype is None
    radios(card)["float32"].click()
    assert card.dtype == "float32"


def test_bars_of_memory_are_in_proportion(card: PreviewCard) -> None:
    bars = [bar for bar in card.memory.findChildren(MemoryBar) if not bar.isHidden()]
    full, half, _ = bars
    assert half.needed / full.needed == pytest.approx(316 / 565)
    assert full.free / full.needed == pytest.approx(400 / 565)
    rgb = pixels(half)[7]
    accent = theme.current().color("accent")
    lit = (rgb == [accent.red(), accent.green(), accent.blue()]).all(axis=-1).sum()
    assert lit == pytest.approx((half.width() - 2) * half.needed, abs=1.5)


def test_shares_of_parts_are_in_proportion_on_the_screen(card: PreviewCard) -> None:
    bar = card.bar
    assert isinstance(bar, PartsBar)
    spans = dict(bar.spans())
    assert spans["mlp"].width() / bar.width() == pytest.approx(0.4554, abs=1e-3)
    row = pixels(bar)[2]
    fill = part_color("mlp")
    lit = (row == [fill.red(), fill.green(), fill.blue()]).all(axis=-1).sum()
    assert lit == pytest.approx(spans["mlp"].width(), abs=2)
    assert "mlp 45.5%: 56,669,184" in bar.toolTip()


def test_what_is_not_known_is_left_out(card: PreviewCard) -> None:
    card.show_preview(Preview(path="/x", family="zamba", problem="zamba is not known here."))
    assert card.problem.text() == "zamba is not known here."
    assert not card.facts.isVisible()
    assert not card.memory.isVisible()
    assert not card.bar.isVisible()
    card.show_message("Looking …")
    assert card.problem.text() == "Looking …"
    assert not card.title.isVisible()


def test_settings_keep_the_lines_of_recent_models_only() -> None:
    settings = Settings()
    settings.recent_lines = {"/old": "x", "/new": "GPT-2"}
    settings.remember("/new")
    assert settings.recent_lines == {"/new": "GPT-2"}
    settings.forget("/new")
    assert settings.recent == []
    assert json.dumps(settings.recent_lines) == "{}"


# --------------------------------------------------------------------- who says what, and where


def test_a_refusal_is_said_in_the_dialog_alone_and_stays_with_what_was_typed(
    live_store: Store, settings: Settings, copy: Path, qtbot: QtBot
) -> None:
    settings.recent = [str(STORY_WORLD)]
    notices: list[Notice] = []
    live_store.notice_posted.connect(notices.append)
    dialog = opened(live_store, settings, qtbot)
    dialog.choose(str(copy))
    (copy / "model.safetensors").write_bytes(b"cut")
    dialog.open_chosen()
    qtbot.wait(50)
    assert "model.safetensors" in dialog.card.problem.text()
    assert not notices
    # The list had the focus for a moment; that chooses nothing.
    assert dialog.path == str(copy)
    assert dialog.recent.selectedItems() == []
    assert dialog._details_button.isVisible()
    dialog.close()
    live_store.opening.open(str(copy))  # from a menu, or dropped: nobody else says it
    assert [notice.level for notice in notices] == ["error"]


def test_passing_through_the_list_with_tab_chooses_nothing_and_an_arrow_the_first(
    live_store: Store, settings: Settings, copy: Path, qtbot: QtBot
) -> None:
    settings.recent = [str(copy), str(STORY_WORLD)]
    dialog = opened(live_store, settings, qtbot)
    dialog.field.setText("typed")
    dialog.recent.setFocus(Qt.FocusReason.TabFocusReason)
    assert dialog.path == "typed"
    qtbot.keyClick(dialog.recent, Qt.Key.Key_Down)
    assert dialog.path == str(copy)
    dialog.field.setText("something else")
    assert dialog.recent.selectedItems() == []
    dialog.close()


def test_escape_stops_the_opening_first(held: Held, settings: Settings, qtbot: QtBot) -> None:
    dialog = opened(held, settings, qtbot)
    dialog.choose("/models/large")
    dialog.open_chosen()
    request = held.last(m.OpenModel)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    cancel = held.last(m.Cancel)
    assert isinstance(cancel, m.Cancel)
    assert cancel.target == request.id
    assert dialog.isVisible()
    held.receive(m.Cancelled(request_id=request.id))
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not isValid(dialog) or not dialog.isVisible())


def test_closing_the_dialog_ends_the_opening_that_nobody_would_see(
    held: Held, settings: Settings, qtbot: QtBot
) -> None:
    dialog = opened(held, settings, qtbot)
    dialog.choose("/models/large")
    dialog.open_chosen()
    request = held.last(m.OpenModel)
    dialog.close()
    cancel = held.last(m.Cancel)
    assert isinstance(cancel, m.Cancel)
    assert cancel.target == request.id
    assert not dialog.isVisible()


def test_while_it_opens_the_keys_go_to_cancel_and_then_back_to_the_path(
    held: Held, settings: Settings, qtbot: QtBot
) -> None:
    dialog = opened(held, settings, qtbot)
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    dialog.choose("/models/large")
    dialog.open_chosen()
    assert dialog.focusWidget() is dialog.cancel_button
    qtbot.keyClick(dialog.cancel_button, Qt.Key.Key_Space)
    held.receive(m.Cancelled(request_id=held.last(m.OpenModel).id))
    assert dialog.focusWidget() is dialog.field


def test_tab_reaches_what_is_known_of_a_model_and_its_precisions_before_the_buttons(
    dialog: OpenDialog, copy: Path, qtbot: QtBot
) -> None:
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    for path in (STORY_WORLD, copy):  # the choices are made anew for each
        dialog.choose(str(path))
    dialog.field.setFocus()
    reached: list[QWidget] = []
    at: QWidget = dialog.field
    while at not in reached:  # once around
        reached.append(at)
        qtbot.keyClick(at, Qt.Key.Key_Tab)
        at = dialog.focusWidget() or dialog
    [choice] = [widget for widget in reached if widget in dialog.card.memory.choices]
    order = [dialog._scroll, choice, dialog.cancel_button, dialog.open_button]
    assert [reached.index(widget) for widget in order] == sorted(map(reached.index, order))


def test_a_refusal_is_scrolled_to(held: Held, settings: Settings, qtbot: QtBot) -> None:
    dialog = opened(held, settings, qtbot)
    dialog.resize(dialog.width(), dialog.minimumSizeHint().height())
    dialog.choose(GPT2.path)
    held.receive(
        m.ModelPreviewed(request_id=held.last(m.PreviewModel).id, preview=replace(GPT2, notes=()))
    )
    bar = dialog._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > dialog._scroll.height())
    bar.setValue(bar.maximum())
    dialog.open_chosen()
    request = held.last(m.OpenModel)
    held.receive(m.Failed(request_id=request.id, request=request, message="It is damaged."))
    qtbot.wait(20)
    seen = dialog.card.problem.visibleRegion().boundingRect()
    assert seen.height() >= dialog.card.problem.height() - 1
    dialog.close()


def test_a_file_dropped_on_the_dialog_is_looked_at(dialog: OpenDialog, copy: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(copy))])
    drop = QDropEvent(
        QPointF(20, 20),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    dialog.dropEvent(drop)
    assert dialog.path == str(copy)
    assert dialog.card.title.text() == "GPT-2  ·  1.14M"


def test_copied_paths_lose_their_quotes_and_escapes() -> None:
    assert expanded('"/models/my gpt2"') == "/models/my gpt2"
    assert expanded("'/models/gpt2' ") == "/models/gpt2"
    assert expanded("file:///models/my%20gpt2") == "/models/my gpt2"


def test_a_file_that_is_called_as_all_are_goes_by_its_folder() -> None:
    assert short_name("/runs/out-shakespeare/ckpt.pt") == "out-shakespeare"
    assert short_name("/models/gpt2/model.safetensors") == "gpt2"
    assert short_name("/models/big/model-00001-of-00002.safetensors") == "big"
    assert short_name("/models/llama.gguf") == "llama.gguf"
    assert short_name("/models/model") == "model"
