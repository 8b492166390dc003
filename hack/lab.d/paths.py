"""Where a lab keeps its files: the state of each lab, and the cache which all labs share."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent


def _base(own: str, xdg: str, fallback: str) -> Path:
    if os.environ.get(own):
        return Path(os.environ[own])
    return Path(os.environ.get(xdg) or Path.home() / fallback) / 'undercloud'


def state_root() -> Path:
    return _base('UNDERCLOUD_STATE', 'XDG_STATE_HOME', '.local/state')


def cache() -> Path:
    return _base('UNDERCLOUD_CACHE', 'XDG_CACHE_HOME', '.cache') / 'lab'


@dataclass(frozen=True)
class LabFiles:
    """The files of one lab."""

    root: Path

    @staticmethod
    def of(name: str) -> LabFiles:
        return LabFiles(state_root() / name / 'lab')

    @property
    def facts(self) -> Path:
        """What tests and other tools read: machines, addresses, where the keys are."""
        return self.root / 'lab.json'

    @property
    def ssh_key(self) -> Path:
        return self.root / 'ssh' / 'id_ed25519'

    @property
    def known_hosts(self) -> Path:
        return self.root / 'ssh' / 'known_hosts'

    @property
    def bmc_password(self) -> Path:
        """The password of every BMC of this lab, without a newline, as `ipmitool -f` reads it."""
        return self.root / 'bmc' / 'password'

    @property
    def ca(self) -> Path:
        return self.root / 'bmc' / 'ca.crt'


def write(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock file, so that two runs do not build or start the same thing at once."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(path, 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f'waiting for another hack/lab, which holds {path}', flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
