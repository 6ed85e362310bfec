"""Which object: the same in the federation API and in every member. Pure."""

from __future__ import annotations

from typing import NamedTuple

from kube.kinds import API_VERSIONS, NAMESPACE, collection


class Ref(NamedTuple):
    """The kind, the namespace and the name of an object."""

    kind: str
    namespace: str
    """Empty for a Namespace."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @classmethod
    def of_text(cls, text: str) -> Ref:
        """What `str` made of it; ValueError for other text."""
        kind, _, rest = text.partition(" ")
        namespace, _, name = rest.rpartition("/")
        if kind not in API_VERSIONS or not name:
            raise ValueError(f"{text!r} is not KIND NAMESPACE/NAME")
        return cls(kind, namespace, name)

    @property
    def path(self) -> str:
        return f"{collection(self.kind, self.namespace)}/{self.name}"


def namespace_ref(namespace: str) -> Ref:
    return Ref(NAMESPACE, "", namespace)
