"""Causal tracing: where a fact is held, found by hiding its subject and restoring one place."""
