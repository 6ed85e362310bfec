"""What can go wrong: one way to a tool, which the next way may make good, or all of them."""


class ToolError(Exception):
    """A tool cannot be had, or is not what it claims to be; the message is for the user as it stands."""


class MissingError(Exception):
    """One way to a tool did not do; the message says why, for a `ToolError` that names all ways."""
