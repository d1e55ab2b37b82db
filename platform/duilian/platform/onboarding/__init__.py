"""A company opens a tenant alone: the draft before there is a tenant, opening it, setting it up, trying it."""
