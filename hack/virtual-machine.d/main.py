"""One real machine, in software, with a BMC and a provisioning network of its own."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / 'lab.d'))
import bmc  # noqa: E402
import mainboard  # noqa: E402
import network  # noqa: E402
from hardware import BMC_USER, Machine, default_mac  # noqa: E402
from host import run  # noqa: E402
from paths import locked, state_root, write  # noqa: E402
from report import LabError, step  # noqa: E402

HELP = """A machine is qemu without KVM: UEFI firmware that boots from the network (dnsmasq, iPXE), from disk or from
virtual media, a virtio disk and network card, a serial console. Its BMC switches it: after `start` it is off.

Its network is 10.77.N.0/24 in a namespace of its own: this box is .1 there (the BMC listens at it, and the
operator is expected at ports 8090 and 6385), dnsmasq is .2. Nothing else of the box is touched.

What `start` and `status` print is in facts.json too, in NAME/virtual-machine under $UNDERCLOUD_STATE.

examples:
  hack/virtual-machine start metal --bmc redfish --disk 8G
  ipmitool -I lanplus -C 3 -H 10.77.1.1 -U admin -f PASSWORD_FILE power on
  hack/virtual-machine console metal
  hack/virtual-machine stop metal --purge
"""

# Package → a command that shows it is there, or a file where it brings none.
PACKAGES = {
    'qemu-system-x86': '/usr/bin/qemu-system-x86_64',
    'ovmf': '/usr/share/OVMF/OVMF_CODE_4M.fd',
    'ipxe': '/usr/lib/ipxe/ipxe.efi',
    'dnsmasq-base': '/usr/sbin/dnsmasq',
    'iproute2': '/usr/bin/ip',
    'openipmi': '/usr/bin/ipmi_sim',
    'openssl': '/usr/bin/openssl',
    'python3-venv': '/usr/share/doc/python3-venv',
}


def directory_of(name: str) -> Path:
    return state_root() / name / 'virtual-machine'


def start(arguments: argparse.Namespace) -> None:
    _check()
    directory = directory_of(arguments.name)
    machine = Machine(
        name=arguments.name,
        network=arguments.network,
        mac=arguments.mac or default_mac(arguments.network),
        memory_mib=arguments.memory,
        disk=arguments.disk,
        bmc=arguments.bmc,
    )
    facts = directory / 'machine.json'
    if facts.exists() and mainboard.load(directory) != machine:
        remedy = f'hack/virtual-machine stop {machine.name} --purge'
        raise LabError(f'{machine.name} exists with other settings: {remedy}')
    write(facts, json.dumps(machine.__dict__, indent=2))
    disk = directory / 'disk.img'
    if not disk.exists():
        size = run(['numfmt', '--from=iec', machine.disk], 'reading --disk').strip()
        run(['truncate', '--size', size, str(disk)], 'making the disk')
    with step(f'starting the network {machine.subnet}'):
        network.start(machine, directory)
    with step(f'starting the BMC ({machine.bmc})'):
        bmc.start(machine, directory)
    write(directory / 'facts.json', json.dumps(_facts(machine, directory), indent=2))
    _print(machine, directory)


def stop(arguments: argparse.Namespace) -> None:
    directory = directory_of(arguments.name)
    if not (directory / 'machine.json').exists():
        print(f'there is no {arguments.name}')
        return
    machine = mainboard.load(directory)
    bmc.process(machine, directory).stop(grace_seconds=0)
    mainboard.power_off(str(directory))
    network.remove(machine, directory)
    if arguments.purge:
        shutil.rmtree(directory)
        with contextlib.suppress(OSError):  # others keep things there too
            directory.parent.rmdir()
        print(f'{machine.name} is gone, with its disk')
    else:
        print(f'{machine.name} is stopped; its disk stays in {directory}')


def status(arguments: argparse.Namespace) -> None:
    directory = directory_of(arguments.name)
    if not (directory / 'machine.json').exists():
        raise LabError(f'there is no {arguments.name}: hack/virtual-machine start {arguments.name}')
    machine = mainboard.load(directory)
    answers = bmc.process(machine, directory).pid() is not None and network.exists(machine)
    _print(machine, directory)
    if not answers:
        raise LabError(f'its BMC or its network is down: hack/virtual-machine start {machine.name}')


def console(arguments: argparse.Namespace) -> None:
    """Shows the serial console as it grows, from its beginning."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    log = directory_of(arguments.name) / 'console.log'
    if not log.exists():
        raise LabError(f'{arguments.name} was never on: switch it on by its BMC')
    os.execvp('tail', ['tail', '--lines=+1', '--follow=name', str(log)])


def _facts(machine: Machine, directory: Path) -> dict[str, str]:
    """What tests and people need to know of it; facts.json has the same."""
    certificate = {'bmcCertificate': str(directory / 'bmc' / 'server.crt')} if machine.bmc == 'redfish' else {}
    return {
        'name': machine.name,
        'mac': machine.mac,
        'bmcAddress': machine.bmc_address,
        'bmcUser': BMC_USER,
        'bmcPasswordFile': str(directory / 'bmc' / 'password'),
        **certificate,
        'diskSerial': machine.serial,
        'disk': str(directory / 'disk.img'),
        'console': str(directory / 'console.log'),
        'subnet': machine.subnet,
        'operatorAddress': machine.host,
        'bootUrl': machine.boot_url,
    }


def _print(machine: Machine, directory: Path) -> None:
    power = 'on' if mainboard.is_on(str(directory)) else 'off'
    for key, value in {**_facts(machine, directory), 'power': power}.items():
        print(f'{key:16} {value}')


def _check() -> None:
    if os.geteuid() != 0:
        raise LabError('a network namespace is needed, hence root: run it with sudo')
    missing = [package for package, file in PACKAGES.items() if not Path(file).exists()]
    if missing:
        with step(f'installing Debian packages: {" ".join(missing)}'):
            os.environ['DEBIAN_FRONTEND'] = 'noninteractive'
            run(['apt-get', 'update', '-qq'], 'reading the package lists')
            run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', *missing], 'installing packages')


def _name(text: str) -> str:
    if not re.fullmatch(r'[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?', text):
        raise argparse.ArgumentTypeError('a name has letters a-z, digits and hyphens')
    return text


def _number(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 254:
        raise argparse.ArgumentTypeError('a number from 1 to 254')
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='hack/virtual-machine',
        description=__doc__,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest='command', required=True)
    begin = commands.add_parser('start', help='make its network, its disk and its BMC; the machine is off')
    begin.add_argument('--memory', type=int, default=4096, metavar='MIB', help='default 4096')
    begin.add_argument('--disk', default='4.5G', metavar='SIZE', help='default 4.5G; the agent wants at least 4G')
    begin.add_argument('--bmc', choices=['ipmi', 'redfish'], default='ipmi', help='default ipmi')
    begin.add_argument('--mac', help='default 52:54:00:77:N:0a')
    begin.add_argument('--network', type=_number, default=1, metavar='N', help='default 1: 10.77.1.0/24')
    begin.set_defaults(run=start)
    end = commands.add_parser('stop', help='pull the plug, remove network and BMC')
    end.add_argument('--purge', action='store_true', help='delete its disk too')
    end.set_defaults(run=stop)
    commands.add_parser('status', help='what it is and whether it is on').set_defaults(run=status)
    commands.add_parser('console', help='its serial console').set_defaults(run=console)
    for command in commands.choices.values():
        command.add_argument('name', type=_name, metavar='NAME')
    return parser


def main() -> int:
    arguments = _parser().parse_args()
    try:
        if arguments.command == 'console':
            console(arguments)
        with locked(state_root() / 'virtual-machine.lock'):
            arguments.run(arguments)
    except (LabError, subprocess.CalledProcessError) as error:
        print(f'hack/virtual-machine: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
