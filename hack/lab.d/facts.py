"""What is known of a lab that is up: lab.json, which tests and other tools read, and the plan it was made by."""

from __future__ import annotations

import json

import images
from paths import LabFiles, write
from plan import BMC_USER, SSH_USER, Machine, Plan


def load(files: LabFiles) -> Plan | None:
    """The plan of the lab that is up, or None."""
    try:
        facts = json.loads(files.facts.read_text())
    except FileNotFoundError:
        return None
    return Plan(facts['name'], facts['number'], facts['shape'])


def save(plan: Plan, files: LabFiles, host_keys: dict[str, str]) -> None:
    """Writes lab.json; `host_keys` are the machines' SSH host keys by name."""
    content = images.catalog()
    facts = {
        'name': plan.name,
        'number': plan.number,
        'shape': plan.shape,
        'network': plan.subnet,
        'registry': plan.registry,
        'images': {
            'namespace': content['namespace'],
            'prefix': content['prefix'],
            'tags': [tag['tag'] for tag in content['tags']],
            'names': [image['name'] for image in content['images']],
            'changed': [image['name'] for image in content['images'] if image.get('changes')],
        },
        'sshUser': SSH_USER,
        'sshKeyFile': str(files.ssh_key),
        'knownHostsFile': str(files.known_hosts),
        'bmcUser': BMC_USER,
        'bmcPasswordFile': str(files.bmc_password),
        'caFile': str(files.ca),
        'machines': [_machine(plan, machine, host_keys[machine.name]) for machine in plan.machines],
    }
    write(files.facts, json.dumps(facts, indent=2) + '\n')


def _machine(plan: Plan, machine: Machine, host_key: str) -> dict[str, object]:
    return {
        'name': machine.name,
        'address': machine.address,
        'mac': machine.mac,
        'container': plan.container(machine),
        'bmc': {'type': machine.bmc_type, 'address': machine.bmc_address, 'systemId': machine.system_id},
        'sshHostKey': host_key,
    }
