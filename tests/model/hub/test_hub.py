"""A model by its name on a hub: fetched once, gone on with, explained when it can't be."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from model import messages as m
from model.checkpoint import open_checkpoint, save_checkpoint
from model.engine import Engine
from model.hub import FetchProgress, HubError, fetching, is_hub_name
from model.hub import fetch as hub_module
from model.slices import finish
from tests.model.hub.hub_server import COMMIT, Hub, serving

NAME = "somebody/small-gpt2"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_module, "RETRY_SECONDS", 0.02)
    with serving(Hub()) as served:
        yield served
    huggingface_hub.close_session()


@pytest.fixture
def published(hub: Hub, gpt2_folder: Path) -> Hub:
    hub.add(NAME, gpt2_folder)
    hub.repos[NAME] |= {"README.md": b"# small", "modeling_evil.py": b"raise SystemExit"}
    return hub


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fetch(hub: Hub, cache: Path, name: str = NAME) -> tuple[Path, list[FetchProgress]]:
    seen: list[FetchProgress] = []
    return finish(fetching(name, hub.endpoint, cache), seen.append), seen


def refusal(hub: Hub, cache: Path, name: str = NAME) -> str:
    with pytest.raises(HubError) as caught:
        fetch(hub, cache, name)
    return str(caught.value)


def until(
    steps: Generator[FetchProgress, None, Path], enough: Callable[[FetchProgress], bool]
) -> None:
    deadline = time.monotonic() + 10
    while not enough(next(steps)):
        assert time.monotonic() < deadline


def test_names_are_told_from_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert is_hub_name("openai-community/gpt2")
    assert is_hub_name("Qwen/Qwen2.5-0.5B@main")
    for text in ("gpt2", "/a/b", "a/b/c", "../b", "./b", "a/..", "a\\b", "C:/b", "a/b c", ""):
        assert not is_hub_name(text), text
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    assert not is_hub_name("runs/mine")


def test_only_what_is_opened_is_fetched(published: Hub, cache: Path, gpt2_folder: Path):
    folder, seen = fetch(published, cache)
    assert folder.name == COMMIT
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json",
        "generation_config.json",  # says where a text ends
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    for file in folder.iterdir():
        assert file.read_bytes() == (gpt2_folder / file.name).read_bytes()
    assert seen[-1].total_bytes == sum(file.stat().st_size for file in folder.iterdir())
    opened = open_checkpoint(folder)
    expected = open_checkpoint(gpt2_folder).transformer.state_dict()
    assert torch.equal(opened.transformer.state_dict()["embed.weight"], expected["embed.weight"])


def test_it_is_the_librarys_own_cache(published: Hub, cache: Path):
    from huggingface_hub import try_to_load_from_cache

    folder, _ = fetch(published, cache)
    found = try_to_load_from_cache(NAME, "model.safetensors", cache_dir=cache)
    assert found == str(folder / "model.safetensors")


def test_what_is_there_is_not_fetched_again(published: Hub, cache: Path):
    fetch(published, cache)
    published.asked.clear()
    fetch(published, cache)
    assert not [path for path in published.fetched() if not path.startswith("/api/")]


def test_without_a_network_the_cache_serves(published: Hub, cache: Path):
    folder, _ = fetch(published, cache)
    nowhere = Hub(endpoint="http://127.0.0.1:9")  # nobody listens there
    assert fetch(nowhere, cache)[0] == folder
    published.down = 503
    assert fetch(published, cache)[0] == folder


def test_without_a_network_and_a_cache_it_says_so(cache: Path, hub: Hub):
    nowhere = Hub(endpoint="http://127.0.0.1:9")
    said = refusal(nowhere, cache)
    assert said.startswith("The hub at http://127.0.0.1:9 can't be reached (")
    assert said.endswith(f"and {NAME} is not in the cache. Connect and try again.")


def test_a_login_does_not_leave_the_hub(
    published: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(published, cache)
    assert any(path.startswith("/storage/") for path in published.fetched())
    assert published.logins == []


def test_shards_are_fetched_by_their_index(
    hub: Hub, cache: Path, gpt2_folder: Path, tmp_path: Path
):
    opened = open_checkpoint(gpt2_folder)
    sharded = save_checkpoint(
        tmp_path / "sharded", opened.transformer, opened.tokenizer, largest_file=30_000
    )
    hub.add(NAME, sharded)
    hub.repos[NAME]["pytorch_model.bin"] = b"\0" * 10_000  # there are safetensors: not wanted
    folder, _ = fetch(hub, cache)
    names = {file.name for file in folder.iterdir()}
    assert {"model.safetensors.index.json", "model-00001-of-00004.safetensors"} <= names
    assert "pytorch_model.bin" not in names
    again = open_checkpoint(folder).transformer.state_dict()
    for name, tensor in opened.transformer.state_dict().items():
        assert torch.equal(again[name], tensor)


def test_torch_files_are_fetched_where_there_is_nothing_better(published: Hub, cache: Path):
    files = published.repos[NAME]
    del files["model.safetensors"]
    files["pytorch_model.bin"] = b"weights" * 1_000
    folder, _ = fetch(published, cache)
    assert (folder / "pytorch_model.bin").read_bytes() == b"weights" * 1_000


# ----------------------------------------------------------------- interrupted and gone on with


def test_giving_up_is_at_once_and_the_next_fetch_goes_on(published: Hub, cache: Path):
    weights = published.repos[NAME]["model.safetensors"]
    published.stall_after = 30_000
    steps = fetching(NAME, published.endpoint, cache)
    until(steps, lambda seen: seen.done_bytes > 30_000)
    began = time.monotonic()
    steps.close()
    assert time.monotonic() - began < 0.1
    published.resume.set()  # the server lets go
    deadline = time.monotonic() + 5
    while not (kept := list(cache.rglob("*.partial"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kept[0].read_bytes() == weights[:30_000]
    published.stall_after = None
    published.asked.clear()
    folder, _ = fetch(published, cache)
    assert (folder / "model.safetensors").read_bytes() == weights
    ranges = [asked for method, path, asked in published.asked if path.startswith("/storage/")]
    assert ranges[-1] == "bytes=30000-"
    assert not list(cache.rglob("*.partial"))


def test_a_connection_that_breaks_is_tried_again_from_where_it_broke(published: Hub, cache: Path):
    weights = published.repos[NAME]["model.safetensors"]
    published.drop_after = len(weights) // 9  # more often than it may fail without a byte
    folder, _ = fetch(published, cache)
    assert (folder / "model.safetensors").read_bytes() == weights
    ranges = [asked for _, path, asked in published.asked if path.startswith("/storage/") and asked]
    assert len(ranges) >= 3


def test_a_server_that_sends_all_of_it_again_does_no_harm(published: Hub, cache: Path):
    weights = published.repos[NAME]["model.safetensors"]
    published.stall_after = 30_000
    steps = fetching(NAME, published.endpoint, cache)
    until(steps, lambda seen: seen.done_bytes > 30_000)
    steps.close()
    published.resume.set()
    published.stall_after, published.ranges = None, False
    folder, _ = fetch(published, cache)
    assert (folder / "model.safetensors").read_bytes() == weights


def test_a_server_that_stalls_is_told_of(
    published: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub_module, "STALLED_SECONDS", 0.2)
    monkeypatch.setattr(hub_module, "TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(hub_module, "MOST_FAILURES", 2)
    published.stall_after = 0
    steps = fetching(NAME, published.endpoint, cache)
    until(steps, lambda seen: "waiting for the server" in seen.what)
    with pytest.raises(HubError, match=r"stopped sending .* it goes on where it stopped"):
        list(steps)


def test_what_arrives_damaged_is_thrown_away(published: Hub, cache: Path):
    published.damage = True
    assert "arrived damaged: it has another checksum. Try again." in refusal(published, cache)
    assert not list(cache.rglob("*.partial"))
    published.damage = False
    folder, _ = fetch(published, cache)
    assert (folder / "model.safetensors").read_bytes() == published.repos[NAME]["model.safetensors"]


# -------------------------------------------------------------------------------- refusals


def test_what_cannot_be_fetched_is_a_sentence(published: Hub, cache: Path):
    published.gated.add("somebody/gated")
    published.repos["somebody/empty"] = {"README.md": b""}
    published.repos["somebody/adapter"] = {"adapter_config.json": b"{}"}
    published.repos["somebody/two"] = {"a.Q4.gguf": b"", "b.Q8.gguf": b""}
    published.repos["somebody/maker"] = {"params.json": b"{}", "consolidated.00.pth": b""}
    published.repos["somebody/gguf"] = {"config.json": b"{}", "model.Q4.gguf": b""}
    for name, says in {
        "somebody/nothing": "There is no somebody/nothing on the hub at http://127.0.0.1:",
        "somebody/gated": "somebody/gated is gated: accept its terms on its page, then log in",
        f"{NAME}@v9": f"{NAME} has no revision 'v9'",
        "somebody/empty": "somebody/empty has no config.json, so that its network is unknown",
        "somebody/adapter": "somebody/adapter is an adapter (adapter_config.json): changes to",
        "somebody/two": "but GGUF files (a.Q4.gguf, one of 2); download one of them and open",
        "somebody/maker": "is in the format of its maker (params.json); name its version for",
        "somebody/gguf": "neither model.safetensors nor pytorch_model.bin, only model.Q4.gguf",
    }.items():
        assert says in refusal(published, cache, name)
    published.down = 429
    assert "429" in refusal(published, cache)


def test_an_index_that_leads_elsewhere_is_refused(published: Hub, cache: Path):
    files = published.repos[NAME]
    del files["model.safetensors"]
    for index, says in (
        (b'{"weight_map": {"a": "../../evil.safetensors"}}', "is no file of weights"),
        (b'{"weight_map": {"a": "modeling_evil.py"}}', "is no file of weights"),
        (b'{"weight_map": {"a": "model-9.safetensors"}}', "lacks 'model-9.safetensors'"),
        (b"[]", "no readable index"),
    ):
        files["model.safetensors.index.json"] = index
        shutil.rmtree(cache, ignore_errors=True)
        assert says in refusal(published, cache)


def test_a_full_disk_is_known_before_and_told_when_it_fills(
    published: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = shutil.disk_usage(cache.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: whole._replace(free=1000))
    assert "and 1 kB are free in" in refusal(published, cache)
    monkeypatch.undo()
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)

    def full(self: object, *args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub_module._Fetch, "_append", full)
    assert refusal(published, cache) == f"{cache} can't be written: No space left on device."


# ------------------------------------------------------------- engine and command line


def an_engine(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """One whose hub is the small server."""
    here = partial(fetching, endpoint=hub.endpoint, cache=cache)
    monkeypatch.setattr("model.hub.fetching", here)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    return engine


def test_the_engine_opens_a_name_in_slices(
    published: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 0.05)
    engine = an_engine(published, cache, monkeypatch)
    published.stall_after = 30_000
    request = m.OpenModel(path=NAME)
    seen = list(engine.handle(request))
    deadline = time.monotonic() + 20
    while not any(isinstance(r, m.OpeningProgressed) and r.done_bytes > 30_000 for r in seen):
        assert time.monotonic() < deadline, seen[-2:]
        began = time.monotonic()
        seen += engine.advance()
        assert time.monotonic() - began < 0.5  # other requests are answered in between
    (cancelled,) = engine.handle(m.Cancel(target=request.id))
    assert isinstance(cancelled, m.Cancelled)
    published.resume.set()
    published.stall_after = None
    published.asked.clear()
    seen = list(engine.handle(m.OpenModel(path=NAME)))
    while engine.busy:
        seen += engine.advance()
    opened = [r for r in seen if isinstance(r, m.ModelOpened)]
    assert [r.info.name for r in opened] == [NAME]
    assert any(asked == "bytes=30000-" for _, _, asked in published.asked)
    assert not [r for r in seen if isinstance(r, m.Failed)]


def test_the_engine_says_why_a_name_cannot_be_opened(
    published: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    engine = an_engine(published, cache, monkeypatch)
    seen = list(engine.handle(m.OpenModel(path="somebody/nothing")))
    while engine.busy:
        seen += engine.advance()
    assert isinstance(seen[-1], m.Failed)
    assert seen[-1].message.startswith("There is no somebody/nothing on the hub")


def test_commands_take_a_name(published: Hub, tmp_path: Path):
    environment = os.environ | {
        "HF_ENDPOINT": published.endpoint,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "model", "info", NAME, "--json"],
        cwd=Path(__file__).resolve().parents[3],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["family"] == "gpt2"
    assert COMMIT in found["path"]
    assert done.stderr.startswith(f"asking the hub for {NAME}")
