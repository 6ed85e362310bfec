"""Tests that start programs, but no cluster."""
