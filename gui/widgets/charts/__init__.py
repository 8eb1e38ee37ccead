"""Plots that more than one pane draws."""
