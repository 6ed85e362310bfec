"""The third way: the download that the tool's own project publishes.

We pin no checksums for these: they are trusted as far as https and the project's server can be.
"""

import tarfile
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

from toolbox import store
from toolbox.errors import MissingError
from toolbox.found import Found
from toolbox.machine import this_platform
from toolbox.pins import PLATFORM, Pin

SECONDS_TO_ANSWER = 10


def from_release(pin: Pin, program: str) -> Found:
    """The released program, downloaded once; or what an earlier run left in the cache."""
    path = store.home(pin) / (program + pin.suffix)
    with store.locked(path.parent):
        if store.holds(path.resolve()):
            return Found(path, "cache", fetched=False)
        url = _address(pin, program)
        try:
            _download(pin, path, url)
        except (OSError, HTTPException, EOFError, tarfile.TarError) as error:
            # The cause of a failed connection reads better than its wrapping; a 404 is told as it is.
            reason = error.reason if type(error) is URLError else error
            raise MissingError(f"{url}: {reason}") from None
        if not store.holds(path):
            raise MissingError(f"{url} does not contain {program}")
    return Found(path, f"release {urlsplit(url).hostname}", fetched=True)


def _address(pin: Pin, program: str) -> str:
    if pin.release and program in (pin.released or pin.programs):
        if this_platform() != PLATFORM:
            raise MissingError(f"pinned for {PLATFORM}, this machine is {this_platform()}")
        return pin.release.replace("PROGRAM", program)
    if pin.image:
        raise MissingError(f"published only as the image {pin.image.replace('PROGRAM', program)}")
    raise MissingError("its project does not publish it")


def _download(pin: Pin, path: Path, url: str) -> None:
    with urllib.request.urlopen(url, timeout=SECONDS_TO_ANSWER) as answer:
        if pin.suffix or not url.endswith((".tar.gz", ".tgz")):
            length = answer.headers["Content-Length"]
            store.put(path, answer, url, size=int(length) if length else None)
            return
        with tarfile.open(fileobj=answer, mode="r|gz") as archive:
            for member in archive:
                name = Path(member.name).name
                content = archive.extractfile(member)
                if content and name in (*pin.programs, *pin.beside):
                    store.put(path.with_name(name), content, url)
