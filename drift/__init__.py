"""Does what runs still agree with the configuration? One question for a schedule in CI, with an answer to read.

It builds on `pulumi preview` alone: no other part of the project is needed, nor anything beyond the standard library.
"""
