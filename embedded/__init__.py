"""The federation on the embedded fleet: what `make up` and `make down` do, and what the tests on the fleet build on.

It only puts others together (toolbox, fleet, pulumi), each as a user would call it; nothing imports it.
"""
