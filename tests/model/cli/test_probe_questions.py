"""`python -m model probe NAME` for every question: its options, and all the ways out."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

import model
from model.cli.intervening import interventions, records
from model.cli.question_options import attributes, built, parameters
from model.interventions import (
    AblateHead,
    Intervention,
    PatchActivation,
    RemoveMask,
    ScaleOutput,
    Steer,
    file,
)
from model.language_model import LanguageModel
from model.probe import PROBES, Probe
from model.probe.metric import Metric
from model.probe.question import Question, TokenId
from model.probe.routes.asks import Routes
from model.probe.vectors.asks import Vectors
from model.sampling import Sampling
from tests.model.cli.commands import CliRunner, make_app
from tests.model.conftest import PROMPT

OF_A_RUN = {"weights_moved": "two steps of a training: tests/model/probe/test_weights_moved.py"}
"""Asked of a run alone, and where that is done."""
ASKED = {
    probe.name: probe
    for probe in PROBES
    if probe.question is not None and probe.name not in OF_A_RUN
}
CLEAN = (7, 296, 12, 264, 31)
NEEDED: dict[str, tuple[str, ...]] = {
    "pattern": ("--layer", "1", "--head", "2"),
    "vectors": ("--names", "hook_embed,blocks.1.attn.hook_pattern"),
    "tensors": ("--names", "blocks.0.hook_resid_post"),
    "number": ("--of", "blocks.1.attn.hook_z", "--index", "0,3,1,2"),
    "mosaic": ("--cells", "16"),
    "patch": ("--clean-ids", ",".join(map(str, CLEAN))),
    "facts": ("--about", "queen", "--samples", "2"),
    "cost": ("--longest", "16", "--repeats", "1"),
    "landscape": ("--grid", "3"),
    "neurons": ("--layer", "1"),
    "neuron_map": ("--layer", "1"),
    "neuron_curve": ("--layer", "1", "--neuron", "7"),
    "neuron_texts": ("--layer", "1", "--neuron", "7", "--scan", "500"),
    "scene": ("--of", "blocks.1.attn.hook_q", "--position", "3", "--head", "2"),
    "terms": ("--of", "blocks.1.attn.hook_z", "--index", "0,3,1,2"),
    "tokenized": ("--written", "The queen"),
    "chances": ("--paths", "3,1;3,2;7"),
    "rows": ("--of", "blocks.1.attn.hook_pattern", "--head", "2"),
    "until": ("--condition", "norm", "--position", "-1", "--above", "0.001"),
    "on_key": ("--query", "3", "--key", "1"),
    "edge": ("--layer", "1", "--query", "3", "--key", "1"),
    "why_attends": ("--layer", "1", "--head", "2", "--query", "3", "--key", "1"),
}
"""What has no default."""
TIMED = frozenset(
    {"seconds_median", "seconds_low", "seconds_high", "repeats"}
    | {"seconds_one_by_one", "seconds_at_once"}
)
"""Arrays of times, which are others each time: as many of them, each a number."""


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(scope="module")
def lm(gpt2_folder: Path) -> LanguageModel:
    return model.open(gpt2_folder, device="cpu")


def run(*arguments: object) -> str:
    result = CliRunner().invoke(make_app(), ["probe", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*arguments: object) -> str:
    result = CliRunner().invoke(make_app(), ["probe", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def of(probe: Probe) -> type[Question]:
    assert probe.question is not None
    module, _, name = probe.question.partition(":")
    kind: type[Question] = getattr(import_module(module), name)
    return kind


def asked_by_hand(lm: LanguageModel, name: str) -> Any:
    from model.probe.chances.asks import Chances
    from model.probe.cost.asks import Cost
    from model.probe.edge.asks import Edge
    from model.probe.facts.asks import Facts
    from model.probe.landscape.asks import Landscape
    from model.probe.mosaic.asks import Mosaic
    from model.probe.neurons.asks import Neurons
    from model.probe.neurons.curve.asks import NeuronCurve
    from model.probe.neurons.map.asks import NeuronMap
    from model.probe.neurons.texts.asks import NeuronTexts
    from model.probe.number.asks import Number
    from model.probe.on_key.asks import OnKey
    from model.probe.patch.asks import Patch
    from model.probe.pattern.asks import Pattern
    from model.probe.rows.asks import Rows
    from model.probe.scene.asks import Scene
    from model.probe.tensors.asks import Tensors
    from model.probe.terms.asks import Terms
    from model.probe.tokenized.asks import Tokenized
    from model.probe.until.asks import Until
    from model.probe.why_attends.asks import WhyAttends

    questions: dict[str, Question] = {
        "pattern": Pattern(layer=1, head=2),
        "vectors": Vectors(("hook_embed", "blocks.1.attn.hook_pattern"), position=-1),
        "tensors": Tensors(("blocks.0.hook_resid_post",)),
        "number": Number(of="blocks.1.attn.hook_z", index=(0, 3, 1, 2)),
        "mosaic": Mosaic(cells=16),
        "scene": Scene("blocks.1.attn.hook_q", 3, 2),
        "terms": Terms("blocks.1.attn.hook_z", (0, 3, 1, 2)),
        "routes": Routes(position=None),
        "patch": Patch(clean_ids=CLEAN),
        "facts": Facts(about="queen", samples=2),
        "cost": Cost(longest=16, repeats=1),
        "landscape": Landscape(grid=3),
        "neurons": Neurons(layer=1),
        "neuron_map": NeuronMap(layer=1),
        "neuron_curve": NeuronCurve(layer=1, neuron=7),
        "neuron_texts": NeuronTexts(layer=1, neuron=7, scan=500),
        "tokenized": Tokenized("The queen"),
        "chances": Chances(-1, ((3, 1), (3, 2), (7,))),
        "rows": Rows("blocks.1.attn.hook_pattern", head=2),
        "until": Until("norm", -1, above=0.001),
        "on_key": OnKey(3, 1),
        "edge": Edge(1, 3, 1),
        "why_attends": WhyAttends(1, 2, 3, 1),
    }
    kind = of(ASKED[name])
    position = {"position": -1} if any(f.name == "position" for f in fields(kind)) else {}
    return lm.ask(PROMPT, questions.get(name) or kind(**position))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_lists(array: np.ndarray) -> Any:
    """As JSON has it: null for what isn't finite."""
    listed = array.astype(object)
    if array.dtype.kind == "f":
        listed[~np.isfinite(array)] = None
    return listed.tolist()


@pytest.mark.parametrize("name", ASKED)
def test_every_question_is_answered_as_in_python(name: str, gpt2_folder: Path, lm: LanguageModel):
    said = json.loads(run(name, gpt2_folder, "--text", PROMPT, *NEEDED.get(name, ()), "--json"))
    answer = asked_by_hand(lm, name)
    arrays = answer.arrays()
    assert list(said["arrays"]) == list(arrays)
    assert arrays
    for array_name, named in arrays.items():
        assert said["arrays"][array_name]["axes"] == list(named.axes)
        values = said["arrays"][array_name]["values"]
        if array_name in TIMED:
            assert np.shape(values) == named.values.shape
            assert all(value > 0 for value in np.reshape(values, -1))
        else:
            assert values == as_lists(named.values), array_name
    assert said["ids"] == list(answer.subject.ids)
    assert said["code"] == answer.code()
    printed = run(name, gpt2_folder, "--text", PROMPT, *NEEDED.get(name, ()))
    assert all(array_name in printed for array_name in arrays)
    assert ASKED[name].sentence.split()[0] in run("--help")


@pytest.mark.parametrize("name", ASKED)
def test_every_question_writes_its_tables(
    name: str, gpt2_folder: Path, lm: LanguageModel, tmp_path: Path
):
    arrays = asked_by_hand(lm, name).arrays()
    npz, table = tmp_path / "found.npz", tmp_path / "found.csv"
    for out in (npz, table):
        run(name, gpt2_folder, "--text", PROMPT, *NEEDED.get(name, ()), "--out", out)
    with np.load(npz) as file:
        written = dict(file)
    for array_name, named in arrays.items():
        if array_name in TIMED:
            assert written[array_name].shape == named.values.shape
        else:
            assert np.array_equal(
                written[array_name], named.values, equal_nan=named.values.dtype != int
            )
        for axis, places in named.at.items():
            assert written[f"{array_name}.{axis}"].tolist() == np.asarray(places).tolist()
    rows = rows_of(table)
    for array_name, named in arrays.items():
        column = f"{array_name}_value" if array_name in named.axes else array_name
        cells = [row[column] for row in rows if row[column] != ""]
        if array_name in TIMED:
            assert len(cells) == named.values.size
            continue
        assert cells == [str(value) for value in named.values.reshape(-1).tolist()]
        for axis in named.axes:
            assert axis in rows[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.csv", "found.npz"]


def test_a_long_table_names_the_place_of_every_number(
    gpt2_folder: Path, lm: LanguageModel, tmp_path: Path
):
    out = tmp_path / "pattern.csv"
    run("pattern", gpt2_folder, "--text", PROMPT, *NEEDED["pattern"], "--rows", "2,4", "--out", out)
    rows = rows_of(out)
    pattern_QS = lm.trace(PROMPT)["blocks.1.attn.hook_pattern"][0, 2]
    assert {row["query"] for row in rows} == {"2", "3"}
    for row in rows:
        expected = float(pattern_QS[int(row["query"]), int(row["key"])])
        assert float(row["pattern"]) == pytest.approx(expected, abs=1e-6)


def test_the_network_can_be_changed_first(gpt2_folder: Path, lm: LanguageModel):
    ways = (
        "--intervene",
        "ablate_head layer=0 head=3",
        "--intervene",
        "scale_output layer=1 part=mlp",
    )
    said = json.loads(
        run(
            "next_token",
            gpt2_folder,
            "--text",
            PROMPT,
            "--n",
            4,
            "--temperature",
            0,
            *ways,
            "--json",
        )
    )
    some = (AblateHead(0, 3), ScaleOutput(1, "mlp"))
    logits_V = lm.trace(PROMPT, interventions=some)["logits"][0, -1]
    assert said["arrays"]["id"]["values"] == logits_V.argsort(descending=True)[:4].tolist()
    assert said["arrays"]["probability"]["values"][0] == 1
    assert said["interventions"] == [one.words for one in some]


def test_tokens_stand_beside_their_ids_and_places(gpt2_folder: Path):
    printed = run("routes", gpt2_folder, "--text", PROMPT, "--threshold", 0.0, "--position", -1)
    assert "·queen" in printed or "queen" in printed
    assert "more: --json and --out give all" in printed
    assert len([line for line in printed.splitlines() if "." in line]) < 30


def test_what_can_not_be_asked_is_one_sentence(gpt2_folder: Path, tmp_path: Path):
    at = (gpt2_folder, "--text", PROMPT)
    assert refusal("pattern", *at, "--layer", 7, "--head", 0) == (
        "There is no layer 7; there are 0 to 2.\n"
    )
    assert "--over is heads or max or mean, not 'min'" in refusal("routes", *at, "--over", "min")
    assert "--heads '1' are not 2 values" in refusal("routes", *at, "--heads", "1;2")
    assert "written as 0,3" in refusal("number", *at, "--of", "logits", "--index", "0,x")
    assert "temperature is -1.0" in refusal("next_token", *at, "--temperature", -1)
    assert "is no table" in refusal("writes", *at, "--out", tmp_path / "a.txt")
    assert "no intervention 'cut'" in refusal("writes", *at, "--intervene", "cut layer=1")
    assert "written as layer=0" in refusal("writes", *at, "--intervene", "ablate_head 1")
    assert "Give either --text or --ids" in refusal("writes", gpt2_folder)
    assert "one sequence at a time" in refusal("writes", gpt2_folder, "--ids", "1,2;3,4")
    assert not list(tmp_path.iterdir())


def test_a_token_is_named_by_its_text_or_its_id(gpt2_folder: Path, lm: LanguageModel):
    assert lm.tokenizer is not None
    target = lm.tokenizer.encode(" queen").ids[0]
    at = (gpt2_folder, "--text", PROMPT, "--json")
    by_text = json.loads(run("attribution", *at, "--target", " queen"))
    by_id = json.loads(run("attribution", *at, "--target", target))
    assert by_text["target"] == by_id["target"] == target
    assert by_text["parts"] == by_id["parts"]
    watched = json.loads(run("lens", *at, "--watched", " queen"))["layers"]
    logits_TV = lm.logits(PROMPT)[0]
    ranks = [place["watched_rank"] for place in watched[-1]["positions"]]
    assert ranks == ((logits_TV > logits_TV[:, target, None]).sum(-1) + 1).tolist()
    assert "not one. Give one token" in refusal("attribution", *at, "--target", " queen queen")
    assert "no token 99999" in refusal("lens", *at, "--watched", 99999)


def test_a_metric_names_its_tokens_by_text_or_id(gpt2_folder: Path, lm: LanguageModel):
    """As every token, on the command line and in Python: ``--target " queen" --against 7``."""
    from model.probe.patch.asks import Patch, PatchFound

    assert lm.tokenizer is not None
    (queen,) = lm.tokenizer.encode(" queen", add_special=False).ids
    at = ("patch", gpt2_folder, "--text", PROMPT, *NEEDED["patch"])
    said = json.loads(run(*at, "--target", " queen", "--against", 7, "--layers", "1", "--json"))
    assert (said["target"], said["against"]) == (queen, 7)
    assert said["measure"] == "logit difference"
    found = lm.ask(PROMPT, Patch(clean_ids=CLEAN, metric=Metric(" queen", TokenId(7)), layers=(1,)))
    assert isinstance(found, PatchFound)
    assert said["arrays"]["recovered"]["values"] == found.recovered.tolist()


def test_rows_stand_beside_the_arrays_with_their_tokens(gpt2_folder: Path, lm: LanguageModel):
    at = (gpt2_folder, "--text", PROMPT, "--json")
    layers = json.loads(run("lens", *at))["layers"]
    logits_TV = lm.logits(PROMPT)[0]
    assert [row["after"] for row in layers] == ["embedding", "block 0", "block 1", "block 2"]
    assert [place["id"] for place in layers[-1]["positions"]] == logits_TV.argmax(-1).tolist()
    for place, p_V in zip(layers[-1]["positions"], logits_TV.softmax(-1), strict=True):
        assert place["probability"] == pytest.approx(float(p_V.max()), rel=1e-4)
        assert place["entropy_bits"] == pytest.approx(-float((p_V * p_V.log2()).sum()), rel=1e-4)
        assert lm.tokenizer is not None
        said = place["token"].replace("·", " ")
        assert said.encode() == lm.tokenizer.vocabulary[place["id"]] or not said.isascii()
    why = json.loads(run("attribution", *at, "--by", "head"))
    total = sum(part["value"] for part in why["parts"])
    assert total + why["remainder"] == pytest.approx(why["logit"], abs=1e-9)
    assert abs(why["remainder"]) < 1e-4
    assert why["target"] == int(logits_TV[-1].argmax())
    heads = json.loads(run("heads", gpt2_folder, "--n-random", 8, "--json"))["heads"]
    assert len(heads) == lm.config.n_layers * lm.config.n_heads
    assert {"layer", "head", "previous_token", "duplicate_token", "induction"} <= heads[5].keys()
    assert "Give either --text or --ids" in refusal("lens", gpt2_folder)


def test_what_a_field_says_is_the_options_help(gpt2_folder: Path):
    said = " ".join(run("routes", "--help").replace("│", " ").split())
    assert "the least weight." in said
    assert "of the strongest edges are kept" in said
    assert attributes(Vectors)["names"].startswith("of the activations, full names or aliases;")
    assert attributes(Routes)["threshold"] == "the least weight."


def test_every_intervention_can_be_typed(lm: LanguageModel):
    def typed(words: str) -> Intervention:
        (one,) = interventions(records([words]), lm)
        return one

    assert typed("ablate_head layer=1 head=2 mean=True") == AblateHead(1, 2, mean=True)
    assert typed("scale_output layer=0 part=attn factor=0.5") == ScaleOutput(0, "attn", 0.5)
    assert typed("remove_mask layer=None") == RemoveMask()
    text = "The queen"
    ids = tuple(lm.ids(text)[0].tolist())
    assert typed(f"steer layer=0 plus_text='{text}' factor=2") == Steer(
        0, ids, factor=2.0, plus_text=text
    )
    assert typed("patch_activation name=hook_embed ids=1,2 positions=0,") == PatchActivation(
        "hook_embed", (1, 2), (0,)
    )


def test_a_list_that_the_window_saved_is_done_as_far_as_it_is_on(gpt2_folder: Path, tmp_path: Path):
    path = tmp_path / "my cuts.toml"
    file.write(path, [(AblateHead(0, 3), True), (RemoveMask(), False)])
    asked = ("next_token", gpt2_folder, "--text", PROMPT, "--json")
    said = json.loads(run(*asked, "--intervene", f"'{path}'"))
    assert said["interventions"] == [AblateHead(0, 3).words]
    typed = json.loads(run(*asked, "--intervene", "ablate_head layer=0 head=3"))
    assert said["arrays"] == typed["arrays"]
    assert "No such file" in refusal(*asked[:-1], "--intervene", "gone.toml")
    path.write_text("x = 1")
    assert "lacks version = 1" in refusal(*asked[:-1], "--intervene", f"'{path}'")


HALF = Sampling(temperature=0.5)


@dataclass(frozen=True, slots=True)
class Everything(Question):
    """All that a field may be.

    Attributes:
        position: where.
        one, other: two
            of them.
        how: with which.
        token: a word.
    """

    name: ClassVar[str] = "everything"
    position: int
    one: int
    names: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...] = ((1, 2),)
    window: tuple[int, int] | None = None
    way: Literal["up", "down"] = "up"
    other: float | None = None
    really: bool = False
    how: Sampling = HALF
    token: TokenId | None = None


def test_fields_of_every_type_become_options_and_come_back():
    made = {one.name: one for one in parameters(Everything)}
    assert list(made) == [
        *("position", "one", "names", "pairs", "window", "way", "other", "really"),
        *("temperature", "top_k", "top_p", "min_p", "token"),
    ]
    assert made["position"].default == -1
    assert made["one"].default is made["one"].empty
    assert made["temperature"].default == 0.5, "of the value that stands in the question"
    given = {name: None if p.default is p.empty else p.default for name, p in made.items()}
    given |= {"one": 3, "names": "a, b"}
    assert built(Everything, given, len) == Everything(position=-1, one=3, names=("a", "b"))
    given |= {
        "pairs": "0,1;4,5",
        "window": "2,9",
        "way": "down",
        "other": 0.5,
        "top_k": 4,
        "token": "word",
    }
    found = built(Everything, given, len)
    assert found.token == 4, "by what makes an id of a text"
    assert (found.pairs, found.window, found.way, found.other) == (
        ((0, 1), (4, 5)),
        (2, 9),
        "down",
        0.5,
    )
    assert found.how == Sampling(0.5, top_k=4)
    assert attributes(Everything)["other"] == "two of them."


def test_a_field_of_which_no_option_can_be_made_is_said():
    @dataclass(frozen=True, slots=True)
    class Odd(Question):
        of: frozenset[int]

    Odd.__annotations__["of"] = frozenset[int]
    with pytest.raises(TypeError, match=r"No option can be made of Odd\.of"):
        list(parameters(Odd))


def test_every_question_in_the_house_has_its_line():
    folder = Path(model.__file__).parent / "probe"
    kinds = {of(probe) for probe in ASKED.values()}
    # Both subjects of these are named by a verb of their own, which their sentences say.
    of_two = {probe.name for probe in PROBES if "`model compare`" in probe.sentence}
    assert of_two == {"difference", "routes_difference", "weight_difference"}
    for asks in folder.glob("*/asks.py"):
        if asks.parent.name in of_two or asks.parent.name in OF_A_RUN:
            continue
        module = import_module(f"model.probe.{asks.parent.name}.asks")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Question) and kind is not Question:
                assert kind in kinds or not kind.__module__.startswith("model.probe."), kind
                assert kind.name == asks.parent.name or kind.__module__ != module.__name__
    assert all(is_dataclass(kind) for kind in kinds)
