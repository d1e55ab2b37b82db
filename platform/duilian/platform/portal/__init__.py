"""Pages for candidates, and the candidate API."""
