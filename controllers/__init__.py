"""What runs in the host cluster, in one image.

`names` writes records of Services, `engine` carries objects to the members; `runtime` is common to both.
"""
