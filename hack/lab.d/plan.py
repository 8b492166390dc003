"""The lab's plan: which machines there are, and every address, derived from the lab's number alone.

Nothing here touches the box, so that examples can be static YAML and several labs can run side by side.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

REGISTRY_PORT = 8787
REDFISH_PORT = 8000
IPMI_PORT = 623
BMC_USER = 'admin'
SSH_USER = 'heat-admin'

# Shape key → prefix of the machine names, in the order in which machines are numbered.
KINDS = {'controllers': 'ctrl', 'computes': 'cmpt', 'ceph': 'ceph', 'spare': 'spare'}
DEFAULT_SHAPE = {'controllers': 3, 'computes': 1, 'ceph': 1, 'spare': 0}
DEFAULT_NUMBER = 77
MOST_MACHINES = 200


@dataclass(frozen=True)
class Machine:
    """One machine. `index` counts from 1 through the whole lab: odd ones have an IPMI BMC, even ones Redfish."""

    name: str
    index: int
    number: int

    @property
    def address(self) -> str:
        return f'172.30.{self.number}.{10 + self.index}'

    @property
    def mac(self) -> str:
        """The MAC address of its one network card, made from its IP address."""
        return '02:42:' + ':'.join(f'{int(part):02x}' for part in self.address.split('.'))

    @property
    def system_id(self) -> str:
        """The machine's UUID, which is also its Redfish system ID: the same in every lab."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f'{self.name}.undercloud.dev'))

    @property
    def bmc_type(self) -> str:
        return 'ipmi' if self.index % 2 else 'redfish'

    @property
    def ipmi_host(self) -> str:
        """The loopback address of its IPMI BMC."""
        return f'127.{self.number}.0.{10 + self.index}'

    @property
    def bmc_address(self) -> str:
        """The BMC's address as BareMetalNode.spec.bmc.address takes it."""
        if self.bmc_type == 'ipmi':
            return f'ipmi://{self.ipmi_host}:{IPMI_PORT}'
        return f'redfish://127.{self.number}.0.1:{REDFISH_PORT}/redfish/v1/Systems/{self.system_id}'


@dataclass(frozen=True)
class Plan:
    """A lab: its name, its number, and how many machines of each kind it has."""

    name: str
    number: int
    shape: dict[str, int]

    @property
    def machines(self) -> list[Machine]:
        names = []
        for kind, prefix in KINDS.items():
            names += [f'overcloud-{prefix}{place:02d}' for place in range(1, self.shape[kind] + 1)]
        return [Machine(name, index, self.number) for index, name in enumerate(names, start=1)]

    @property
    def network(self) -> str:
        return f'undercloud-{self.name}'

    @property
    def subnet(self) -> str:
        return f'172.30.{self.number}.0/24'

    @property
    def gateway(self) -> str:
        return f'172.30.{self.number}.1'

    @property
    def registry(self) -> str:
        return f'{self.gateway}:{REGISTRY_PORT}'

    @property
    def redfish_host(self) -> str:
        return f'127.{self.number}.0.1'

    def container(self, machine: Machine) -> str:
        """The name of the Docker container which is this machine."""
        return f'{self.network}-{machine.name}'
