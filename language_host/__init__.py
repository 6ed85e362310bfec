"""A language host for Pulumi programs in Python, for where the released `pulumi-language-python` cannot be had.

Pulumi starts it as a process of its own and talks to it by gRPC (protocol `pulumirpc.LanguageRuntime`). Of that
protocol it has what running needs: programs, plugins in Python, and their dependencies by pip.
"""
