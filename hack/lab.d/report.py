"""What the lab tells the person who runs it: progress lines, and errors that are one sentence."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class LabError(Exception):
    """Something a person must know or mend; the message is the whole sentence they read."""


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Prints what is being done, and how long it took once it is done."""
    print(f'{what} ... ', end='', flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print('failed', flush=True)
        raise
    print(f'{time.monotonic() - start:.1f} s', flush=True)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Aligned columns, two spaces apart."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = (
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [header, *rows]
    )
    return '\n'.join(lines)
