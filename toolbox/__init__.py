"""The programs this project needs: found on PATH, unpacked from a bundle, or downloaded from their projects.

Standard library only: it runs before there is a virtual environment.
"""

from toolbox.errors import ToolError
from toolbox.tools import archive, tool

__all__ = ["ToolError", "archive", "tool"]
