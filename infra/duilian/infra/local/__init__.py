"""Services of one machine: PostgreSQL, the object store, and the supervisor that keeps processes running."""
