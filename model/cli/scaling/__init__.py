"""`python -m model scaling`: a queue of sizes, planned, trained and fitted; a verb a file."""
