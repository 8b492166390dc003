"""The machines: containers that boot systemd, on a network of the lab's own (DESIGN.md, section 6)."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import engine
from paths import LabFiles, write
from plan import SSH_USER, Machine, Plan
from report import LabError

LABEL = 'dev.undercloud.lab'
BOOT_SECONDS = 60


def ensure_network(plan: Plan) -> None:
    if any(network['Name'] == plan.network for network in engine.labelled('networks', LABEL)):
        return
    config = {
        'Name': plan.network,
        'CheckDuplicate': True,
        'Driver': 'bridge',
        'IPAM': {'Config': [{'Subnet': plan.subnet, 'Gateway': plan.gateway}]},
        'Labels': {LABEL: plan.name},
    }
    try:
        engine.call('POST', '/networks/create', config)
    except engine.EngineError as error:
        raise LabError(
            f'the addresses {plan.subnet} of lab number {plan.number} are taken ({error}); choose another --number'
        ) from None


def bring_up(plan: Plan, files: LabFiles, image: str) -> dict[str, str]:
    """Creates the machines that are missing, powers on those that are off; returns each one's SSH host key."""
    public_key = files.ssh_key.with_suffix('.pub').read_text().strip()
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda machine: _ensure(plan, machine, image, public_key), plan.machines))
        keys = list(pool.map(lambda machine: _host_key(plan, machine), plan.machines))
    lines = (f'{machine.address} {key}\n' for machine, key in zip(plan.machines, keys))
    write(files.known_hosts, ''.join(lines))
    return {machine.name: key for machine, key in zip(plan.machines, keys)}


def _ensure(plan: Plan, machine: Machine, image: str, public_key: str) -> None:
    container = plan.container(machine)
    if engine.inspect('containers', container) is None:
        engine.call('POST', '/containers/create', _config(plan, machine, image, public_key), name=container)
    engine.power_on(container)


def _config(plan: Plan, machine: Machine, image: str, public_key: str) -> dict[str, object]:
    """The container's configuration, as the engine takes it.

    Not privileged: some boxes lack CAP_SYS_RESOURCE, and Docker cannot grant what it has not got; every other
    capability is there. The restart policy makes `reboot` work: systemd exits with a status other than 0 then, and
    with 0 on a power-off, while a kill by the BMC counts as meant.
    """
    host = {
        'NetworkMode': plan.network,
        'CapAdd': ['ALL'],
        'CapDrop': ['SYS_RESOURCE'],
        'SecurityOpt': ['seccomp=unconfined', 'apparmor=unconfined'],
        'MaskedPaths': [],
        'ReadonlyPaths': [],
        'CgroupnsMode': 'private',
        'Tmpfs': {'/run': 'mode=755', '/run/lock': '', '/tmp': 'exec,mode=1777'},
        'Devices': [{'PathOnHost': '/dev/fuse', 'PathInContainer': '/dev/fuse', 'CgroupPermissions': 'rwm'}],
        'RestartPolicy': {'Name': 'on-failure'},
        'LogConfig': {'Type': 'json-file', 'Config': {'max-size': '1m'}},
    }
    return {
        'Image': image,
        'Hostname': machine.name,
        'Env': [f'LAB_SSH_PUBLIC_KEY={public_key}'],
        'Labels': {LABEL: plan.name},
        'Volumes': {'/var/lib/containers': {}},
        'HostConfig': host,
        'NetworkingConfig': {
            'EndpointsConfig': {
                plan.network: {'IPAMConfig': {'IPv4Address': machine.address}, 'MacAddress': machine.mac}
            }
        },
    }


def outdated(plan: Plan, image: str) -> list[Machine]:
    """The machines that were made from another image than this."""

    def is_outdated(machine: Machine) -> bool:
        return bool(engine.inspect('containers', plan.container(machine))['Config']['Image'] != image)

    return [machine for machine in plan.machines if is_outdated(machine)]


def _host_key(plan: Plan, machine: Machine) -> str:
    """The machine's SSH host key, as soon as its sshd answers."""
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        argv = ['ssh-keyscan', '-T', '2', '-t', 'ed25519', machine.address]
        for line in subprocess.run(argv, capture_output=True, text=True).stdout.splitlines():
            if line.startswith(machine.address):
                return line.split(' ', 1)[1].strip()
        time.sleep(0.1)
    raise LabError(
        f'{machine.name} does not answer SSH at {machine.address} within {BOOT_SECONDS} s; '
        f'look at it with: docker logs {plan.container(machine)}'
    )


def ssh_command(files: LabFiles, machine: Machine, command: list[str]) -> list[str]:
    known = f'UserKnownHostsFile={files.known_hosts}'
    options = ['BatchMode=yes', 'ConnectTimeout=3', 'LogLevel=ERROR', known]
    arguments = [argument for option in options for argument in ('-o', option)]
    return ['ssh', '-i', str(files.ssh_key), *arguments, f'{SSH_USER}@{machine.address}', *command]


def podman_version(files: LabFiles, machine: Machine) -> str:
    """The version of the podman service that answers over SSH, or '-'."""
    version = ['sudo', 'podman', '--remote', 'version', '--format', '{{.Server.Version}}']
    command = ssh_command(files, machine, version)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except subprocess.TimeoutExpired:
        return '-'
    return done.stdout.strip() if done.returncode == 0 else '-'


def remove_all(name: str) -> int:
    """Removes the lab's machines with their disks, and its network; returns how many machines there were."""
    containers = [container['Id'] for container in engine.labelled('containers', f'{LABEL}={name}')]

    def remove(container: str) -> None:
        engine.call('DELETE', f'/containers/{container}', force='1', v='1')

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(remove, containers))
    for network in engine.labelled('networks', f'{LABEL}={name}'):
        engine.call('DELETE', f'/networks/{network["Id"]}')
    return len(containers)
