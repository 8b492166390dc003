"""The machine itself: qemu without KVM, with UEFI firmware, one disk, one network card and a serial console.

A machine is a directory: machine.json says what it is, `boot` which device comes next, `media` which ISO is in.
As a program, `mainboard.py DIRECTORY` is the machine while it is on: it starts qemu anew when the guest resets,
with the boot order of that moment, and ends when the guest switches itself off. The functions are what a BMC does.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / 'lab.d'))
from hardware import CONSOLE_PORT, Machine  # noqa: E402
from network import TAP  # noqa: E402
from paths import write  # noqa: E402
from processes import Process  # noqa: E402

FIRMWARE = Path('/usr/share/OVMF')
# The names are ipmi_sim's; "default" is what it calls the disk. What comes first is tried first.
ORDERS = {'default': ['disk', 'net'], 'pxe': ['net', 'disk'], 'cdrom': ['cd', 'disk', 'net']}
RESTART_GRACE_SECONDS = 60


def load(directory: Path) -> Machine:
    return Machine(**json.loads((directory / 'machine.json').read_text()))


def _process(directory: Path) -> Process:
    return Process('mainboard', directory, f'mainboard.py {directory}')


# What a BMC can do. Each is fine with a machine that is already as asked.


def is_on(machine: str) -> bool:
    return _process(Path(machine)).pid() is not None


def power_on(machine: str) -> None:
    if not is_on(machine):
        _process(Path(machine)).start([sys.executable, '-B', str(Path(__file__).resolve()), machine])


def power_off(machine: str) -> None:
    """As when the plug is pulled: qemu is in the process group of its mainboard."""
    process = _process(Path(machine))
    pid = process.pid()
    if pid is not None:
        os.killpg(pid, signal.SIGKILL)
        process.stop()


def shut_down(machine: str) -> None:
    """As when the power button is pressed: the guest is told."""
    if is_on(machine):
        with Monitor(Path(machine) / 'button.sock') as monitor:
            monitor.send('system_powerdown')


def reset(machine: str, grace_seconds: int = 0) -> None:
    deadline = time.monotonic() + grace_seconds
    if grace_seconds:
        shut_down(machine)
    while is_on(machine) and time.monotonic() < deadline:
        time.sleep(0.5)
    power_off(machine)
    power_on(machine)


def boot_device(machine: str) -> str:
    """The device of the next boot: it is forgotten by booting, as IPMI and Redfish have it for "once"."""
    file = Path(machine) / 'boot'
    return file.read_text() if file.exists() else 'default'


def set_boot_device(machine: str, device: str) -> None:
    write(Path(machine) / 'boot', device)


def media(machine: str) -> Path | None:
    file = Path(machine) / 'media'
    return Path(file.read_text()) if file.exists() else None


def set_media(machine: str, image: str | None) -> None:
    """Inserts or ejects; a machine that is on sees it at its next start."""
    file = Path(machine) / 'media'
    if image:
        write(file, image)
    else:
        file.unlink(missing_ok=True)


class Monitor:
    """A connection to qemu's QMP (docs/interop/qmp-spec.rst of qemu), which takes one at a time per socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Monitor:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(self._path))
        self._stream = self._socket.makefile('r')
        self.next()
        self.send('qmp_capabilities')
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def send(self, command: str) -> None:
        """Sends a command and waits until qemu has taken it."""
        self._socket.sendall(json.dumps({'execute': command}).encode())
        while 'return' not in self.next():
            pass

    def next(self) -> Any:
        """The next message; raises OSError when qemu is gone."""
        line = self._stream.readline()
        if not line:
            raise ConnectionError('qemu has ended')
        return json.loads(line)


def command_line(machine: Machine, directory: Path, order: list[str], image: Path | None) -> list[str]:
    """qemu's arguments; devices are given to the firmware in the boot order by their bootindex."""
    first = {device: f',bootindex={place}' for place, device in enumerate(order, start=1)}
    code = f'if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE / "OVMF_CODE_4M.fd"}'
    console = f'socket,id=console,host={machine.dhcp_server},port={CONSOLE_PORT},server=on,wait=off'
    cd = (
        ['-drive', f'if=none,id=cd,format=raw,readonly=on,file={image}']
        + ['-device', f'scsi-cd,drive=cd{first.get("cd", "")}']
        if image
        else []
    )
    return [
        *['ip', 'netns', 'exec', machine.namespace, 'qemu-system-x86_64', '-name', machine.name],
        *['-nodefaults', '-no-user-config', '-display', 'none', '-action', 'reboot=shutdown'],
        *['-machine', 'q35,accel=tcg', '-cpu', 'max,la57=off', '-smp', '2', '-m', str(machine.memory_mib)],
        *['-uuid', machine.system_id, '-smbios', f'type=1,manufacturer=Undercloud,serial={machine.serial}'],
        *['-drive', code, '-drive', f'if=pflash,unit=1,format=raw,file={directory}/firmware.vars'],
        *['-device', 'virtio-scsi-pci', '-device', 'virtio-rng-pci'],
        *['-drive', f'if=none,id=disk,format=raw,file={directory}/disk.img,cache=unsafe,discard=unmap'],
        *['-device', f'scsi-hd,drive=disk,serial={machine.serial}{first["disk"]}'],
        *cd,
        # Without a ROM of qemu's own the firmware's PXE client loads iPXE over TFTP, as on a real machine.
        *['-netdev', f'tap,id=net,ifname={TAP},script=no,downscript=no'],
        *['-device', f'virtio-net-pci,netdev=net,mac={machine.mac},romfile={first["net"]}'],
        *['-chardev', f'{console},logfile={directory}/console.log,logappend=on', '-serial', 'chardev:console'],
        *['-qmp', f'unix:{directory}/events.sock,server=on,wait=off'],
        *['-qmp', f'unix:{directory}/button.sock,server=on,wait=off'],
    ]


def _boot(machine: Machine, directory: Path) -> bool:
    """From one start of qemu to its end; whether the guest asked for a reset."""
    order = ORDERS.get(boot_device(str(directory)), ORDERS['default'])
    set_boot_device(str(directory), 'default')
    (directory / 'events.sock').unlink(missing_ok=True)
    qemu = subprocess.Popen(command_line(machine, directory, order, media(str(directory))))
    reason = ''
    try:
        while not (directory / 'events.sock').exists() and qemu.poll() is None:
            time.sleep(0.05)
        with Monitor(directory / 'events.sock') as monitor:
            while not reason:
                message = monitor.next()
                if message.get('event') == 'SHUTDOWN':
                    reason = message['data']['reason']
    except OSError:
        pass  # it has ended otherwise; its own words are in our log
    qemu.wait()
    return reason == 'guest-reset'


def main(directory: Path) -> None:
    machine = load(directory)
    if not (directory / 'firmware.vars').exists():
        shutil.copyfile(FIRMWARE / 'OVMF_VARS_4M.fd', directory / 'firmware.vars')
    while _boot(machine, directory):
        print('the guest resets', flush=True)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
