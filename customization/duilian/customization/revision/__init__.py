"""What past interviews say about a question set: weights, cut points, order, and what changing them would do. Pure."""
