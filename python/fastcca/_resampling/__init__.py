"""A measure of rearranged and of redrawn samples."""
