"""The distribution after a position: the tokens that are shown, and what stands behind them."""
