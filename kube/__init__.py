"""What every room may use to speak with an API server of Kubernetes; it knows nothing of the project.

The rooms:

    client    One API server with the credentials of a kubeconfig: HTTP and JSON on urllib3
    errors    What goes wrong with an API server, besides urllib3's HTTPError where there is no answer
    kinds     The kinds that a federation carries, and where an API server has them
    watching  Following a collection of objects: a list by pages, then one watch after the other, each from where the
              last ended
"""
