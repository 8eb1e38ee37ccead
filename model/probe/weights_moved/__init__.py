"""Which weights the training moved between two steps, tensor by tensor."""
