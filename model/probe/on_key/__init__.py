"""How much every head reads one token from another."""
