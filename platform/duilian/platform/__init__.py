"""The control plane: everything a person or another system touches."""
