"""CCA of convolutional layers, frequency by frequency."""
