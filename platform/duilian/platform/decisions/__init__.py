"""What people decide: overrides and outcomes, kept beside the AI score."""
