"""Direct logit attribution: a token's logit as a sum of what was written to the stream."""
