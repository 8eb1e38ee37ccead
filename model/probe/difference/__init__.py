"""How far two subjects are apart: at every operation, and in what they predict."""
