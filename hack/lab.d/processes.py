"""Background processes that outlive this program; one is ended only when it is surely ours."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from paths import write
from report import LabError


def ensure_free(address: str, port: int, kind: socket.SocketKind) -> None:
    """Raises LabError when another process has the address."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise LabError(
                f'{address}:{port} belongs to the number of this lab and cannot be had ({error.strerror}); '
                'choose another --number'
            ) from None


def _command_line(pid: int) -> str:
    """The kernel shows none for a moment while a program is being started, and none of one that has ended."""
    for _ in range(5):
        command = Path(f'/proc/{pid}/cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
        if command:
            return command
        time.sleep(0.01)
    return ''


@dataclass(frozen=True)
class Process:
    """A daemon. `marker` is a part of its command line that no other process has: the path of its config."""

    name: str
    directory: Path
    marker: str

    @property
    def _pid_file(self) -> Path:
        return self.directory / f'{self.name}.pid'

    @property
    def log(self) -> Path:
        return self.directory / f'{self.name}.log'

    def pid(self) -> int | None:
        """Its process ID, or None when it does not run. The pid file alone proves nothing: pids are reused."""
        try:
            pid = int(self._pid_file.read_text())
            return pid if self.marker in _command_line(pid) else None
        except (OSError, ValueError):
            return None

    def start(self, argv: list[str], environment: dict[str, str] | None = None) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self.log, 'ab') as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd='/',
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        write(self._pid_file, f'{process.pid}\n')

    def stop(self, grace_seconds: float = 2) -> bool:
        """Ends it, by force after the grace. False when it did not run."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            if not self._gone_within(grace_seconds):
                os.kill(pid, signal.SIGKILL)
                self._gone_within(5)
        self._pid_file.unlink(missing_ok=True)
        return pid is not None

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def fail(self, what: str) -> LabError:
        """The error to raise when it does not do what it was started for; names the last line of its log."""
        lines = self.log.read_text(errors='replace').strip().splitlines() if self.log.exists() else []
        return LabError(
            f'{self.name} {what}; its log {self.log} ends with: {lines[-1] if lines else "nothing"}'
        )
