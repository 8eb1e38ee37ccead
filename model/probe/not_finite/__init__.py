"""The first operation whose numbers are not all finite, and what to do about it."""
