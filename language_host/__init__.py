"""A language host for Pulumi programs in Python, for where the released `pulumi-language-python` cannot be had.

Pulumi starts it as a process of its own and talks to it by gRPC (protocol `pulumirpc.LanguageRuntime`). Of that
protocol it has what running needs: programs, plugins in Python, and their dependencies by pip. The rooms:

    children  The processes that the host has started: each can be interrupted, and none outlives the host
    executor  Runs one program: `python -P executor.py JSON`, in the project's own Python. The host starts it for each
              `Run`
    options   Which Python a project asks for: its `runtime` options in Pulumi.yaml, and the environment they name
    protocol  Pulumi's protocol without the SDK around it, which takes half a second of CPU to import: once for each
              process
    servicer  The protocol: what Pulumi asks of a language host, and the processes that answer it
"""
