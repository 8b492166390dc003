// cloud-init's code as Debian packs it, unpacked and never installed: its services have no business on this machine.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = process.env.UNDERCLOUD_CACHE ?? path.join(homedir(), '.cache/undercloud');

/** Where its Python packages are. What they import comes with Debian's python3-* packages (hack/test installs them). */
export async function cloudInit(): Promise<string> {
  const place = path.join(cache, 'cloud-init');
  const packages = path.join(place, 'usr/lib/python3/dist-packages');
  const found = await stat(packages).catch(() => undefined);
  if (found !== undefined) return packages;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(`${place}-`);
  try {
    await run('apt-get', ['download', 'cloud-init'], { cwd: work });
    const file = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (file === undefined) throw new Error('apt-get download cloud-init brought no package');
    await run('dpkg-deb', ['-x', path.join(work, file), path.join(work, 'unpacked')]);
    await rename(path.join(work, 'unpacked'), place);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return packages;
}
