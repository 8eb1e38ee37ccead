"""Model: every parameter tensor, by size, figures, histogram, image and singular values."""
