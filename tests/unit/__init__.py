"""Pure functions, seconds."""
