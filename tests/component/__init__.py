"""The whole program on Pulumi's mocks: what it registers, with what, and after what."""
