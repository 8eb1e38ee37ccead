"""Where the files that come with the program lie. Knows paths, opens nothing."""

from __future__ import annotations

from pathlib import Path

ROOT: Path = Path(__file__).resolve().parent
STORY_WORLD: Path = ROOT / "checkpoints" / "story-world"
"""The bundled model: a Hugging Face GPT-2 folder."""
GLOSSARY: Path = ROOT / "glossary.toml"
"""The field's terms, for the stage and the help."""
