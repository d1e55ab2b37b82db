"""Scoring learned from labelled answers: what is read from an answer, and a Gaussian process over it."""
