"""hack/lab: the commands, and the order in which a lab is brought up and taken down."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import engine
import facts
import host
import images
import ipmi
import machines
import redfish
import registry
import secrets_yaml
from paths import LabFiles, cache, locked, state_root, write
from plan import DEFAULT_NUMBER, DEFAULT_SHAPE, KINDS, MOST_MACHINES, Machine, Plan
from processes import Process
from report import LabError, step, table


def main() -> None:
    arguments = _parser().parse_args()
    if not re.fullmatch(r'[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?', arguments.name):
        raise LabError(
            f'--name {arguments.name}: a name has lower case letters, digits and hyphens, 32 at most'
        )
    arguments.act(arguments, LabFiles.of(arguments.name))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='hack/lab', description='Bare-metal machines with BMCs, on this box.'
    )
    commands = parser.add_subparsers(required=True, metavar='COMMAND')

    def command(name: str, act: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument('--name', default='lab', help="the lab's name (default: lab)")
        added.set_defaults(act=act)
        return added

    up = command('up', _up, 'build what is missing, start everything; run again, it mends what is down')
    up.add_argument('--number', type=int, help=f'1 to 254, decides all addresses (default: {DEFAULT_NUMBER})')
    for kind, count in DEFAULT_SHAPE.items():
        up.add_argument(f'--{kind}', type=int, help=f'machines overcloud-{KINDS[kind]}NN (default: {count})')
    down = command('down', _down, 'remove the machines, their network and processes; images and caches stay')
    down.add_argument('--purge', action='store_true', help='remove its keys, passwords and logs as well')
    command('status', _status, 'show the machines and what serves them')
    power = command('power', _power, "act on a machine's power behind the operator's back")
    power.add_argument('machine')
    power.add_argument('action', choices=['on', 'off', 'cycle', 'status'])
    ssh = command('ssh', _ssh, 'log in to a machine, or run a command there')
    ssh.add_argument('machine')
    ssh.add_argument('command', nargs=argparse.REMAINDER)
    command('secrets', _secrets, 'print Secrets and the CA as YAML, for kubectl apply -n NAMESPACE -f -')
    command('clean', _clean, 'remove the images and the cache; no lab may be up')
    return parser


def _up(arguments: argparse.Namespace, files: LabFiles) -> None:
    start = time.monotonic()
    with _alone():
        plan = _wanted(arguments, files)
        host.check_room()
        host.install_packages()
        host.start_docker()
        cache().mkdir(parents=True, exist_ok=True, mode=0o700)
        image = images.build_all()
        _make_keys(plan, files)
        machines.ensure_network(plan)
        registry.start(plan, files, images.registry_storage())
        with step(f'starting {len(plan.machines)} machines'):
            host_keys = machines.bring_up(plan, files, image)
        for machine in machines.outdated(plan, image):
            print(f'{machine.name} is of an older image of hack/lab; hack/lab down, then up, renews it')
        ipmi.start(plan, files)
        redfish.start(plan, files)
        facts.save(plan, files, host_keys)
    print(f'lab {plan.name} is up after {time.monotonic() - start:.1f} s; its facts are in {files.facts}')


def _alone() -> contextlib.AbstractContextManager[None]:
    """One command at a time changes the labs of this box: they share images, caches and perhaps the engine."""
    return locked(state_root() / 'lab.lock')


def _wanted(arguments: argparse.Namespace, files: LabFiles) -> Plan:
    """The plan asked for. What is not said stays as it is in a lab that is up, which may only grow at its end."""
    existing = facts.load(files)
    number = existing.number if existing else DEFAULT_NUMBER
    shape = dict(existing.shape if existing else DEFAULT_SHAPE)
    shape.update({kind: getattr(arguments, kind) for kind in KINDS if getattr(arguments, kind) is not None})
    plan = Plan(arguments.name, number if arguments.number is None else arguments.number, shape)
    if not 1 <= plan.number <= 254:
        raise LabError(f'--number {plan.number}: a lab has a number from 1 to 254')
    if min(shape.values()) < 0 or not 1 <= len(plan.machines) <= MOST_MACHINES:
        raise LabError(f'a lab has 1 to {MOST_MACHINES} machines')
    if existing and existing.machines != plan.machines[: len(existing.machines)]:
        raise LabError(
            f'lab {plan.name} is up with other machines or another number; end it first: hack/lab down'
        )
    return plan


def _make_keys(plan: Plan, files: LabFiles) -> None:
    """What the lab is opened with; made once, kept until it is purged."""
    if not files.bmc_password.exists():
        write(files.bmc_password, secrets.token_hex(8))  # IPMI 2.0 takes 20 characters at most
    if not files.ssh_key.exists():
        files.ssh_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        comment = f'undercloud-lab-{plan.name}'
        argv = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', str(files.ssh_key)]
        host.run(argv, 'making the SSH key')
    redfish.make_certificates(plan, files)


def _down(arguments: argparse.Namespace, files: LabFiles) -> None:
    with _alone():
        if files.facts.exists():
            host.start_docker()
        done = [process.name for process in _processes(files) if process.stop()]
        if engine.answers():
            count = machines.remove_all(arguments.name)
            done += [f'{count} machines'] if count else []
        files.facts.unlink(missing_ok=True)
        if arguments.purge:
            shutil.rmtree(files.root, ignore_errors=True)
            with contextlib.suppress(OSError):  # others keep files there too
                files.root.parent.rmdir()
        if engine.answers() and host.stop_docker():
            done.append('the Docker engine that it had started')
    print(f'lab {arguments.name}: removed {", ".join(done)}' if done else f'lab {arguments.name} was not up')


def _processes(files: LabFiles) -> list[Process]:
    return [registry.process(files), ipmi.process(files), redfish.process(files)]


def _plan_of(arguments: argparse.Namespace, files: LabFiles) -> Plan:
    plan = facts.load(files)
    if plan is None:
        raise LabError(f'lab {arguments.name} is not up; start it with: hack/lab up --name {arguments.name}')
    return plan


def _machine_of(plan: Plan, name: str) -> Machine:
    for machine in plan.machines:
        if machine.name == name:
            return machine
    names = ', '.join(machine.name for machine in plan.machines)
    raise LabError(f'lab {plan.name} has no machine {name}; it has {names}')


def _status(arguments: argparse.Namespace, files: LabFiles) -> None:
    plan = _plan_of(arguments, files)

    def row(machine: Machine) -> list[str]:
        power = 'On' if engine.is_on(plan.container(machine)) else 'Off'
        podman = machines.podman_version(files, machine) if power == 'On' else '-'
        return [machine.name, machine.address, machine.bmc_address, power, podman]

    with ThreadPoolExecutor(max_workers=4) as pool:
        rows = list(pool.map(row, plan.machines))
    print(table(['MACHINE', 'ADDRESS', 'BMC', 'POWER', 'SSH(PODMAN)'], rows))
    services = [
        [process.name, str(process.pid() or 'down'), str(process.log)] for process in _processes(files)
    ]
    print('\n' + table(['SERVICE', 'PID', 'LOG'], services))
    print(f'\nRegistry: http://{plan.registry}')


def _power(arguments: argparse.Namespace, files: LabFiles) -> None:
    plan = _plan_of(arguments, files)
    container = plan.container(_machine_of(plan, arguments.machine))
    if arguments.action == 'on':
        engine.power_on(container)
    elif arguments.action == 'off':
        engine.power_off(container)
    elif arguments.action == 'cycle':
        engine.reset(container)
    print(f'{arguments.machine} is {"on" if engine.is_on(container) else "off"}')


def _ssh(arguments: argparse.Namespace, files: LabFiles) -> None:
    machine = _machine_of(_plan_of(arguments, files), arguments.machine)
    command = machines.ssh_command(files, machine, arguments.command)
    os.execvp(command[0], command)


def _secrets(arguments: argparse.Namespace, files: LabFiles) -> None:
    print(secrets_yaml.manifests(_plan_of(arguments, files), files), end='')


def _clean(arguments: argparse.Namespace, files: LabFiles) -> None:
    with _alone():
        host.start_docker()
        if engine.labelled('containers', machines.LABEL):
            raise LabError('a lab is up, and its images are in use; end it first: hack/lab down')
        images.remove_all()
        shutil.rmtree(cache(), ignore_errors=True)
        host.stop_docker()
    print('the images and the cache of the lab are removed')


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except (LabError, engine.EngineError) as failure:
        sys.exit(f'hack/lab: {failure}')
    except KeyboardInterrupt:
        sys.exit('hack/lab: interrupted; run again, it goes on from there')
