"""The Docker engine, over its socket: no docker command is needed, and a BMC can act within milliseconds.

API: Docker Engine API v1.41 (Docker 20.10, which is what Debian 12 has).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import urllib.parse
from collections.abc import Iterator
from typing import IO, Any, Literal

SOCKET = '/var/run/docker.sock'
API = '/v1.41'
NO_HEADERS: dict[str, str] = {}
SHUTDOWN_SIGNAL = 'SIGRTMIN+3'  # what systemd as PID 1 takes as an orderly halt


class EngineError(Exception):
    """The engine refused; `status` is its HTTP status, 0 when it does not answer at all."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Connection(http.client.HTTPConnection):
    def __init__(self) -> None:
        super().__init__('docker')

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(SOCKET)


def _send(
    method: str, path: str, body: Any, headers: dict[str, str], query: dict[str, str]
) -> http.client.HTTPResponse:
    connection = _Connection()
    try:
        connection.request(method, f'{API}{path}?{urllib.parse.urlencode(query)}', body=body, headers=headers)
        response = connection.getresponse()
    except OSError as error:
        raise EngineError(0, f'the Docker engine does not answer at {SOCKET} ({error.strerror})') from None
    if response.status >= 400:
        text = response.read().decode(errors='replace')
        with contextlib.suppress(ValueError, KeyError):
            text = json.loads(text)['message']
        raise EngineError(response.status, text)
    return response


def call(method: str, path: str, body: object = None, **query: str) -> Any:
    """One call with JSON in and out; the result is None where the engine answers nothing. Raises EngineError."""
    data = None if body is None else json.dumps(body)
    text = _send(method, path, data, {'Content-Type': 'application/json'}, query).read()
    return json.loads(text) if text.strip() else None


def stream(
    path: str, body: IO[bytes] | bytes | None, headers: dict[str, str] = NO_HEADERS, **query: str
) -> Iterator[Any]:
    """A long POST (build, import, push): yields the engine's progress messages. Raises EngineError."""
    response = _send('POST', path, body, {'Content-Type': 'application/x-tar', **headers}, query)
    for line in response:
        message = json.loads(line)
        if 'error' in message:
            raise EngineError(500, message['error'])
        yield message


def answers() -> bool:
    """Whether an engine listens at the socket."""
    try:
        call('GET', '/version')
    except EngineError:
        return False
    return True


def inspect(kind: Literal['containers', 'images'], name: str) -> Any:
    """What the engine knows of a container or an image, or None when there is none of that name."""
    try:
        return call('GET', f'/{kind}/{name}/json')
    except EngineError as error:
        if error.status == 404:
            return None
        raise


def labelled(kind: Literal['containers', 'networks'], label: str) -> list[Any]:
    """All containers or networks that carry a label, stopped ones included."""
    path = '/containers/json' if kind == 'containers' else '/networks'
    found: list[Any] = call('GET', path, all='1', filters=json.dumps({'label': [label]}))
    return found


# What a BMC can do to its machine. Each is fine with a machine that is already as asked.


def is_on(container: str) -> bool:
    found = inspect('containers', container)
    return bool(found and found['State']['Running'])


def power_on(container: str) -> None:
    call('POST', f'/containers/{container}/start')


def power_off(container: str) -> None:
    """As when the plug is pulled."""
    _signal(container, 'SIGKILL')


def shut_down(container: str) -> None:
    """As when the power button is pressed: returns at once, the machine stops its services in order."""
    _signal(container, SHUTDOWN_SIGNAL)


def reset(container: str, grace_seconds: int = 0) -> None:
    call('POST', f'/containers/{container}/restart', t=str(grace_seconds))


def _signal(container: str, signal: str) -> None:
    try:
        call('POST', f'/containers/{container}/kill', signal=signal)
    except EngineError as error:
        if error.status != 409:  # 409: it does not run
            raise
