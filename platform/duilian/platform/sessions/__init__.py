"""The interview as a state machine."""
