"""The machine's BMC: OpenIPMI's ipmi_sim or sushy-tools' Redfish emulator, on this box's end of the network."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

import redfish
from hardware import BMC_USER, CONSOLE_PORT, IPMI_PORT, REDFISH_PORT, Machine
from host import run
from paths import write
from processes import Process, ensure_free

SOURCE = Path(__file__).resolve().parent


def process(machine: Machine, directory: Path) -> Process:
    if machine.bmc == 'ipmi':
        return Process('ipmi_sim', directory / 'bmc', str(directory / 'bmc' / 'lan.conf'))
    return Process('redfish', directory / 'bmc', str(directory / 'bmc' / 'config.json'))


def start(machine: Machine, directory: Path) -> None:
    """Starts it where it does not run, and waits until it answers."""
    server = process(machine, directory)
    if server.pid() is not None:
        return
    password = directory / 'bmc' / 'password'
    if not password.exists():
        write(password, secrets.token_hex(8))
    if machine.bmc == 'ipmi':
        _start_ipmi(machine, directory, server)
    else:
        _start_redfish(machine, directory, server)


def _start_ipmi(machine: Machine, directory: Path, server: Process) -> None:
    """Its serial-over-LAN is the machine's console. Files: ipmi_lan(5), ipmi_sim_cmd(5)."""
    ensure_free(machine.host, IPMI_PORT, socket.SOCK_DGRAM)
    button = f'/usr/bin/python3 -BEs {SOURCE / "chassis_of_machine.py"} {directory} {directory / "boot"}'
    password = (server.directory / 'password').read_text()
    write(
        Path(server.marker),
        f"""name "{machine.name}"
set_working_mc 0x20
  startlan 1
    addr {machine.host} {IPMI_PORT}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid {machine.system_id.replace('-', '')}
  endlan
  sol "tcp:{machine.dhcp_server}:{CONSOLE_PORT}" 115200
  chassis_control "{button}"
  startnow false
  user 2 true "{BMC_USER}" "{password}" admin 10 none md2 md5 straight
""",
    )
    commands = server.directory / 'sim.emu'
    write(
        commands,
        'mc_setbmc 0x20\nmc_add 0x20 0x20 no-device-sdrs 1 1 0 0x9f 0 1 persist_sdr\n'
        'sel_enable 0x20 1000 0x0a\nmc_enable 0x20\n',
    )
    state = str(server.directory / 'state')
    server.start(['ipmi_sim', '-c', server.marker, '-f', str(commands), '-s', state, '-n'])
    _wait(server, lambda: _is_taken(machine.host, IPMI_PORT))


def _start_redfish(machine: Machine, directory: Path, server: Process) -> None:
    ensure_free(machine.host, REDFISH_PORT, socket.SOCK_STREAM)
    certificate = server.directory / 'server.crt'
    if not certificate.exists():
        key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        key += ['-keyout', str(server.directory / 'server.key')]
        name = ['-subj', f'/CN={machine.host}', '-addext', f'subjectAltName=IP:{machine.host}']
        argv = ['openssl', 'req', '-x509', '-days', '3650', *key, *name, '-out', str(certificate)]
        run(argv, 'making the BMC certificate')
    system = {
        'uuid': machine.system_id,
        'name': machine.name,
        'directory': str(directory),
        'nics': [{'mac': machine.mac, 'ip': ''}],
    }
    config = {
        'host': machine.host,
        'port': REDFISH_PORT,
        'certificate': str(certificate),
        'key': str(server.directory / 'server.key'),
        'user': BMC_USER,
        'passwordFile': str(server.directory / 'password'),
        'emulator': {
            'SUSHY_EMULATOR_FAKE_DRIVER': True,
            'SUSHY_EMULATOR_AUTH_FILE': str(server.directory / 'accounts'),
            'SUSHY_EMULATOR_STATE_DIR': str(server.directory / 'state'),
            'SUSHY_EMULATOR_FAKE_SYSTEMS': [system],
        },
    }
    write(Path(server.marker), json.dumps(config, indent=2))
    # Media that are inserted are downloaded to its temporary directory.
    downloads = server.directory / 'media'
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir(mode=0o700)
    python = str(redfish.emulator() / 'bin' / 'python')
    argv = [python, '-B', str(SOURCE / 'redfish_of_machine.py'), server.marker]
    server.start(argv, {'TMPDIR': str(downloads)})
    _wait(server, lambda: _answers(machine.host, REDFISH_PORT))


def _wait(server: Process, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        if server.pid() is None or time.monotonic() > deadline:
            raise server.fail('does not listen')
        time.sleep(0.1)


def _is_taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
