"""The measurement lab on a tenant's own data: gathers it, measures it, keeps the figures for the pages."""
