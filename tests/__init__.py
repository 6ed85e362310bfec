"""Tests by what they need. docs/development.md says how each is run.

unit (nothing), component (Pulumi's mocks), programs (processes of this machine), upgrade (a recorded state), fleet
(real clusters), kill and scale (clusters, and long).
"""
