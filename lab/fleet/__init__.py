"""The embedded fleet: real Kubernetes clusters on this machine, for development and tests.

One cluster is one sandbox (namespaces that die with one process), in it the published Kubernetes programs. Nothing here
knows about federation: to a `pulumi up` these are clusters like any other. The rooms:

    addons        What a cluster with a node holds from the start: a storage class and DNS
    addresses     Who has which address
    api           A cluster's API, as far as the fleet itself needs it: read, create, patch, watch
    archive       Container images in docker's archive format: what an image is made of, and how it is written down
    bringup       Takes one cluster from wherever it is to DNS answering. What runs is left alone, what is missing is
                  started
    certificates  The keys of one cluster: an authority, what the API server and the node show, who the programs are
    cgroups       The control groups of a cluster: all of its processes and pods are below one group in each hierarchy
    cluster       What a cluster is: its files, its addresses, and the questions one can ask it
    following     Follows all objects of a kind: a list, then its changes, and so again whenever the API server was
                  away
    images        The sets of images that clusters need, under their published names, and the cache of their archives
    kubeconfig    The administrator's kubeconfig of a whole fleet: one context for each cluster, keys included
    loadbalancer  Gives LoadBalancer Services their addresses: the lowest free one of the cluster's range
    network       The cables: a bridge for each fleet, a cable from it to each cluster, and who is reached through
                  whom
    operations    What each verb of the command line does, over the clusters of a fleet
    ownership     Whose a fleet is, and which addresses it gets
    private       Files with keys in them
    processes     Processes known by pid and start time: the pair names one process for ever, a pid alone does not
    programs      The programs of a cluster and their flags
    published     Images that their projects publish and nobody can build here: copied once, with skopeo, into
                  archives of the cache
    python_image  The image of our controllers as the fleet makes it, without Docker: controllers/Dockerfile publishes
                  the same
    record        What a fleet is made of, on disk, where any checkout finds it: FOLDER/NAME/record.json, and the
                  locks
    sandbox       The sandbox of one cluster: network, process and mount namespaces that end with one process, the
                  holder
    settings      The files that a node's programs read: kubelet's, containerd's and CNI's configuration
    takedown      Takes everything of a fleet away, whatever state it is in, and looks whether anything is left
    volumes       Makes the volumes that PersistentVolumeClaims ask for: a folder each, in the cluster's state
    waiting       Failing, waiting and telling: the three things every step of the fleet does the same way
"""
