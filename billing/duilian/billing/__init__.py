"""Usage: one event per report that a tenant received, counted once however often it is told."""
