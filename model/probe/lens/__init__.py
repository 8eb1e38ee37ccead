"""The logit lens: what the stream would predict if the network ended at each block border."""
