"""What kind of head each one is, measured on random tokens that are repeated."""
