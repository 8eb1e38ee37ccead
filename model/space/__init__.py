"""Tables of vectors: where they come from, on which few axes they are drawn, what is asked of them.

A second kind of thing to ask about, beside a subject (`model.subject`): many vectors of one width,
each with a name. Three lists, in each of which something is added by a file and a line:

    sources/       ``SOURCES``: the embedding, what a layer writes for the prompt's tokens, a file
    projections/   ``PROJECTIONS``: principal axes, the plane of a sum, axes that words make
    questions/     ``QUESTIONS``: what is near, a suite of analogies, pairs along a direction

What is asked is a frozen value, free of torch, in ``asks.py`` of each; what computes stands beside
it and is imported when it is used. Knows tensors, and of models what a source takes from the bench;
no engine, no window.
"""
