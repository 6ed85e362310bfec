"""What of a kubeconfig's cluster holds for the control plane's pods too, on their way to a member. Pure.

A proxy, the leave to take any certificate, and another name in the certificate belong to the server of the kubeconfig.
So the pods go by them where they go to that server. With `apiEndpoint` they go elsewhere: directly, and they check the
certificate. A Cluster has a field for the first two, and none for the third.

A server or a proxy on loopback is for each pod the pod itself. A server there that is behind a proxy is the proxy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from federation.settings import kubeconfig, syntax
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.validation import HOST, sections

THEMSELVES = "which to the control plane's pods is themselves"
BY_PODS = (
    "the URL by which pods in the host cluster reach the member, such as https://10.0.0.1:6443; of a member in kind, "
    "https://NAME-control-plane:6443, and of the host itself https://kubernetes.default.svc"
)


def fields(config: Kubeconfig, endpoint: str | None) -> Mapping[str, Any]:
    """Of a Cluster's spec, what leads to the member: `config` is of its context, `endpoint` its `apiEndpoint`.

    What is not set has no field, as an empty one would come back as none at all, and show as drift for ever.
    """
    if endpoint:
        return {"apiEndpoint": endpoint}
    cluster = kubeconfig.cluster(config)
    given = {
        "insecureSkipTLSVerification": cluster.get(kubeconfig.INSECURE),
        "proxyURL": cluster.get(kubeconfig.PROXY),
    }
    return {"apiEndpoint": cluster["server"], **{key: value for key, value in given.items() if value}}


def problems(given: Mapping[str, Any], contexts: Mapping[str, Kubeconfig]) -> Iterator[str]:
    """What in the contexts' clusters this program cannot go by, or the control plane could not."""
    for path, place in sections(given):
        endpoint = place.get("apiEndpoint")
        if isinstance(endpoint, str) and endpoint.startswith("https://") and _is_loopback(endpoint):
            yield f"{path}.apiEndpoint: {endpoint!r} is on loopback, {THEMSELVES}; allowed: {BY_PODS}"
        context = place.get("context")
        if not isinstance(context, str) or context not in contexts:
            continue
        cluster = kubeconfig.cluster(contexts[context])
        proxy = cluster.get(kubeconfig.PROXY)
        if proxy and not syntax.is_proxy(proxy):
            # Not shown, as a password may be in it.
            yield f"{path}.context: the proxy-url of {context!r} is not {syntax.PROXY_RULE}"
        elif path != HOST and not endpoint:
            yield from (f"{path}.{problem}" for problem in _out_of_reach(context, cluster))


def _out_of_reach(context: str, cluster: Mapping[str, Any]) -> Iterator[str]:
    server, proxy, name = (cluster.get(key) for key in ("server", kubeconfig.PROXY, kubeconfig.SERVER_NAME))
    if not str(server).startswith("https://"):
        why = "where the federation's token would be read by anybody on the way"
        allowed = "allowed: in the kubeconfig a server with https, or an apiEndpoint with it"
        yield f"context: the server of {context!r} is {server}, {why}; {allowed}"
    elif not proxy and _is_loopback(str(server)):
        yield f"apiEndpoint: is missing; {context!r} leads to {server}, {THEMSELVES}; allowed: {BY_PODS}"
    if proxy and _is_loopback(proxy):
        direct = "apiEndpoint, which they reach without a proxy"
        such = "" if _is_loopback(str(server)) else f", such as {server}"
        allowed = f"allowed: in the kubeconfig a proxy that they reach, or {direct}{such}"
        yield f"context: the proxy-url of {context!r} leads to {proxy}, {THEMSELVES}; {allowed}"
    if name:
        why = "which a Cluster cannot say, so that the control plane would not know the member by its certificate"
        allowed = "allowed: an apiEndpoint whose host is a name, or an address, that is in the certificate"
        yield f"context: {context!r} has the tls-server-name {name!r}, {why}; {allowed}"


def _is_loopback(url: str) -> bool:
    """Whether it leads each machine to itself. What is no URL is for others to judge."""
    try:
        return syntax.is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
