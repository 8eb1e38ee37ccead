"""What flows back from one token's loss, through every operation, into the tokens' embeddings."""
