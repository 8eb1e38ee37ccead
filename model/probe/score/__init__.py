"""How much of the story world a model has learned: `asks.Scores`, found out by `compute.score`."""
