"""The virtual machine's Redfish BMC: sushy-tools' emulator, which switches, boots and loads media into qemu.

Runs in the virtual environment that has sushy-tools, as `python redfish_of_machine.py CONFIG.json`.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / 'lab.d'))
import mainboard  # noqa: E402
import redfish_server  # noqa: E402
from sushy_tools import error  # noqa: E402
from sushy_tools.emulator.resources.systems import fakedriver  # noqa: E402

# Redfish's boot sources → the names that the mainboard shares with ipmi_sim.
BOOT_DEVICES = {'Hdd': 'default', 'Pxe': 'pxe', 'Cd': 'cdrom'}


class MachineDriver(fakedriver.FakeDriver):
    """What the emulator does to systems, done to the machine in a system's `directory`."""

    def _directory(self, identity: str) -> str:
        return self._get(identity)['directory']

    def get_power_state(self, identity: str) -> str:
        return 'On' if mainboard.is_on(self._directory(identity)) else 'Off'

    def set_power_state(self, identity: str, state: str) -> None:
        directory = self._directory(identity)
        if state in ('On', 'ForceOn'):
            mainboard.power_on(directory)
        elif state == 'ForceOff':
            mainboard.power_off(directory)
        elif state == 'GracefulShutdown':
            mainboard.shut_down(directory)
        elif state == 'ForceRestart':
            mainboard.reset(directory)
        elif state == 'GracefulRestart':
            threading.Thread(target=mainboard.reset, args=(directory, mainboard.RESTART_GRACE_SECONDS)).start()
        else:
            raise error.NotSupportedError(f'Power state {state} is not supported')

    def get_boot_device(self, identity: str) -> str:
        device = mainboard.boot_device(self._directory(identity))
        return next(source for source, name in BOOT_DEVICES.items() if name == device)

    def set_boot_device(self, identity: str, boot_source: str) -> None:
        if boot_source not in BOOT_DEVICES:
            raise error.NotSupportedError(f'Boot source {boot_source} is not supported')
        mainboard.set_boot_device(self._directory(identity), BOOT_DEVICES[boot_source])

    def set_boot_image(
        self, identity: str, device: str, boot_image: str | None = None, write_protected: bool = True
    ) -> None:
        super().set_boot_image(identity, device, boot_image, write_protected)
        mainboard.set_media(self._directory(identity), boot_image)

    def get_total_cpus(self, identity: str) -> int:
        return 2

    def get_total_memory(self, identity: str) -> int:
        return mainboard.load(Path(self._directory(identity))).memory_mib // 1024


if __name__ == '__main__':
    settings = json.loads(Path(sys.argv[1]).read_text())
    redfish_server.write_accounts(settings)
    redfish_server.serve(settings, MachineDriver)
