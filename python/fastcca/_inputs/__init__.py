"""Anything that holds samples, read as blocks in place, batch by batch."""
