"""The palette: one search over commands, panes, settings, models, operations, tensors and tokens.

What can be found stands in `offers.py`, in which order in `ranking.py`, how it looks in
`overlay.py` and `rows.py`. Knows the window's parts as they are given to it; no pane by its name.
"""
