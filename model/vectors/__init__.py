"""Vectors in many dimensions: how nearly orthogonal they can be, and what that is good for.

`angles` measures, `bounds` says what is possible at best, `pushing` spreads vectors apart,
`packing` counts how many fit, `superposition` trains a network that needs it. Knows tensors; no
network of a checkpoint, no engine.
"""
