"""The power button of one machine, as OpenIPMI's ipmi_sim presses it (`chassis_control` in ipmi_lan(5)).

Called as `chassis.py MACHINE BOOT_FILE get KEY...`, answered by `key:value` lines, or with `set KEY VALUE...`.
Keys are power, reset, shutdown, boot and identify. The boot device is only remembered: who boots from it reads the file.
A machine is a container, unless another kind of power is given to main().
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import engine


class Power(Protocol):
    """What a BMC does to a machine, by the machine's name; engine.py does it to containers."""

    def is_on(self, machine: str, /) -> bool: ...
    def power_on(self, machine: str, /) -> None: ...
    def power_off(self, machine: str, /) -> None: ...
    def shut_down(self, machine: str, /) -> None: ...
    def reset(self, machine: str, /) -> None: ...


def get(power: Power, machine: str, boot: Path, keys: list[str]) -> None:
    for key in keys:
        if key == 'power':
            print(f'power:{int(power.is_on(machine))}')
        elif key == 'boot':
            print(f'boot:{boot.read_text() if boot.exists() else "default"}')
        else:
            raise SystemExit(f'chassis.py: nothing is known of {key}')


def change(power: Power, machine: str, boot: Path, values: dict[str, str]) -> None:
    for key, value in values.items():
        if key == 'power' and value == '1':
            power.power_on(machine)
        elif key == 'power':
            power.power_off(machine)
        elif key == 'reset':
            power.reset(machine)
        elif key == 'shutdown':
            power.shut_down(machine)
        elif key == 'boot':
            boot.write_text(value)
        elif key != 'identify':
            raise SystemExit(f'chassis.py: {key} cannot be set')


def main(power: Power, machine: str, boot_file: str, verb: str, *rest: str) -> None:
    if verb == 'get':
        get(power, machine, Path(boot_file), list(rest))
    else:
        change(power, machine, Path(boot_file), dict(zip(rest[::2], rest[1::2])))


if __name__ == '__main__':
    main(engine, *sys.argv[1:])
