"""Training scoring models as a tenant's own work: runs, their gates, the shadow, promotion and the way back."""
