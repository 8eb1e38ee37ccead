"""What the stage says is right, is about what is drawn, and is said of this text and no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF, QImage, QPainter
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.stage.all_tokens import Scales
from gui.panes.stage.marks import Grid, Legend, Words
from gui.panes.stage.pane import StagePane
from gui.panes.stage.pieces import Target, pieces
from gui.panes.stage.scenes.kit import Scenery
from gui.panes.stage.telling import number_told
from gui.session.store import Store
from model.interventions import AblateHead
from model.operations import LOGITS, operations
from model.probe.rows.asks import Rows, RowsFound
from model.probe.terms.asks import Factor, Term, Terms, TermsFound
from tests.gui.desk import Desk
from tests.gui.panes.stage.staging import select
from tests.gui.panes.stage.test_stage_pane import go_to, settle, shown
from tests.model.networks import VARIANTS

NARROWEST = 844
"""Width of the stage in a window of 1366 pixels."""


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def scene(pane: StagePane) -> Scenery:
    assert pane._scenery is not None
    return pane._scenery


def legend(pane: StagePane) -> Legend:
    return next(mark for mark in pane.view.marks if isinstance(mark, Legend))


def test_of_all_scores_the_one_of_the_likeliest_token_is_told(
    qtbot: QtBot, live_store: Store
) -> None:
    pane = shown(qtbot, live_store)
    go_to(pane, "unembed")
    scenery = scene(pane)
    out = scenery.found.panel("out")
    assert out is not None
    far = out.values_RC.copy()
    far[0, int(far[0].argmin())] = -900.0  # of a token that is not drawn
    panels = tuple(
        replace(panel, values_RC=far) if panel is out else panel for panel in scenery.found.panels
    )
    told = number_told(replace(scenery, found=replace(scenery.found, panels=panels)), None)
    assert told is not None
    assert told.index[-1] == scenery.found.scored[0].id
    best = scenery.found.scored[0]
    assert f"token {best.id:,} {scenery.model.token_text(best.id)}" in pane.terms.text


def test_a_probability_is_taken_apart_and_leads_to_its_logit(
    qtbot: QtBot, live_store: Store
) -> None:
    pane = shown(qtbot, live_store)
    go_to(pane, "softmax")
    found = scene(pane).found
    best, second = found.scored[:2]
    said = pane.terms.text
    assert said.startswith(f"p = {best.share:.3f}")
    assert f"e to the {best.score:.2f}" in said
    assert f"÷ Σ of {found.n_kept:,}" in said
    assert f"e to the {second.score:.2f}" in said
    total = sum(np.exp(each.score - best.score) for each in found.scored)
    assert best.share == pytest.approx(1 / total, rel=0.1)  # the formula; of the others little
    targets = [target for _, target in pane.terms.links]
    to = Target(LOGITS, (0, pane.store.selection.position, best.id))
    assert to in targets
    pane.follow(to)
    settle(pane)
    assert pane.terms.text.startswith("logits = ")


@pytest.mark.parametrize("family", ["gemma", "llama"])
def test_what_a_norm_multiplies_with_gives_the_number(
    qtbot: QtBot, opened: Callable[..., Store], family: str
) -> None:
    pane = shown(qtbot, opened(family), (1200, 420))
    select(pane, "blocks.1.ln1.hook_normalized")
    value, before, sigma, gain, *_ = pane.terms.text.split(", ")
    if family == "gemma":  # the weight is kept less one
        summand = re.search(r"× \(1 ([+−]) ([\d.]+)\)", gain)
        assert summand is not None
        times = 1 + number(summand[1].replace("+", "") + summand[2])
    else:
        times = number(gain.split()[1])
    made = number(before.split()[0]) / number(sigma.split()[1]) * times
    assert number(value.split(" = ")[1].split()[0]) == pytest.approx(made, abs=0.02)
    assert "RMS of the numbers" in pane.sentence.text()


def test_a_dimension_that_is_not_turned_leads_to_itself(qtbot: QtBot, live_store: Store) -> None:
    pane = shown(qtbot, live_store)
    model, read = pane.store.model, pane.store.read
    assert model is not None
    assert read is not None
    own = Factor("blocks.1.attn.hook_q", (0, 2, 1, 30), -2.7)
    found = TermsFound(
        subject=read.subject,
        question=Terms("blocks.1.attn.hook_rot_q", (0, 2, 1, 30)),
        value=-2.7,
        how="lookup",
        n_terms=1,
        terms=(Term(0, (own,), -2.7),),
    )
    _, piece = pieces(found, model, read)
    assert "row" not in piece.word
    assert piece.to == Target(own.name, own.index)


def test_of_a_mixture_each_neuron_names_its_expert(
    qtbot: QtBot, opened: Callable[..., Store]
) -> None:
    pane = shown(qtbot, opened("mixtral"), (1200, 420))
    go_to(pane, "mlp_out")
    parts = scene(pane).found.panel("parts")
    assert parts is not None
    assert parts.at_rows is not None
    told = {int(each) for each in re.findall(r"expert (\d+) neuron", pane.terms.text)}
    assert told
    assert told <= {int(each) for each in parts.at_rows}
    go_to(pane, "expert_indices")
    asked = pane.terms.text
    assert asked.startswith(f"expert_indices = {int(parts.at_rows[0])} ")
    places = [mark.text for mark in pane.view.marks if isinstance(mark, Words)]
    assert {"1st", "2nd"} <= set(places)


def test_the_only_token_is_said_to_be_alone(qtbot: QtBot, live_store: Store) -> None:
    live_store.set_prompt("The")
    pane = shown(qtbot, live_store)
    go_to(pane, "tokens")
    assert pane.sentence.text().startswith("1 token;")
    for kind in ("dot", "mask", "pattern"):
        go_to(pane, kind)
        assert "is the only token" in pane.sentence.text(), kind
    pane.set_all_tokens(True)
    go_to(pane, "pattern")
    assert "one key to read" in pane.sentence.text()
    assert pane.sheet.matrices[-1].columns == "1 key"


def test_a_query_fits_best_a_key_that_it_may_read(
    qtbot: QtBot, live_store: Store, desk: Desk
) -> None:
    pane = shown(qtbot, live_store)
    read = live_store.read
    assert read is not None
    go_to(pane, "dot")
    op, head = scene(pane).op, live_store.selection.head
    dots = desk.lm.trace(list(read.subject.ids))[op.output][0, head].float().numpy()
    masked_fits_better = 0
    for position in range(read.n_tokens):
        live_store.select(position=position)
        settle(pane)
        said, best = pane.sentence.text(), int(dots[position, : position + 1].argmax())
        masked_fits_better += int(dots[position].argmax()) > position
        key = "its own key" if best == position else f"the key of {scene(pane).told(best)} best"
        assert key in said, (position, said)
    assert masked_fits_better  # and none of these is told of


def test_the_formula_of_a_choice_names_the_expert(
    qtbot: QtBot, opened: Callable[..., Store]
) -> None:
    pane = shown(qtbot, opened("mixtral"), (1200, 420))
    pane.explaining.set_depth("mathematics")
    go_to(pane, "expert_indices")
    chosen = scene(pane).found.panel("parts")
    assert chosen is not None
    assert chosen.at_rows is not None
    assert pane.explaining.formula.lines[1].endswith(f" = {int(chosen.at_rows[0])}")


def test_where_shapes_have_no_room_what_is_written_is_told(
    qtbot: QtBot, opened: Callable[..., Store]
) -> None:
    pane = shown(qtbot, opened("mixtral"), (620, 430))
    pane.explaining.set_depth("mathematics")
    go_to(pane, "mlp_out")
    assert pane.explaining.formula.lines[2].startswith("writes MLP")


def test_an_encoder_guesses_what_stands_there_not_what_comes_after(
    qtbot: QtBot, opened: Callable[..., Store]
) -> None:
    pane = shown(qtbot, opened("bert"))
    go_to(pane, "unembed")
    assert pane.sentence.text().startswith("In the place of ")


def test_a_token_that_the_text_has_twice_is_told_with_its_position(
    qtbot: QtBot, live_store: Store
) -> None:
    live_store.set_prompt("The king and the queen and the king")
    pane = shown(qtbot, live_store)
    go_to(pane, "mix")
    scenery = scene(pane)
    read = pane.store.read
    assert read is not None
    texts = [token.text for token in read.tokens]
    for position, text in enumerate(texts):
        assert (f"({position})" in scenery.told(position)) is (texts.count(text) > 1)
    words = pane.terms.text.partition("; feeds")[0]
    assert re.search(r"·king \d", words)


def test_the_legend_says_where_colours_end(qtbot: QtBot, live_store: Store) -> None:
    pane = shown(qtbot, live_store, (1187, 480))
    for kind, name in (("query", "q"), ("embed", "token"), ("mlp_out", "MLP")):
        go_to(pane, kind)
        limits = [m.limit for m in pane.view.marks if isinstance(m, Grid) and m.panel.role == "out"]
        assert f"{name} ±{limits[-1]:.3g}" in legend(pane).words, kind
        everything = {f"±{m.limit:.3g}" for m in pane.view.marks if isinstance(m, Grid)}
        assert everything <= set(re.findall(r"±[\d.e+-]+", legend(pane).words)), kind


def test_numbers_far_out_are_counted_and_squeeze_no_distribution(
    qtbot: QtBot, live_store: Store
) -> None:
    pane = shown(qtbot, live_store)
    go_to(pane, "norm_scale")
    scenery = scene(pane)
    before = scenery.found.panel("in")
    assert before is not None
    values = before.values_RC.copy()
    values[0, 7], values[0, 9] = 900.0, -700.0
    panels = tuple(
        replace(panel, values_RC=values) if panel is before else panel
        for panel in scenery.found.panels
    )
    pane.view.show_scene(replace(scenery, found=replace(scenery.found, panels=panels)))
    words = [mark.text for mark in pane.view.marks if isinstance(mark, Words)]
    assert "━ its numbers, 2 beyond" in words
    ends = [number(text) for text in words if re.fullmatch(r"[−\d.]+", text) and "." in text]
    assert max(ends) < 50


def test_a_name_in_a_low_row_is_not_cut(qtbot: QtBot) -> None:
    def ink(high: float) -> int:
        picture = QImage(120, 60, QImage.Format.Format_Grayscale8)
        picture.fill(0)
        name = Words("head 8", QRectF(4, 30 - high / 2, 110, high), "text", font=theme.mono(12))
        with QPainter(picture) as painter:
            name.paint(painter)
        return int((np.frombuffer(picture.constBits(), np.uint8) > 40).sum())

    assert ink(4.0) == ink(20.0) > 0


def test_all_tokens_say_what_is_in_view(qtbot: QtBot, live_store: Store) -> None:
    pane = shown(qtbot, live_store)
    live_store.set_prompt("the king lost his crown and the queen lost her crown " * 20)
    pane.set_all_tokens(True)
    select(pane, "blocks.1.attn.hook_pattern")
    bar = pane.sheet.verticalScrollBar()
    said = set()
    for at in (bar.maximum() // 2, bar.maximum() // 2 + 2 * bar.singleStep(), 0):
        bar.setValue(at)
        settle(pane)
        query = re.search(r"\((\d+)\) reads most", pane.sentence.text())
        assert query is not None
        assert int(query[1]) in pane.sheet.seen
        said.add(query[1])
    assert len(said) > 1


def test_one_key_that_all_read_does_not_hide_what_else_is_read(live_store: Store) -> None:
    weights = np.full((12, 400), 0.4 / 399, np.float32)
    weights[:, 0] = 0.6
    weights[:, 50] = 0.04
    read = live_store.read
    assert read is not None
    rows, columns = np.indices(weights.shape)
    found = RowsFound(
        subject=read.subject,
        question=Rows("blocks.0.attn.hook_pattern", 0),
        activation="blocks.0.attn.hook_pattern",
        letters="QS",
        rows=(300, 312),
        n_columns=400,
        block=(1, 1),
        values_RC=weights,
        rows_RC=rows,
        columns_RC=columns,
        masked_RC=np.zeros(weights.shape, bool),
        index=(0, 0, None, None),
    )
    assert Scales().of(found, share=True) == (0.05, True)


def test_what_an_operation_is_for_has_room_in_a_small_window(qtbot: QtBot) -> None:
    title = QFontMetricsF(theme.sans(theme.FONT_SIZE + 2, bold=True))
    words = QFontMetricsF(theme.sans(theme.FONT_SIZE))
    beside = 195  # this token | all tokens, and the margins
    said = {(op.label, op.sentence) for each in VARIANTS.values() for op in operations(each)}
    for label, sentence in said:
        wide = title.horizontalAdvance(label) + words.horizontalAdvance(sentence)
        assert wide + beside <= NARROWEST, (label, sentence)


def test_the_legend_names_the_side_whose_numbers_are_outlines(
    qtbot: QtBot, live_store: Store
) -> None:
    pane = shown(qtbot, live_store, (1187, 480))
    live_store.intervening.add(AblateHead(1, 1))
    live_store.select(head=1)
    live_store.intervening.set_view("after")
    select(pane, "blocks.1.attn.hook_z")
    assert "outlines" not in legend(pane).words
    live_store.intervening.set_view("difference")
    settle(pane)
    assert "outlines and thin strips: before" in legend(pane).words
    select(pane, "blocks.0.attn.hook_z")  # above the cut both sides are the same
    assert "outlines" not in legend(pane).words
