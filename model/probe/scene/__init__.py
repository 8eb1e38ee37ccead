"""One operation as it is drawn on the stage: what goes in, the weights, what comes out."""
