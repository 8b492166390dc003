"""What a cluster must hold to use the lab: BMC accounts, the SSH key, the CA of the Redfish BMCs, as YAML."""

from __future__ import annotations

import json

from paths import LabFiles
from plan import BMC_USER, Plan

LABEL = 'undercloud.dev/lab'


def manifests(plan: Plan, files: LabFiles) -> str:
    password = files.bmc_password.read_text()
    account = {'username': BMC_USER, 'password': password}
    documents = [_secret(plan, f'{machine.name}-bmc', 'Opaque', account) for machine in plan.machines]
    documents.append(
        _secret(plan, 'lab-ssh', 'kubernetes.io/ssh-auth', {'ssh-privatekey': files.ssh_key.read_text()})
    )
    documents.append(_document(plan, 'ConfigMap', 'bmc-ca', {'data': {'ca.crt': files.ca.read_text()}}))
    return '---\n'.join(documents)


def _secret(plan: Plan, name: str, kind: str, values: dict[str, str]) -> str:
    return _document(plan, 'Secret', name, {'type': kind, 'stringData': values})


def _document(plan: Plan, kind: str, name: str, content: dict[str, object]) -> str:
    """One object per document; its values are JSON, which is YAML too and needs no quoting rules."""
    metadata = {'name': name, 'labels': {LABEL: plan.name}}
    fields = {'apiVersion': 'v1', 'kind': kind, 'metadata': metadata, **content}
    return ''.join(f'{key}: {json.dumps(value)}\n' for key, value in fields.items())
