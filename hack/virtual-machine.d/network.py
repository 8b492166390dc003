"""The provisioning network: bridge, tap and dnsmasq in a namespace of their own, one link to this box.

Nothing else of the box is touched: no forwarding, no NAT, no address but 10.77.N.1 on a link that we made.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from string import Template

from host import run
from paths import write
from hardware import Machine
from processes import Process

TAP = 'tap0'
BRIDGE = 'br0'
# Debian's ipxe package brings both; the templates are those of the cluster's own DHCP server.
BOOT_LOADERS = Path('/usr/lib/ipxe')
TEMPLATES = Path(__file__).resolve().parents[2] / 'deploy' / 'provisioning'


def dnsmasq(machine: Machine, directory: Path) -> Process:
    return Process('dnsmasq', directory, f'--conf-file={directory / "dnsmasq.conf"}')


def start(machine: Machine, directory: Path) -> None:
    """Makes what is missing; an interrupted start is made again from nothing."""
    if not _is_complete(machine):
        remove(machine, directory)
        _make(machine)
    server = dnsmasq(machine, directory)
    if server.pid() is None:
        write(directory / 'dnsmasq.conf', _config(machine, directory), 0o644)
        inside = ['ip', 'netns', 'exec', machine.namespace]
        server.start([*inside, 'dnsmasq', '--keep-in-foreground', '--user=root', server.marker])


def remove(machine: Machine, directory: Path) -> None:
    """Deletes the namespace with all that is in it. Fine when there is none."""
    dnsmasq(machine, directory).stop()
    for argv in (['ip', 'link', 'delete', machine.link], ['ip', 'netns', 'delete', machine.namespace]):
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def exists(machine: Machine) -> bool:
    return Path('/run/netns', machine.namespace).exists()


def _is_complete(machine: Machine) -> bool:
    argv = ['ip', 'netns', 'exec', machine.namespace, 'ip', 'link', 'show', TAP]
    return exists(machine) and subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _make(machine: Machine) -> None:
    inside = ['netns', 'exec', machine.namespace, 'ip']
    for command in (
        ['netns', 'add', machine.namespace],
        ['link', 'add', machine.link, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', machine.namespace],
        ['address', 'add', f'{machine.host}/24', 'dev', machine.link],
        ['link', 'set', machine.link, 'up'],
        [*inside, 'link', 'set', 'lo', 'up'],
        [*inside, 'link', 'add', BRIDGE, 'type', 'bridge'],
        [*inside, 'address', 'add', f'{machine.dhcp_server}/24', 'dev', BRIDGE],
        [*inside, 'link', 'set', BRIDGE, 'up'],
        [*inside, 'link', 'set', 'uplink', 'master', BRIDGE, 'up'],
        # The tap comes last: it is what _is_complete looks for.
        [*inside, 'tuntap', 'add', TAP, 'mode', 'tap'],
        [*inside, 'link', 'set', TAP, 'master', BRIDGE, 'up'],
    ):
        run(['ip', *command], f'making the network {machine.subnet}')


def _config(machine: Machine, directory: Path) -> str:
    values = {
        'INTERFACE': BRIDGE,
        'DHCP_RANGE': machine.dhcp_range,
        'ROUTER': '',
        'DNS_SERVERS': '',
        'BOOT_URL': machine.boot_url,
        'TFTP_ROOT': str(BOOT_LOADERS),
        'LEASE_FILE': str(directory / 'leases'),
    }
    parts = [(TEMPLATES / name).read_text() for name in ('dnsmasq.conf', 'dnsmasq-full.conf')]
    return Template(''.join(parts)).substitute(values)
