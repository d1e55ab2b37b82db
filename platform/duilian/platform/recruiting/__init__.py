"""Candidates and invitations."""
