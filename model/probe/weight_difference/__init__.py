"""How far the weights of two models are apart, tensor by tensor."""
