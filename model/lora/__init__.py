"""LoRA (Hu et al. 2021, arXiv:2106.09685): a matrix learns a change of low rank, ΔW = (α / r) B A.

`adapter` is the change of a network, in the names of its family's files; `files` reads and writes
PEFT's layout of it. Knows families and the network; neither text, optimiser nor run folder.
"""
