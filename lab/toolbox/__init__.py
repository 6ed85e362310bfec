"""The programs this project needs: found on PATH, unpacked from a bundle, or downloaded from their projects.

Standard library only: it runs before there is a virtual environment. The rooms:

    build     The last way: a build from the Go module proxy, of the versions that go.mod and go.sum in builds/NAME
              pin
    bundle    The third way: the folder of packed tools that FEDERATION_TOOLS names, unpacked once into the cache
    debian    The Debian packages that the embedded fleet needs, told by what they bring, not by what dpkg knows
    errors    What can go wrong: one way to a tool, which the next way may make good, or all of them
    found     Ways to a tool, tried one after the other, and what the one that did has found
    install   Everything that a verb needs at once: a folder with a link for every program, and Pulumi's plugins
    language  Pulumi's language host for Python: the released one where there is one, else ours, put beside `pulumi`
    machine   What kind of machine this is, in the words that projects name their releases by
    own       The first way: what the user already has on PATH, in a fitting version
    pins      The tools this project needs, at the versions it is tested with: a table, and nothing else
    plugins   Pulumi's resource plugins, in a PULUMI_HOME of our own, so that the user's stays as it is
    release   The fourth way: the download that the tool's own project publishes, held against the checksum that is
              beside it
    store     The cache: a file is in it whole and verified, or not at all
    tools     A tool by its name: the ways to it in their order
    versions  Which versions of a user's own program fit, and how to ask it
"""

from lab.toolbox.errors import ToolError
from lab.toolbox.tools import archive, tool

__all__ = ["ToolError", "archive", "tool"]
