"""The laboratory: labelled answers in, a scoring model with its evidence out."""
