"""Maps of neighbours (t-SNE, UMAP), which libraries make in a process of its own.

``client.py`` starts ``process.py``, hands it the vectors and gets the points while they converge.
A process of its own can be given up at once, takes no turns of Python's interpreter from the window
and keeps those libraries' compiled parts (OpenMP, LLVM) away from those of torch and Mesa.
"""
