"""A federation of Kubernetes clusters as Pulumi components.

The rooms, bottom up: `names`, `kubeconfig` and `config` are pure; `identity` asks who is behind a context;
`pki`, `control_plane` and `member` are components; the program in `__main__.py` composes them.
"""
