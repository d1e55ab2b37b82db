"""Tensors on a Triton server: the repository it serves, the server of one machine, and our client."""
