"""Does what runs still agree with the configuration? One question for a schedule in CI, with an answer to read.

It builds on `pulumi preview` alone: no other part of the project is needed, nor anything beyond the standard library.

The rooms:

    digest   What `pulumi preview --json` found, object by object
    look     Run the preview, print what it found, and answer with an exit code
    summary  What was found, for the reader at 3 in the morning
"""
