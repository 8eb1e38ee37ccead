"""What goes wrong between here and a hub, as sentences for a person."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class HubError(Exception):
    """A model that can't be fetched; the message says why and what to do."""


def is_offline(error: BaseException) -> bool:
    """Whether it means that the hub was not reached, or only with an answer that is none."""
    from huggingface_hub import errors

    if isinstance(error, errors.HfHubHTTPError):
        return int(getattr(error.response, "status_code", 0)) >= 500
    # The library's HTTP client is its own affair: its errors are known by where they come from.
    homes = {base.__module__.split(".")[0].rstrip("2") for base in type(error).__mro__}
    unreachable = (errors.LocalEntryNotFoundError, ConnectionError, TimeoutError)
    return bool(homes & {"httpx", "httpcore"}) or isinstance(error, unreachable)


def refusal(error: BaseException, name: str, endpoint: str | None, cache: Path | None) -> HubError:
    """What the library raises, as our own error.

    Args:
        error: of huggingface_hub, its HTTP client or the disk.
        name: the model, ``owner/name`` or ``owner/name@revision``.
        endpoint: the hub's address, if it is not the library's.
        cache: where files are kept.
    """
    from huggingface_hub import errors

    repo, _, revision = name.partition("@")
    hub = "the hub" if endpoint is None else f"the hub at {endpoint}"
    match error:
        case errors.GatedRepoError():
            said = f"{repo} is gated: accept its terms on its page, then log in with hf auth login."
        case errors.RevisionNotFoundError():
            said = f"{repo} has no revision {revision!r}; check the part after the @."
        case errors.RepositoryNotFoundError():
            said = (
                f"There is no {repo} on {hub}, or it is private; check the name, or log in with "
                "hf auth login."
            )
        case _ if is_offline(error):
            said = (
                f"{hub.capitalize()} can't be reached ({short(error)}), and {repo} is not in the "
                "cache. Connect and try again."
            )
        case errors.HfHubHTTPError():
            status = getattr(error.response, "status_code", "an error")
            said = f"{hub.capitalize()} answered {status}; try again later."
        case OSError() if error.errno is not None:
            said = f"{cache} can't be written: {error.strerror or error}."
        case _:
            said = f"{repo} can't be fetched ({short(error)}); try again."
    found = HubError(said)
    found.__cause__ = error
    return found


def without_config(repo: str, names: Iterable[str]) -> HubError:
    """What a model on a hub is that has no config.json, and what to do.

    Args:
        repo: ``owner/name``.
        names: of its files.
    """
    some = sorted(names)
    quantised = [name for name in some if name.endswith(".gguf")]
    if "adapter_config.json" in some:
        return HubError(
            f"{repo} is an adapter (adapter_config.json): changes to a model that is not in it. "
            "Merge it into its model, in peft by merge_and_unload(), and open the whole."
        )
    if quantised:
        which = quantised[0] if len(quantised) == 1 else f"{quantised[0]}, one of {len(quantised)}"
        return HubError(
            f"{repo} has no config.json, but GGUF files ({which}); download one of them and open "
            "that file."
        )
    if "params.json" in some or any(name.startswith("consolidated") for name in some):
        return HubError(
            f"{repo} is in the format of its maker (params.json); name its version for Hugging "
            "Face, which has a config.json."
        )
    if "model_index.json" in some:
        return HubError(f"{repo} is a pipeline of several networks (diffusers), no language model.")
    return HubError(
        f"{repo} has no config.json, so that its network is unknown; name a model that has one."
    )


def short(error: BaseException) -> str:
    """What an error says, or what it was raised from: the library wraps them in long advice."""
    error = error.__cause__ or error
    said = str(error).strip().split("\n")[0][:150]
    return said or type(error).__name__
