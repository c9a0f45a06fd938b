"""Observers ready to be given to a client: lines for people, a progress display, and counts."""
