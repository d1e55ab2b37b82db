"""What the laboratory measures (测量): pure functions over arrays. No database, no tenant, no words for people.

Whatever cannot be said of so few, or of values that do not vary, is an `Estimate` without a value that names the
reason; nothing here invents a number (docs/measurement.md explains each figure).
"""
