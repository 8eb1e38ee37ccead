"""Branches of a run: another run that begins at one of its steps, with other settings.

`making` writes a branch's folder, which then is a run like any other: it is resumed, watched,
opened and branched from again. `record` knows what run.toml says of it, `tree` who comes of whom;
both without torch.
"""
