"""Neurons: the strongest of a token, the tokens that one promotes, the texts that excite it."""
