"""Neurons: the strongest of a token, the tokens that one promotes, the texts that excite it.

asks.py, compute.py    the strongest of a token, and one of them in words
map/                   neurons by tokens: activations of a part of a layer
curve/                 one neuron at every token: what goes into its nonlinearity and comes out
texts/                 where in other texts one neuron is strongest, and how often it is active
hidden.py, weights.py  a layer's neurons by number, and their weights
scanning.py            reading texts for all neurons of a layer; places.py and tally.py keep what
                       was found
"""
