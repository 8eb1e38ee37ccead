"""A model by its name on a hub: ``owner/name``, fetched into huggingface_hub's own cache.

folder = yield from fetching("openai-community/gpt2")

Only what is opened is fetched: config, tokenizer and weights, no code. The cache is the library's,
so what is there already is not fetched again, and without a network it is used as it is. A file
that was not finished is gone on with the next time, which the library itself does not do.

The network is waited for in a thread; whoever asks is given slices. Knows no torch and no Qt.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from model.hub.refusals import HubError, is_offline, refusal, short, without_config
from model.preview import file_size
from model.tokenizer.files.folder import BESIDE, is_tokenizer_file

_NAME = re.compile(r"(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})(@(?P<revision>[\w./-]{1,100}))?")
SLICE_SECONDS = 0.01
"""How long one slice waits for the network."""

TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = 1.0
MOST_FAILURES = 5
STALLED_SECONDS = 3.0
"""After so long without a byte a person is told that the server is waited for."""

GENERATION = "generation_config.json"
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
TORCH_SINGLE, TORCH_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
_LARGEST_INDEX = 64 * 2**20
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a fetch is.

    Attributes:
        done_bytes, total_bytes: of all files; a total of 0 means that it is not known yet.
        what: what is being done, for a person.
    """

    done_bytes: int
    total_bytes: int
    what: str


def is_name(text: str) -> bool:
    """Whether a text is written as ``owner/name`` or ``owner/name@revision``."""
    match = _NAME.fullmatch(text)
    return match is not None and not any(p in (".", "..") for p in match["repo"].split("/"))


def is_hub_name(text: str) -> bool:
    """The same, where no path on this disk is meant: nothing of that name lies here."""
    return is_name(text) and not os.path.lexists(text)


def split_name(name: str) -> tuple[str, str]:
    """The repository and the revision that a name means.

    Raises:
        HubError: it is no name.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise HubError(f"{name!r} is no name of a model; owner/name is.")
    return match["repo"], match["revision"] or "main"


def fetching(
    name: str, endpoint: str | None = None, cache: Path | None = None
) -> Generator[FetchProgress, None, Path]:
    """Fetch a model's files, in slices.

    Closing the generator gives up; what was fetched stays, and the next fetch goes on from there.

    Args:
        name: ``owner/name`` or ``owner/name@revision``.
        endpoint: the hub's address; the library's (``HF_ENDPOINT``) if left out.
        cache: where to keep files; the library's place (``HF_HUB_CACHE``) if left out.

    Yields:
        How far it is; each slice waits a few milliseconds at most.

    Returns:
        The folder in the cache that holds the files.

    Raises:
        HubError: it can't be fetched and is not in the cache.
    """
    fetch = _Fetch(name, endpoint, cache)
    thread = threading.Thread(target=fetch.run, name="hub", daemon=True)
    thread.start()
    try:
        while not fetch.over.wait(SLICE_SECONDS):
            yield fetch.progress()
    finally:
        fetch.given_up = True
    if fetch.error is not None:
        raise fetch.error
    assert fetch.folder is not None
    return fetch.folder


class _GivenUp(Exception):
    """Nobody waits any more."""


class _Fetch:
    """One fetch: its state is read by the one thread while the other works."""

    def __init__(self, name: str, endpoint: str | None, cache: Path | None) -> None:
        self._name = name
        self.repo, self.revision = split_name(name)
        self._endpoint = endpoint
        self._cache = cache
        self.over = threading.Event()
        self.given_up = False
        self.error: HubError | None = None
        self.folder: Path | None = None
        self._what = f"asking the hub for {self.repo}"
        self._finished = self._current = self._total = 0
        self._moved = time.monotonic()

    def progress(self) -> FetchProgress:
        waited = time.monotonic() - self._moved
        what = self._what
        if waited > STALLED_SECONDS:
            what = f"{what}: waiting for the server, {waited:.0f} s"
        return FetchProgress(self._finished + self._current, self._total, what)

    # ------------------------------------------------------------------------ in the thread

    def run(self) -> None:
        try:
            self.folder = self._run()
        except _GivenUp:
            pass
        except HubError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - the other thread raises it
            self.error = refusal(error, self._name, self._endpoint, self._cache)
        finally:
            self.over.set()

    def _run(self) -> Path:
        import huggingface_hub as hub
        from huggingface_hub import constants

        if self._cache is None:
            self._cache = Path(constants.HF_HUB_CACHE)
        url = hub.hf_hub_url(
            self.repo, "config.json", revision=self.revision, endpoint=self._endpoint
        )
        try:
            hub.get_hf_file_metadata(url, timeout=TIMEOUT_SECONDS)
            # The library keeps which commit a branch stood at.
            config = self._linked("config.json", self.revision)
            commit = config.parent.name
            self._check_given_up()
            api = hub.HfApi(endpoint=self._endpoint)
            found = api.model_info(
                self.repo, revision=commit, files_metadata=True, timeout=TIMEOUT_SECONDS
            )
        except hub.errors.RemoteEntryNotFoundError as error:
            raise self._without_config() from error
        except Exception as error:
            if not is_offline(error):
                raise
            cached = hub.try_to_load_from_cache(
                self.repo, "config.json", cache_dir=self._cache, revision=self.revision
            )
            if not isinstance(cached, str):
                raise
            return self._from_cache(Path(cached).parent, error)
        sizes = {file.rfilename: file.size or 0 for file in found.siblings or ()}
        names = self._needed(sizes, commit)
        self._total = sum(sizes.get(name, 0) for name in names)
        self._check_space(names, sizes, config.parent)
        for number, name in enumerate(names, 1):
            self._what = f"fetching {name} ({number} of {len(names)})"
            self._fetch(name, commit, config.parent)
            self._finished += sizes.get(name, 0)
            self._current = 0
        return config.parent

    def _without_config(self) -> HubError:
        """What a model without config.json is, by the names of its files."""
        from huggingface_hub import HfApi

        found = HfApi(endpoint=self._endpoint).model_info(
            self.repo, revision=self.revision, timeout=TIMEOUT_SECONDS
        )
        return without_config(self.repo, [file.rfilename for file in found.siblings or ()])

    def _needed(self, sizes: Mapping[str, int], commit: str) -> list[str]:
        """Which files a model is opened from; weights last."""
        beside = [name for name in ("config.json", GENERATION, *BESIDE) if name in sizes]
        beside += sorted(name for name in sizes if is_tokenizer_file(name))
        for single, index in ((SINGLE, INDEX), (TORCH_SINGLE, TORCH_INDEX)):
            if single in sizes:
                return [*beside, single]
            if index in sizes:
                if sizes[index] > _LARGEST_INDEX:
                    raise HubError(f"{index} of {self.repo} is too large for an index.")
                shards = _shards(self._linked(index, commit))
                missing = [name for name in shards if name not in sizes]
                if missing:
                    raise HubError(f"{self.repo} lacks {missing[0]!r}, which its {index} names.")
                return [*beside, index, *shards]
        others = sorted(name for name in sizes if name.endswith((".gguf", ".h5", ".msgpack")))
        only = f", only {others[0]}; fetch that file and open it" if others else ""
        raise HubError(
            f"{self.repo} has no weights that can be opened by its name: neither {SINGLE} nor "
            f"{TORCH_SINGLE}{only}."
        )

    def _fetch(self, name: str, commit: str, snapshot: Path) -> None:
        """One file, unless it is there; a partial one is gone on with."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        self._check_given_up()
        if (snapshot / name).exists():
            return
        url = hf_hub_url(self.repo, name, revision=commit, endpoint=self._endpoint)
        about = get_hf_file_metadata(url, timeout=TIMEOUT_SECONDS)
        etag = about.etag or ""
        if not re.fullmatch(r"[\w.-]{1,128}", etag):
            raise HubError(f"The server names no version of {name}; it is no hub.")
        blobs = snapshot.parent.parent / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)
        blob, partial = blobs / etag, blobs / f"{etag}.glassformer.partial"
        if not blob.exists():
            self._stream(url, partial, about.size)
            self._what = f"checking {name}"
            if not _is_whole(partial, etag, about.size):
                partial.unlink()
                raise HubError(
                    f"{name} of {self.repo} arrived damaged: it has another checksum. Try again."
                )
            partial.replace(blob)
        self._linked(name, commit)

    def _stream(self, url: str, partial: Path, size: int | None) -> None:
        """Bytes of a file behind those that are there; an interruption is tried again."""
        failures = 0
        while True:
            begun = partial.stat().st_size if partial.exists() else 0
            if size is not None and begun >= size:
                return
            try:
                self._append(url, partial, begun)
                return
            except Exception as error:
                if not is_offline(error):
                    raise
                self._check_given_up()
                grew = partial.exists() and partial.stat().st_size > begun
                failures = 0 if grew else failures + 1
                if failures >= MOST_FAILURES:
                    raise HubError(
                        f"The server stopped sending {self.repo} ({short(error)}). Try again "
                        "later: it goes on where it stopped."
                    ) from error
                time.sleep(RETRY_SECONDS)

    def _append(self, url: str, partial: Path, begun: int) -> None:
        from huggingface_hub import get_session
        from huggingface_hub.utils import (  # type: ignore[attr-defined]
            build_hf_headers,
            hf_raise_for_status,
        )

        headers = build_hf_headers() | {"Accept-Encoding": "identity"}
        if begun:
            headers["Range"] = f"bytes={begun}-"
        # The client follows redirects, and leaves the login behind when they lead elsewhere.
        with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_SECONDS) as response:
            hf_raise_for_status(response)
            if begun and response.status_code != 206:  # the server sends all of it again
                begun = 0
            self._current = begun
            with partial.open("r+b" if begun else "wb") as file:
                file.seek(begun)
                file.truncate()
                for chunk in response.iter_bytes():
                    self._check_given_up()
                    file.write(chunk)
                    self._current += len(chunk)

    def _linked(self, name: str, revision: str) -> Path:
        """A file in the cache's snapshot; a small one may be fetched for that."""
        from huggingface_hub import hf_hub_download

        path = hf_hub_download(
            self.repo,
            name,
            revision=revision,
            endpoint=self._endpoint,
            cache_dir=self._cache,
            tqdm_class=_Silent,
        )
        return Path(path)

    def _check_given_up(self) -> None:
        self._moved = time.monotonic()
        if self.given_up:
            raise _GivenUp

    def _check_space(self, names: Iterable[str], sizes: Mapping[str, int], snapshot: Path) -> None:
        needed = sum(sizes.get(name, 0) for name in names if not (snapshot / name).exists())
        free = shutil.disk_usage(snapshot).free
        if needed + _SPARE_BYTES > free:
            raise HubError(
                f"{self.repo} takes {file_size(needed)}, and {file_size(free)} are free in "
                f"{self._cache}; make room there, or set HF_HUB_CACHE to a larger disk."
            )

    def _from_cache(self, snapshot: Path, error: Exception) -> Path:
        """The cached files, if they are whole; for a machine without a network."""
        if (snapshot / SINGLE).exists() or (snapshot / TORCH_SINGLE).exists():
            return snapshot
        for name in (INDEX, TORCH_INDEX):
            index = snapshot / name
            if index.exists() and all((snapshot / shard).exists() for shard in _shards(index)):
                return snapshot
        raise HubError(
            f"The hub can't be reached ({short(error)}), and {self.repo} is only partly in the "
            "cache. Connect and try again: it goes on where it stopped."
        ) from error


class _Silent:
    """What the library takes for a progress bar; a real one writes to the terminal."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def update(self, n: float | None = 1) -> None:
        pass

    def close(self) -> None:
        pass

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def _shards(index: Path) -> list[str]:
    """The files that an index names, each once."""
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8-sig"))["weight_map"]
        names = list(dict.fromkeys(str(name) for name in weight_map.values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HubError(f"{index.name} is no readable index: it has no 'weight_map'.") from error
    for name in names:
        if Path(name).name != name or not name.endswith((".safetensors", ".bin")):
            raise HubError(f"{index.name} names {name[:80]!r}, which is no file of weights.")
    return names


def _is_whole(path: Path, etag: str, size: int | None) -> bool:
    """Whether a file has its size, and its content the checksum that names it in the cache.

    The hub names large files by SHA-256 and small ones as git does; a server that names them
    otherwise is believed.
    """
    if size is not None and path.stat().st_size != size:
        return False
    if re.fullmatch(r"[0-9a-f]{64}", etag):
        digest = hashlib.sha256()
    elif re.fullmatch(r"[0-9a-f]{40}", etag):
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    else:
        return True
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest() == etag
