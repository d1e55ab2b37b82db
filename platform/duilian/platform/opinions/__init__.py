"""What people say about an interview: reviewers of its scores, candidates of its questions. Neither changes a score."""
