"""The Redfish BMCs of a lab: sushy-tools' emulator with a driver whose systems are the lab's machines.

Runs in the virtual environment that has sushy-tools, as `python redfish_server.py CONFIG.json`. All but power and
size (boot device, virtual media, ...) is left to the emulator's fake driver, which keeps it in a state directory.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

import bcrypt
from sushy_tools import error
from sushy_tools.emulator import main as emulator
from sushy_tools.emulator.resources.systems import fakedriver
from werkzeug import serving

sys.path.insert(0, str(Path(__file__).resolve().parent))
import engine  # noqa: E402

RESTART_GRACE_SECONDS = 10


class LabDriver(fakedriver.FakeDriver):
    """Power is the machine's own: on while its container runs."""

    def _container(self, identity: str) -> str:
        return self._get(identity)['container']

    def get_power_state(self, identity: str) -> str:
        return 'On' if engine.is_on(self._container(identity)) else 'Off'

    def set_power_state(self, identity: str, state: str) -> None:
        container = self._container(identity)
        if state in ('On', 'ForceOn'):
            engine.power_on(container)
        elif state == 'ForceOff':
            engine.power_off(container)
        elif state == 'GracefulShutdown':
            engine.shut_down(container)
        elif state == 'ForceRestart':
            engine.reset(container)
        elif state == 'GracefulRestart':
            threading.Thread(target=engine.reset, args=(container, RESTART_GRACE_SECONDS)).start()
        else:
            raise error.NotSupportedError(f'Power state {state} is not supported')

    def get_total_cpus(self, identity: str) -> int:
        return os.cpu_count() or 1

    def get_total_memory(self, identity: str) -> int:
        return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2**30


class Handler(serving.WSGIRequestHandler):
    """Keeps connections open, and logs only what changes something: BMCs are polled."""

    protocol_version = 'HTTP/1.1'

    def log_request(self, code: int | str = '-', size: int | str = '-') -> None:
        if self.command != 'GET':
            super().log_request(code, size)


def serve(config: dict[str, Any], driver: type[fakedriver.FakeDriver] = LabDriver) -> None:
    """Serves until it is ended. A TLS handshake is left to its connection's thread: it holds up no other."""
    fakedriver.FakeDriver = driver
    emulator.app.configure(extra_config=config['emulator'])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config['certificate'], config['key'])
    where = config['host'], config['port']
    server = serving.make_server(*where, emulator.app, threaded=True, request_handler=Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def write_accounts(config: dict[str, Any]) -> None:
    """The emulator checks passwords against bcrypt hashes; the least cost is enough for a lab."""
    password = Path(config['passwordFile']).read_bytes()
    hashed = bcrypt.hashpw(password, bcrypt.gensalt(rounds=4)).decode()
    Path(config['emulator']['SUSHY_EMULATOR_AUTH_FILE']).write_text(f'{config["user"]}:{hashed}\n')


if __name__ == '__main__':
    settings = json.loads(Path(sys.argv[1]).read_text())
    write_accounts(settings)
    serve(settings)
