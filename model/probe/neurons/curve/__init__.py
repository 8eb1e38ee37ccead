"""One neuron at every token: what goes into its nonlinearity, and what comes out."""
