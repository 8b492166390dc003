"""Debian's docker-registry: each lab has one of its own, with a copy of the ready-made storage (images.py)."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from paths import LabFiles, write
from plan import REGISTRY_PORT, Plan
from processes import Process, ensure_free
from report import LabError


def process(files: LabFiles) -> Process:
    return Process('registry', files.root / 'registry', str(files.root / 'registry' / 'config.yml'))


def start(plan: Plan, files: LabFiles, ready_made: Path) -> None:
    """Starts the lab's registry on the gateway address, where its machines and the operator reach it."""
    registry = process(files)
    config = Path(registry.marker)
    storage = registry.directory / ready_made.name
    wanted = _config(storage, plan.registry)
    if config.exists() and config.read_text() == wanted and registry.pid() is not None:
        return
    registry.stop()
    ensure_free(plan.gateway, REGISTRY_PORT, socket.SOCK_STREAM)
    if not storage.exists():
        for older in registry.directory.glob('registry-*/'):
            shutil.rmtree(older)
        copy = storage.with_suffix('.new')
        shutil.copytree(ready_made, copy)
        copy.rename(storage)
    write(config, wanted)
    registry.start(['docker-registry', 'serve', str(config)])
    if not _answers_within(plan.gateway, REGISTRY_PORT, 10):
        raise registry.fail(f'does not answer at {plan.registry} within 10 s')


@contextlib.contextmanager
def temporary(storage: Path) -> Iterator[str]:
    """A registry on loopback while images are pushed into a storage; yields its address."""
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    config = storage / 'config.yml'
    write(config, _config(storage, f'127.0.0.1:{port}'))
    argv = ['docker-registry', 'serve', str(config)]
    null = subprocess.DEVNULL
    running = subprocess.Popen(argv, stdin=null, stdout=null, stderr=null)
    try:
        if not _answers_within('127.0.0.1', port, 10):
            raise LabError('docker-registry does not answer on loopback within 10 s')
        yield f'127.0.0.1:{port}'
    finally:
        running.kill()
        running.wait()
        config.unlink()


def _config(storage: Path, address: str) -> str:
    return f"""version: 0.1
log: {{ level: warn, accesslog: {{ disabled: true }} }}
storage:
  filesystem: {{ rootdirectory: {storage} }}
  delete: {{ enabled: true }}
http: {{ addr: "{address}" }}
"""


def _answers_within(host: str, port: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(host, port, timeout=2)
        try:
            connection.request('GET', '/v2/')
            return connection.getresponse().status == 200
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    return False
