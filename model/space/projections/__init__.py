"""How tables are drawn on three axes: a line each.

``compute`` is a generator of a projection, a `VectorTable` and the `Placed` of the same rows
before (None for none), near which the points are laid where that can be done. It yields None after
each slice of work (or in words what it does now), coarse `Placed` with ``share`` below 1 where it
goes on, the whole one last.
"""

from __future__ import annotations

from model.space.registry import Entry

PROJECTIONS = (
    Entry(
        "pca",
        "Principal axes",
        "The axes along which the whole table varies most, exact: any three of the first 50.",
        asks="model.space.projections.asks:PrincipalAxes",
        compute="model.space.projections.principal:place",
        linear=True,
    ),
    Entry(
        "plane",
        "Plane of a sum",
        "The plane in which king − man + woman lies, and the way from there to the nearest word.",
        asks="model.space.projections.asks:SumPlane",
        compute="model.space.projections.sum_plane:place",
        linear=True,
    ),
    Entry(
        "words",
        "Axes of words",
        "Directions such as woman − man, or from the middle of one list of words to another's.",
        asks="model.space.projections.asks:WordAxes",
        compute="model.space.projections.word_axes:place",
        linear=True,
    ),
    Entry(
        "tsne",
        "t-SNE",
        "A map in which neighbours stay neighbours; distances between groups mean little.",
        asks="model.space.projections.asks:TSNE",
        compute="model.space.projections.neighbour_map:place",
        on_request=True,
    ),
    Entry(
        "umap",
        "UMAP",
        "A map of the neighbours in two or three dimensions; sizes of groups mean little.",
        asks="model.space.projections.asks:UMAP",
        compute="model.space.projections.neighbour_map:place",
        on_request=True,
    ),
)
