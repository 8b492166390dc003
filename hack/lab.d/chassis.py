"""The power button of one machine, as OpenIPMI's ipmi_sim presses it (`chassis_control` in ipmi_lan(5)).

Called as `chassis.py CONTAINER BOOT_FILE get KEY...`, answered by `key:value` lines, or with `set KEY VALUE...`.
Keys are power, reset, shutdown, boot and identify. The boot device is only remembered: a machine has one disk.
"""

from __future__ import annotations

import sys
from pathlib import Path

import engine


def get(container: str, boot: Path, keys: list[str]) -> None:
    for key in keys:
        if key == 'power':
            print(f'power:{int(engine.is_on(container))}')
        elif key == 'boot':
            print(f'boot:{boot.read_text() if boot.exists() else "default"}')
        else:
            raise SystemExit(f'chassis.py: nothing is known of {key}')


def change(container: str, boot: Path, values: dict[str, str]) -> None:
    for key, value in values.items():
        if key == 'power' and value == '1':
            engine.power_on(container)
        elif key == 'power':
            engine.power_off(container)
        elif key == 'reset':
            engine.reset(container)
        elif key == 'shutdown':
            engine.shut_down(container)
        elif key == 'boot':
            boot.write_text(value)
        elif key != 'identify':
            raise SystemExit(f'chassis.py: {key} cannot be set')


def main(container: str, boot_file: str, verb: str, *rest: str) -> None:
    if verb == 'get':
        get(container, Path(boot_file), list(rest))
    else:
        change(container, Path(boot_file), dict(zip(rest[::2], rest[1::2])))


if __name__ == '__main__':
    main(*sys.argv[1:])
