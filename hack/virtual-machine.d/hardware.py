"""One virtual machine and its provisioning network: every name and address, from the network's number alone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

BMC_USER = 'admin'
IPMI_PORT = 623
REDFISH_PORT = 8000
# The serial console, inside the network: for the BMC's serial over LAN.
CONSOLE_PORT = 2323
# Where the operator serves what a booting machine asks for.
BOOT_PORT = 8090


@dataclass(frozen=True)
class Machine:
    """A machine on network 10.77.`network`.0/24, whose other end, .1, is this box."""

    name: str
    network: int
    mac: str
    memory_mib: int
    disk: str
    bmc: str

    @property
    def host(self) -> str:
        """This box, as the machine sees it; the BMC listens here too."""
        return f'10.77.{self.network}.1'

    @property
    def dhcp_server(self) -> str:
        return f'10.77.{self.network}.2'

    @property
    def subnet(self) -> str:
        return f'10.77.{self.network}.0/24'

    @property
    def dhcp_range(self) -> str:
        return f'10.77.{self.network}.100,10.77.{self.network}.199,255.255.255.0,1h'

    @property
    def boot_url(self) -> str:
        return f'http://{self.host}:{BOOT_PORT}/boot/ipxe'

    @property
    def namespace(self) -> str:
        return f'undercloud-{self.network}'

    @property
    def link(self) -> str:
        """The name of the network's end on this box."""
        return f'undercloud{self.network}'

    @property
    def system_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f'{self.name}.virtual.undercloud.dev'))

    @property
    def serial(self) -> str:
        """The serial number of its disk, for root device hints."""
        return f'UC{self.system_id[:8].upper()}'

    @property
    def bmc_address(self) -> str:
        """As BareMetalNode.spec.bmc.address takes it."""
        if self.bmc == 'ipmi':
            return f'ipmi://{self.host}:{IPMI_PORT}'
        return f'redfish-virtualmedia://{self.host}:{REDFISH_PORT}/redfish/v1/Systems/{self.system_id}'


def default_mac(network: int) -> str:
    return f'52:54:00:77:{network:02x}:0a'
