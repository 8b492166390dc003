// Processes that tests start: an interrupted run leaves none behind.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function keepTrackOf(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/** Some heed no other signal. */
export async function killChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
