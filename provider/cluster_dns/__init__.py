"""A member's cluster DNS, led to the federation's names: put in when the member joins, taken out when it leaves.

No resource of Kubernetes does this: what a ConfigMapPatch has changed stays changed when the patch is deleted.
`resource` is what Pulumi calls, `lookup` is what the cluster DNS has to say, `config_maps` what is to be changed,
`kube_system` reads and writes it; `corefile`, `server_blocks` and `kubedns` are the texts. The rooms:

    config_maps    Which ConfigMaps of a member's kube-system have to change for a federation, and to what
    corefile       The federation's part of a member's Corefile: put in, taken out, and checked beforehand
    kube_system    Read and change the ConfigMaps of a member's cluster DNS, without losing what somebody else changes
                   meanwhile
    kubedns        The federation's entries in ConfigMap kube-system/kube-dns, beside everyone else's
    lookup         What a member's cluster DNS has to know of a federation
    resource       The federation's part of a member's cluster DNS, as a resource
    server_blocks  Read a Corefile: its server blocks, their keys and their plugins
"""
