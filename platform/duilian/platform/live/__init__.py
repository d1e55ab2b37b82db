"""While an interview runs: captions for the candidate, and a view of it for interviewers who may see it."""
