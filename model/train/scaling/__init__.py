"""Scaling laws in small: sizes trained on equal terms, and the power law of their losses.

`plan` says what is trained and by which rules, `queue` trains it into a folder that can be taken up
at any time, `folder` reads that back, `fit` finds the law. Plan and folder know no torch.
"""
