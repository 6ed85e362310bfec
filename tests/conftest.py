"""Settings for all tests."""

import hypothesis

# The same checkout gets the same verdict; a slow machine is not a failure.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("repeatable")
