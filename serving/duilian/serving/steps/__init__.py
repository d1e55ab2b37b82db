"""The steps of the model tier as plain classes: each takes a contract message and returns one."""
