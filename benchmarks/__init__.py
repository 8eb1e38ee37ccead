"""Speed and memory, side by side with what a user would run instead.

Never tests: a machine that others use too is noisy. Figures are medians, ratios are taken in turns
within one run.
"""
