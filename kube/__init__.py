"""What every room may use to speak with an API server of Kubernetes; it knows nothing of the project.

client: one API server with the credentials of a kubeconfig. errors: what its calls raise.
"""
