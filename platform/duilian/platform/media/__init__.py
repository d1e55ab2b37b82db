"""Recordings: chunks, the chain, the certificate, playback."""
