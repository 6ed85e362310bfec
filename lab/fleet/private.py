"""Files with keys in them."""

from pathlib import Path


def write_private(file: Path, content: bytes) -> None:
    """Writes a file that only its owner can read, from its first byte on; others see all of it or what was there."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_bytes(content)
    new.rename(file)
