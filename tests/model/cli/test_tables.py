"""`neighbours`, `analogy` and `project`, of a model and of a file, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import model
from resources import STORY_WORLD
from tests.model.cli.commands import CliRunner, make_app
from tests.optional import needs


def run(*typed: str) -> dict[str, Any]:
    result = CliRunner().invoke(make_app(), [*typed, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def refused(*typed: str) -> str:
    result = CliRunner().invoke(make_app(), list(typed))
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


@pytest.fixture
def glove(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    words = ["man", "woman", "king", "queen", *(f"w{at}" for at in range(60))]
    rows = random.standard_normal((64, 10))
    rows[3] = rows[2] - rows[0] + rows[1] + 0.1 * random.standard_normal(10)
    path = tmp_path / "glove.txt"
    path.write_text(
        "".join(f"{w} {' '.join(f'{n:.5f}' for n in row)}\n" for w, row in zip(words, rows))
    )
    return path


def test_an_analogy_tells_the_rank_with_and_without_its_inputs(glove: Path) -> None:
    for path in (str(STORY_WORLD), str(glove)):
        found = run("analogy", path, "king", "man", "woman", "--expect", "queen", "--k", "4")
        assert found["answers"][0]["token"].strip("·") == "queen"
        assert [answer["rank"] for answer in found["answers"]] == [1, 2, 3, 4]
        assert found["rank"]["without_inputs"] == 1
        assert found["rank"]["with_inputs"] >= 1
        assert not {i["id"] for i in found["inputs"]} & {a["id"] for a in found["answers"]}
    shown = CliRunner().invoke(
        make_app(), ["analogy", str(glove), "king", "man", "woman", "--expect", "w3"]
    )
    assert "w3 is number" in shown.stdout
    assert "of 64." in shown.stdout


def test_ranks_are_those_of_the_rows(glove: Path) -> None:
    table = np.array([line.split()[1:] for line in glove.read_text().splitlines()], float)
    end = table[2] - table[0] + table[1]
    for metric in ("cosine", "dot", "euclidean"):
        found = run(
            "analogy", str(glove), "king", "man", "woman", "--expect", "w9", "--metric", metric
        )
        values = {
            "cosine": -(table @ end) / np.linalg.norm(table, axis=1),
            "dot": -(table @ end),
            "euclidean": np.linalg.norm(table - end, axis=1),
        }[metric]
        order = np.argsort(values, kind="stable").tolist()
        assert found["rank"]["with_inputs"] == 1 + order.index(13)
        without = [row for row in order if row not in (0, 1, 2)]
        assert found["rank"]["without_inputs"] == 1 + without.index(13)
        assert [answer["id"] for answer in found["answers"]] == without[:10]


def test_neighbours_by_any_metric(glove: Path) -> None:
    found = run("neighbours", str(glove), "king - man + woman = queen", "--metric", "euclidean")
    values = [near["euclidean"] for near in found["neighbours"]]
    assert values == sorted(values)
    assert found["expected"]["rank_without_own"] == 1
    assert found["expected"]["token"] == "queen"


def test_words_of_several_tokens_are_said_to_be_so() -> None:
    said = refused("analogy", str(STORY_WORLD), "king", "man", "unicornish")
    assert "“unicornish” is not one token of this model. It is cut into" in said
    pieces = model.open(STORY_WORLD, device="cpu").tokenizer
    assert pieces is not None
    ids = pieces.encode(" unicornish", add_special=False).ids
    assert f"cut into {len(ids)}: " in said


def test_a_table_is_projected_into_a_file(glove: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.npz"
    found = run("project", str(STORY_WORLD), "--method", "pca", "--axes", "7", "--out", str(out))
    table = model.open(STORY_WORLD, device="cpu").embedding.detach().double().numpy()
    centred = table - table.mean(0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    shares = singular**2 / (singular**2).sum()
    assert np.allclose(found["variance_kept"], shares[:7], atol=1e-6)
    with np.load(out) as file:
        assert file["points"].shape == (len(table), 7)
        assert np.allclose(np.abs(file["points"]), np.abs(centred @ axes[:7].T), atol=1e-4)
        assert np.allclose(centred @ file["axes"].T, file["points"], atol=1e-4)
        assert file["labels"][5]
    arguments = ("--method", "words", "--direction", "woman - man", "--out", str(out))
    run("project", str(glove), *arguments)
    rows = np.array([line.split()[1:] for line in glove.read_text().splitlines()], float)
    way = (rows[1] - rows[0]) / np.linalg.norm(rows[1] - rows[0])
    with np.load(out) as file:
        assert np.allclose(file["points"][:, 0], (rows - rows.mean(0)) @ way, atol=1e-4)
    plane = run(
        "project", str(glove), "--method", "plane", "--sum", "king - man + woman", "--out", str(out)
    )
    assert plane["method"] == "plane"


def test_what_can_not_be_done_is_a_sentence(glove: Path, tmp_path: Path) -> None:
    out = ("--out", str(tmp_path / "o.npz"))
    assert "There is no 'umap2'" in refused("project", str(glove), "--method", "umap2", *out)
    assert "The sum goes on" in refused("project", str(glove), "--method", "plane", *out)
    assert "Type a direction" in refused("project", str(glove), "--method", "words", *out)
    assert "There is no metric" in refused("neighbours", str(glove), "king", "--metric", "angle")
    assert "is not one row of glove.txt" in refused("neighbours", str(glove), "unicorn")
    (tmp_path / "bad.txt").write_text("a 1 2\nb 1\n")
    assert "Line 2 of bad.txt" in refused("neighbours", str(tmp_path / "bad.txt"), "a")


@needs("openTSNE")
def test_a_map_is_made_from_the_command_line(glove: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.npz"
    found = run("project", str(glove), "--method", "tsne", "--seed", "3", "--out", str(out))
    assert found["kept"] is None, "a map keeps no share of variance"
    assert 0 < found["measures"]["neighbours_kept"] <= 1
    points = np.load(out)["points"]
    assert points.shape == (64, 3)
    assert not points[:, 2].any(), "t-SNE lies in a plane"
