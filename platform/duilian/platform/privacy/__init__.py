"""The candidate's own data: seeing, correcting, copying, withdrawing, erasing; and retention, which erases by itself."""
