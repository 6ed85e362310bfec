"""Runs of Pulumi that are killed half-way, on a small fleet of their own."""
