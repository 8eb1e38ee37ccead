"""The game: what is hidden, how both are scored, how it ends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gui.session.guessing import SEEN_FIRST, Guessing, Round, bits, stake_is_fair, staked
from gui.session.store import Store
from model.interventions import AblateHead
from model.sampling import Sampling
from tests.gui.desk import PROMPT, Desk


def own(desk: Desk, ids: tuple[int, ...]) -> np.ndarray:
    """The model's distribution after some ids, in float64."""
    logits = desk.lm.logits([list(ids)])[0, -1].double().numpy()
    p = np.exp(logits - logits.max())
    return np.asarray(p / p.sum())


@pytest.fixture
def game(live_store: Store) -> Guessing:
    return live_store.guessing


def test_a_stake_is_a_distribution_over_the_whole_vocabulary() -> None:
    points = {3: 50, 7: 20}
    p = [staked(points, i, 100) for i in range(100)]
    assert sum(p) == pytest.approx(1)
    assert (p[3], p[7], p[0]) == pytest.approx((0.5, 0.2, 0.3 / 98))
    assert sum(staked({}, i, 10) for i in range(10)) == pytest.approx(1), "a blind guess"
    assert bits(0.25) == 2
    assert bits(1.0) == 0
    assert bits(0.0) == math.inf


@pytest.mark.parametrize(
    ("points", "fair"), [({}, True), ({1: 99}, True), ({1: 100}, False), ({1: 60, 2: 40}, False)]
)
def test_something_is_always_left_for_all_other_tokens(points: dict[int, int], fair: bool) -> None:
    assert stake_is_fair(points) == fair


def test_both_are_scored_by_the_token_that_really_comes(
    desk: Desk, live_store: Store, game: Guessing
) -> None:
    read = live_store.read
    assert read is not None
    ids = read.subject.ids
    live_store.set_sampling(Sampling(temperature=0.3, top_k=2))  # which is not how it is scored
    game.begin("prompt")
    assert game.state == "guessing"
    game.reveal({ids[2]: 40, 5: 10})
    p = own(desk, ids[:2])
    (one,) = game.rounds
    assert one.token_id == ids[2] == game.actual
    assert one.person == 0.4
    assert one.model == pytest.approx(p[ids[2]], rel=1e-4)
    assert one.bits == pytest.approx((-math.log2(0.4), -math.log2(p[ids[2]])), rel=1e-4)
    game.go_on()
    game.reveal({5: 10})
    assert game.rounds[1].person == pytest.approx(0.9 / (desk.lm.config.d_vocab - 1))
    assert game.rounds[1].model == pytest.approx(own(desk, ids[:3])[ids[3]], rel=1e-4)


def test_what_is_to_be_guessed_and_what_the_model_thinks_of_it_is_nowhere(
    live_store: Store, game: Guessing
) -> None:
    read = live_store.read
    assert read is not None
    ids, ends = read.subject.ids, [token.char_end for token in read.tokens]
    game.begin("prompt")
    for at in range(2, 5):
        assert game.seen == PROMPT[: ends[at - 1]]
        assert game.actual is None
        # The model in view has not even read the last token that the person sees.
        assert live_store.prompt == PROMPT[: ends[at - 2]]
        assert live_store.subject is not None
        assert live_store.subject.ids == ids[: at - 1]
        game.reveal({})
        assert game.seen == PROMPT[: ends[at]]
        assert live_store.subject is not None
        assert live_store.subject.ids == ids[:at], "now every pane shows what it was asked"
        game.go_on()


def test_a_story_is_guessed_from_its_first_words_to_its_end(
    live_store: Store, game: Guessing
) -> None:
    game.begin("story")
    n = game.left
    assert n > 10
    assert live_store.read is not None
    assert live_store.read.n_tokens == SEEN_FIRST - 1
    seen = game.seen
    states = set()
    for _ in range(n):
        game.reveal({})
        assert game.seen.startswith(seen)
        states.add(game.state)
        if game.left > 1:
            game.go_on()
    assert states == {"revealed", "over"}
    assert len(game.rounds) == n
    game.go_on()
    assert game.left > 10
    assert not game.seen.startswith(seen), "another story"
    assert len(game.rounds) == n, "whose rounds add to those before"


def test_leaving_brings_the_prompt_back(live_store: Store, game: Guessing) -> None:
    game.begin("story")
    game.begin("prompt")
    assert game.seen in PROMPT
    game.reveal({})
    game.stop()
    assert live_store.prompt == PROMPT
    assert game.state == "off"
    assert len(game.rounds) == 1


def test_another_prompt_ends_it(live_store: Store, game: Guessing) -> None:
    game.begin("story")
    live_store.set_prompt("The dog")
    assert game.state == "off"
    assert live_store.prompt == "The dog"


def test_candidates_come_in_no_order_of_likelihood_and_the_round_is_marked(
    desk: Desk, live_store: Store, game: Guessing
) -> None:
    read, model = live_store.read, live_store.model
    assert read is not None
    assert model is not None
    game.begin("prompt")
    game.show_candidates()
    p = own(desk, read.subject.ids[:2])
    assert set(game.candidates) == set(np.argsort(-p)[:8].tolist())
    texts = [model.token_text(i).casefold() for i in game.candidates]
    assert texts == sorted(texts)
    game.reveal({})
    assert game.rounds[0].helped
    game.go_on()
    assert game.candidates == ()
    game.reveal({})
    assert not game.rounds[1].helped


def test_the_model_plays_under_its_interventions(
    desk: Desk, live_store: Store, game: Guessing
) -> None:
    read = live_store.read
    assert read is not None
    ids = read.subject.ids
    cuts = tuple(AblateHead(0, head) for head in range(4))
    live_store.intervene(cuts)
    game.begin("prompt")
    game.reveal({})
    logits = desk.lm.trace(list(ids[:2]), interventions=cuts)["logits"][0, -1].double()
    assert game.rounds[0].model == pytest.approx(float(logits.softmax(-1)[ids[2]]), rel=1e-4)
    assert game.rounds[0].model != pytest.approx(own(desk, ids[:2])[ids[2]], rel=1e-2)


def test_an_unfair_stake_reveals_nothing(game: Guessing) -> None:
    game.begin("prompt")
    game.reveal({3: 100})
    assert game.state == "guessing"
    assert game.rounds == ()


def test_a_text_of_two_tokens_can_not_be_played(live_store: Store, game: Guessing) -> None:
    live_store.set_prompt("The king")
    game.begin("prompt")
    assert game.state == "off"
    assert "three tokens" in game.problem
    assert live_store.prompt == "The king"


def test_a_round_knows_what_it_cost() -> None:
    one = Round(token_id=1, points={1: 50}, person=0.5, model=0.125)
    assert one.bits == (1.0, 3.0)
