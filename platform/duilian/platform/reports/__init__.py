"""The report: composed once, from stored parts."""
