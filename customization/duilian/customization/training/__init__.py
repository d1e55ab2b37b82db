"""Training a scoring model from labels: dataset versions, evaluation on held-out people, gates, releases."""
