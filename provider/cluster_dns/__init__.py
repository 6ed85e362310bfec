"""A member's cluster DNS, led to the federation's names: put in when the member joins, taken out when it leaves.

No resource of Kubernetes does this: what a ConfigMapPatch has changed stays changed when the patch is deleted.
`resource` is what Pulumi calls, `lookup` is what the cluster DNS has to say, `config_maps` what is to be changed,
`kube_system` reads and writes it; `corefile`, `server_blocks` and `kubedns` are the texts.
"""
