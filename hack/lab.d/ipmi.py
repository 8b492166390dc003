"""The IPMI BMCs: one ipmi_sim (Debian's openipmi) with a management controller for each odd machine of a lab.

It speaks IPMI 2.0 with cipher suite 3 but not 17. Its files are described in ipmi_lan(5) and ipmi_sim_cmd(5).
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

from paths import SOURCE, LabFiles, write
from plan import BMC_USER, IPMI_PORT, Machine, Plan
from processes import Process, ensure_free

MANUFACTURER = 'Undercloud'
PRODUCT = 'Lab machine'


def process(files: LabFiles) -> Process:
    directory = files.root / 'bmc' / 'ipmi'
    return Process('ipmi_sim', directory, str(directory / 'lan.conf'))


def start(plan: Plan, files: LabFiles) -> None:
    """Starts the simulator, or starts it again when the machines it serves have changed."""
    machines = [machine for machine in plan.machines if machine.bmc_type == 'ipmi']
    simulator = process(files)
    lan, commands = simulator.directory / 'lan.conf', simulator.directory / 'sim.emu'
    wanted = {
        lan: _lan(plan, files, machines).encode(),
        commands: ''.join(_controller(files, machine) for machine in machines).encode(),
        **{_fru_file(files, machine): fru(machine) for machine in machines},
    }
    unchanged = all(path.exists() and path.read_bytes() == content for path, content in wanted.items())
    if unchanged and simulator.pid() is not None:
        return
    simulator.stop(grace_seconds=0)
    for machine in machines:
        ensure_free(machine.ipmi_host, IPMI_PORT, socket.SOCK_DGRAM)
    for path, content in wanted.items():
        write(path, content)
    # It keeps what was set over IPMI under the state directory.
    simulator.start(
        ['ipmi_sim', '-c', str(lan), '-f', str(commands), '-s', str(simulator.directory / 'state'), '-n']
    )
    _wait(simulator, machines)


def _wait(simulator: Process, machines: list[Machine]) -> None:
    """Until it holds the address of its last machine: sockets are opened in order."""
    deadline = time.monotonic() + 10
    while machines:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((machines[-1].ipmi_host, IPMI_PORT))
        except OSError:
            break
        if simulator.pid() is None or time.monotonic() > deadline:
            raise simulator.fail(f'does not listen at {machines[-1].ipmi_host}')
        time.sleep(0.05)


def _slave_address(machine: Machine) -> int:
    """Each machine's controller has an even address on the simulator's bus, 0x20 (the BMC) for the first."""
    return 0x20 + machine.index - 1


def _lan(plan: Plan, files: LabFiles, machines: list[Machine]) -> str:
    password = files.bmc_password.read_text()
    parts = [f'name "{plan.network}"\n']
    for machine in machines:
        button = f'/usr/bin/python3 -BEs {SOURCE / "chassis.py"}'
        chassis = f'{button} {plan.container(machine)} {_boot_file(files, machine)}'
        parts.append(f"""
set_working_mc {_slave_address(machine):#x}
  startlan 1
    addr {machine.ipmi_host} {IPMI_PORT}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid {machine.system_id.replace('-', '')}
  endlan
  chassis_control "{chassis}"
  startnow false
  user 2 true "{BMC_USER}" "{password}" admin 10 none md2 md5 straight
""")
    return ''.join(parts)


def _boot_file(files: LabFiles, machine: Machine) -> str:
    return str(files.root / 'bmc' / 'ipmi' / f'{machine.name}.boot')


def _controller(files: LabFiles, machine: Machine) -> str:
    """Device 0x20, revision 1, firmware 1.00, sensors off; manufacturer 0 is "unspecified" (IPMI 2.0, 20.1)."""
    address = f'{_slave_address(machine):#x}'
    first = f'mc_setbmc {address}\n' if address == '0x20' else ''
    return f"""{first}mc_add {address} 0x20 no-device-sdrs 1 1 0 0x9f 0 1 persist_sdr
sel_enable {address} 1000 0x0a
mc_add_fru_data {address} 0 {len(fru(machine))} file 0 "{_fru_file(files, machine)}"
mc_enable {address}
"""


def _fru_file(files: LabFiles, machine: Machine) -> Path:
    return files.root / 'bmc' / 'ipmi' / f'{machine.name}.fru'


def fru(machine: Machine) -> bytes:
    """Its inventory record: only a product area (IPMI FRU Information Storage Definition, chapter 12)."""
    fields = [MANUFACTURER, PRODUCT, 'LAB-1', '1', serial(machine), '', '']  # no asset tag, no file ID
    area = b''.join(bytes([0xC0 | len(field)]) + field.encode() for field in fields) + b'\xc1'
    area = bytes([1, 0, 0]) + area
    area += bytes(-(len(area) + 1) % 8)
    area = bytes([area[0], (len(area) + 1) // 8]) + area[2:]
    header = bytes([1, 0, 0, 0, 1, 0, 0])
    return b''.join(part + bytes([-sum(part) % 256]) for part in (header, area))


def serial(machine: Machine) -> str:
    return machine.system_id.split('-')[0].upper()
