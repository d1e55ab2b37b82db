"""Labelling where it meets interviews and the scorer: answers become examples, examples get the scorer's level."""
