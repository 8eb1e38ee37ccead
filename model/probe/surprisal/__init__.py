"""How much each token of the prompt surprised the model."""
