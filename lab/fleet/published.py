"""Images that their projects publish and nobody can build here: copied once, with skopeo, into archives of the cache.

They are copied on the machine, outside of the clusters' networks, from the registries that their names say, or from
the mirror that FEDERATION_IMAGES names: a host with an optional port, `http://` before it if it has no certificate.
"""

import os
import subprocess
import time
from pathlib import Path

from lab.fleet.record import locked
from lab.fleet.waiting import FleetError
from lab.toolbox import debian
from lab.toolbox.pins import IMAGES

MIRROR = "FEDERATION_IMAGES"
SECONDS = 600


def kinds(need: str) -> list[str]:
    """The images of `need`, e.g. karmada, each by the last part of its name."""
    return [kind_of(image) for image in IMAGES[need]]


def cached(kind: str, folder: Path) -> Path:
    """The archive of one image, copied now if it is not there yet."""
    image = next(image for images in IMAGES.values() for image in images if kind_of(image) == kind)
    kept = archive(image, folder)
    with locked(folder):
        if not kept.exists():
            start = time.monotonic()
            _copy(image, kept)
            print(f"image {image} copied in {time.monotonic() - start:.1f} s", flush=True)
            for outdated in set(folder.glob(f"{kind}.*")) - {kept}:
                outdated.unlink()
    return kept


def archive(image: str, folder: Path) -> Path:
    """Where the archive of this image is kept."""
    return folder / f"{kind_of(image)}.{image.rpartition(':')[2]}.tar"


def kind_of(image: str) -> str:
    return image.rpartition("/")[2].partition(":")[0]


def source(image: str) -> tuple[str, bool]:
    """Where this image is copied from, and whether that place must have a certificate."""
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if not mirror:
        return image, True
    host = mirror.removeprefix("http://").removeprefix("https://")
    return f"{host}/{image.partition('/')[2]}", not mirror.startswith("http://")


def _copy(image: str, kept: Path) -> None:
    debian.bring("skopeo")
    place, verified = source(image)
    new = kept.with_suffix(".new")
    new.unlink(missing_ok=True)
    command = [
        *(
            "skopeo",
            "--insecure-policy",
            "--override-os",
            "linux",
            "--command-timeout",
            f"{SECONDS}s",
            "copy",
            "--quiet",
        ),
        *([] if verified else ["--src-tls-verify=false"]),
        *(f"docker://{place}", f"docker-archive:{new}:{image}"),
    ]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        new.unlink(missing_ok=True)
        why = (done.stderr.strip().splitlines() or [f"skopeo ended with {done.returncode}"])[-1]
        raise FleetError(
            f"image {image} is needed and cannot be had from {place.partition('/')[0]}; "
            f"name a mirror of it in {MIRROR}, or put an archive of it at {kept} ({_reason(why)})"
        )
    new.rename(kept)


def _reason(line: str) -> str:
    """What skopeo's last line says at its end: the cause."""
    return line.rstrip('"').rpartition(": ")[2]
