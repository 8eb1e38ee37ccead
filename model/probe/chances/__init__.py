"""How likely continuations are that are given: of each of their tokens, after those before it."""
