"""What context costs: time and memory of reading and continuing a text, measured here."""
