"""The real thing on real clusters. The files run in the order of their numbers: bring up, use, refuse, take back."""
