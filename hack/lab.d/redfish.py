"""The Redfish BMCs: one process of sushy-tools' emulator for the even machines of a lab, over HTTPS."""

from __future__ import annotations

import json
import shutil
import socket
import time
from pathlib import Path

import images
from host import run
from paths import SOURCE, LabFiles, cache, write
from plan import BMC_USER, REDFISH_PORT, Machine, Plan
from processes import Process, ensure_free
from report import step


def process(files: LabFiles) -> Process:
    directory = files.root / 'bmc' / 'redfish'
    return Process('redfish', directory, str(directory / 'config.json'))


def emulator() -> Path:
    """The virtual environment that has sushy-tools; made at first use, from PyPI."""
    requirements = SOURCE / 'requirements.txt'
    environment = cache() / f'redfish-{images.hash_of(requirements.read_text())}'
    if not (environment / 'complete').exists():
        with step('installing sushy-tools'):
            shutil.rmtree(environment, ignore_errors=True)
            run(['/usr/bin/python3', '-m', 'venv', str(environment)], 'making a Python environment')
            pip = [str(environment / 'bin' / 'pip'), 'install', '--quiet', '--no-deps']
            run([*pip, '--requirement', str(requirements)], 'installing sushy-tools')
            (environment / 'complete').touch()
    return environment


def make_certificates(plan: Plan, files: LabFiles) -> None:
    """A certificate authority for this lab, and a certificate for the BMCs' address; made once."""
    directory = files.ca.parent
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not files.ca.exists():
        _make_certificate(files.ca, f'Undercloud lab {plan.name}', [])
    certificate = _certificate(plan, files)
    if not certificate.exists():
        signer = ['-CA', str(files.ca), '-CAkey', str(files.ca.with_suffix('.key'))]
        extensions = ['basicConstraints=critical,CA:FALSE', f'subjectAltName=IP:{plan.redfish_host}']
        added = [argument for extension in extensions for argument in ('-addext', extension)]
        _make_certificate(certificate, plan.redfish_host, [*signer, *added])


def _certificate(plan: Plan, files: LabFiles) -> Path:
    return files.ca.parent / f'redfish-{plan.number}.crt'


def _make_certificate(path: Path, name: str, more: list[str]) -> None:
    """A certificate and its key beside it; the certificate comes last, and stands for both being complete."""
    new = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650']
    temporary = path.with_suffix('.new')
    out = ['-subj', f'/CN={name}', '-keyout', str(path.with_suffix('.key')), '-out', str(temporary)]
    run(['openssl', 'req', *new, *out, *more], f'making the certificate {path.name}')
    temporary.rename(path)


def start(plan: Plan, files: LabFiles) -> None:
    """Starts the emulator, or starts it again when the machines it serves have changed."""
    server = process(files)
    config = Path(server.marker)
    wanted = json.dumps(_config(plan, files), indent=2)
    unchanged = config.exists() and config.read_text() == wanted
    if unchanged and server.pid() is not None:
        return
    environment = emulator()
    server.stop()
    ensure_free(plan.redfish_host, REDFISH_PORT, socket.SOCK_STREAM)
    if not unchanged:  # what the emulator remembers is of other machines
        shutil.rmtree(server.directory / 'state', ignore_errors=True)
    write(config, wanted)
    server.start([str(environment / 'bin' / 'python'), '-B', str(SOURCE / 'redfish_server.py'), str(config)])
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((plan.redfish_host, REDFISH_PORT), timeout=1).close()
            return
        except OSError:
            if server.pid() is None or time.monotonic() > deadline:
                raise server.fail(f'does not listen at {plan.redfish_host}:{REDFISH_PORT}') from None
            time.sleep(0.1)


def _config(plan: Plan, files: LabFiles) -> dict[str, object]:
    directory = process(files).directory
    certificate = _certificate(plan, files)
    systems = [_system(plan, machine) for machine in plan.machines if machine.bmc_type == 'redfish']
    return {
        'host': plan.redfish_host,
        'port': REDFISH_PORT,
        'certificate': str(certificate),
        'key': str(certificate.with_suffix('.key')),
        'user': BMC_USER,
        'passwordFile': str(files.bmc_password),
        'emulator': {
            'SUSHY_EMULATOR_FAKE_DRIVER': True,
            'SUSHY_EMULATOR_AUTH_FILE': str(directory / 'accounts'),
            'SUSHY_EMULATOR_STATE_DIR': str(directory / 'state'),
            'SUSHY_EMULATOR_FAKE_SYSTEMS': systems,
        },
    }


def _system(plan: Plan, machine: Machine) -> dict[str, object]:
    return {
        'uuid': machine.system_id,
        'name': machine.name,
        'container': plan.container(machine),
        'nics': [{'mac': machine.mac, 'ip': machine.address}],
    }
