"""Models by their name on a hub, ``owner/name``.

folder = yield from fetching("openai-community/gpt2")

Knows no torch and no Qt; huggingface_hub is imported when something is fetched.
"""

from __future__ import annotations

from model.hub.fetch import FetchProgress, fetching, is_hub_name, is_name
from model.hub.names import cached_name
from model.hub.refusals import HubError

__all__ = ["FetchProgress", "HubError", "cached_name", "fetching", "is_hub_name", "is_name"]
