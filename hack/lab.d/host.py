"""What the lab needs of the box: root, room, Debian packages, a Docker engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import engine
from paths import cache, state_root
from processes import Process
from report import LabError, step

# Package → a command that shows it is there.
PACKAGES = {
    'docker.io': 'dockerd',
    'debootstrap': 'debootstrap',
    'docker-registry': 'docker-registry',
    'openipmi': 'ipmi_sim',
    'ipmitool': 'ipmitool',
    'openssh-client': 'ssh',
    'openssl': 'openssl',
}
LEAST_DISK_GB = 6
LEAST_MEMORY_GB = 4


def run(argv: list[str], what: str) -> str:
    """Runs a command and gives its output; a failure is an error which ends with the last line it wrote."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        last = (done.stdout.strip().splitlines() or ['nothing'])[-1]
        raise LabError(f'{what} failed: {argv[0]} exits {done.returncode} and says: {last}')
    return done.stdout


def check_room() -> None:
    """Checks for root, disk and memory; for a lab that is about to be built or started."""
    if os.geteuid() != 0:
        raise LabError('the lab runs containers that boot systemd, and needs root')
    for place in (Path('/var/lib'), cache()):
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free / 1e9
        if free < LEAST_DISK_GB:
            raise LabError(f'{place} has {free:.1f} GB free, and the lab needs {LEAST_DISK_GB} GB')
    lines = dict(line.split(':') for line in Path('/proc/meminfo').read_text().splitlines())
    available = int(lines['MemAvailable'].split()[0]) / 1e6
    if available < LEAST_MEMORY_GB:
        raise LabError(f'{available:.1f} GB of memory are available, and the lab needs {LEAST_MEMORY_GB} GB')


def install_packages() -> None:
    missing = [package for package, command in PACKAGES.items() if not shutil.which(command)]
    if not Path('/usr/share/doc/python3-venv').exists():
        missing.append('python3-venv')
    if not missing:
        return
    with step(f'installing Debian packages: {" ".join(missing)}'):
        os.environ['DEBIAN_FRONTEND'] = 'noninteractive'
        run(['apt-get', 'update', '-qq'], 'reading the package lists')
        run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', *missing], 'installing packages')


def _docker() -> Process:
    root = state_root() / 'dockerd'
    return Process('dockerd', root, f'--pidfile={root / "docker.pid"}')


def start_docker() -> None:
    """Starts an engine where none answers: by systemd where there is one, else as a process of ours."""
    if engine.answers():
        return
    docker = _docker()
    with step('starting Docker'):
        if Path('/run/systemd/system').exists():
            run(['systemctl', 'start', 'docker'], 'starting Docker')
        elif docker.pid() is None:
            docker.start(['dockerd', docker.marker])
        deadline = time.monotonic() + 60
        while not engine.answers():
            if time.monotonic() > deadline:
                raise docker.fail('does not answer within 60 s')
            time.sleep(0.1)


def stop_docker() -> bool:
    """Ends the engine if it is a process of ours and nothing runs on it any more."""
    if _docker().pid() is None or engine.call('GET', '/containers/json'):
        return False
    return _docker().stop(grace_seconds=30)
