"""Points in three dimensions: camera, renderers, labels."""
