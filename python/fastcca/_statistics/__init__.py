"""What follows from correlations and counts alone."""
