"""A BMC made of pyghmi's server side, which we did not write: `python ipmi_pyghmi.py PORT USER PASSWORD SUITE`.

pyghmi answers every proposal with cipher suite 3. With SUITE 17 its login is given SHA-256 and the longer signature of RAKP 4;
all packets of a session, their keys, signatures and encryption are pyghmi's own. Boot flags are kept byte by byte, so that
another client can read what was set. The serial console prints what comes in on standard input. Says `ready` when it listens.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import sys
import threading
import types
import uuid
from collections.abc import Iterator

import pyghmi.ipmi.bmc as bmc
import pyghmi.ipmi.private.constants as constants
import pyghmi.ipmi.private.serversession as serversession
import pyghmi.ipmi.private.session as session

GUID = uuid.UUID('a1234567-89ab-cdef-a123-456789abcdef')
NO_FLAGS = bytes(5)
SUITE_17 = (3, 4)  # authentication and integrity algorithms: IPMI v2.0 rev 1.1 sections 13.28 and 13.28.4
BOOT_FLAGS = 5
UNKNOWN_COMMAND = 0xC1


@contextlib.contextmanager
def logging_in_with(algorithm: object) -> Iterator[None]:
    """pyghmi's login always takes sha1 from its module's hashlib: here that is another."""
    serversession.hashlib = types.SimpleNamespace(sha1=algorithm)
    try:
        yield
    finally:
        serversession.hashlib = hashlib


class Suite17Session(serversession.ServerSession):
    """Takes suite 17 where it is proposed, and any other for suite 3."""

    def create_open_session_response(self, request: bytes) -> bytearray:
        response = super().create_open_session_response(request)
        if (request[12], request[20]) != SUITE_17:
            return response
        self.currhashlib = hashlib.sha256
        self.currhashlen = 16
        response[16], response[24] = SUITE_17
        return response

    def _got_rakp1(self, data: bytearray) -> None:
        with logging_in_with(self.currhashlib):
            super()._got_rakp1(data)

    def _got_rakp3(self, data: bytearray) -> None:
        with logging_in_with(self.currhashlib):
            super()._got_rakp3(data)

    def _send_rakp4(self, tagvalue: int, statuscode: int) -> None:
        check = bytes(self.Rm) + bytes(self.managedsessionid) + bytes(self.uuiddata)
        proof = hmac.new(self.sik, check, self.currhashlib).digest()[: self.currhashlen]
        message = bytearray([tagvalue, statuscode, 0, 0]) + self.clientsessionid + proof
        self.send_payload(message, constants.payload_types['rakp4'], retry=False)
        self.confalgo = 'aes'
        self.integrityalgo = 'as negotiated'
        self.sequencenumber = 1
        self.sessionid = int.from_bytes(self.clientsessionid, 'little')


class Machine(bmc.Bmc):
    """A machine whose power is a variable."""

    def __init__(self, users: dict[str, str], port: int) -> None:
        super().__init__(users, port=port, bmcuuid=GUID, address='127.0.0.1')
        self.state = 'off'
        self.flags = NO_FLAGS
        self.lit = b''
        self.iohandler = lambda _: None

    def get_power_state(self) -> str:
        return self.state

    def power_on(self) -> None:
        self.state = 'on'

    def power_off(self) -> None:
        self.state = 'off'

    def power_shutdown(self) -> None:
        self.state = 'off'

    def power_reset(self) -> int:
        return 0 if self.state == 'on' else 0xD5

    def is_active(self) -> bool:
        return True

    def get_system_boot_options(self, request: dict, session: serversession.ServerSession) -> None:
        if request['data'][0] == BOOT_FLAGS:
            session.send_ipmi_response(data=[1, BOOT_FLAGS, *self.flags])
        else:
            session.send_ipmi_response(code=0x80)

    def set_system_boot_options(self, request: dict, session: serversession.ServerSession) -> None:
        if request['data'][0] == BOOT_FLAGS:
            self.flags = bytes(request['data'][1:])
        session.send_ipmi_response()

    def handle_raw_request(self, request: dict, session: serversession.ServerSession) -> None:
        if (request['netfn'], request['command']) == (0, 4):
            self.lit = bytes(request['data'])
            session.send_ipmi_response()
        else:
            super().handle_raw_request(request, session)


def relay_console(machine: Machine, lines: list[bytes]) -> None:
    while lines and machine.sol is not None:
        machine.sol.send_data(lines.pop(0))


def main(port: str, user: str, password: str, suite: str) -> None:
    if suite == '17':
        serversession.ServerSession = Suite17Session
    machine = Machine({user: password}, int(port))
    lines: list[bytes] = []

    def read_input() -> None:
        for line in sys.stdin.buffer:
            lines.append(line)
        os._exit(0)

    threading.Thread(target=read_input, daemon=True).start()
    print('ready', flush=True)
    while True:
        session.Session.wait_for_rsp(0.05)
        relay_console(machine, lines)


if __name__ == '__main__':
    main(*sys.argv[1:])
