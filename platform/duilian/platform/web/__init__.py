"""Layout, words, errors at the edge: what pages and API share."""
