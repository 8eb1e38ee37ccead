"""Training: a recipe, its curves and what the model says while it learns."""
