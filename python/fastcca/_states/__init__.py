"""What one pass over the samples leaves."""
