"""Tests by what they need: unit (nothing), component (Pulumi's mocks), fleet (real clusters)."""
