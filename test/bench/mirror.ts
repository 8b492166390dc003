// How long it takes to mirror 36 images that share base layers, cold and when nothing has changed, next to skopeo.
//
// One of Debian's docker-registries (test/integration/images/docker-registry.ts) on loopback holds the set: 2.2 GB in 120
// distinct blobs, random bytes in gzip, so that nothing gets smaller on the way (mirror-images.ts). Each contender copies it to an
// empty registry of its own (cold), and then once more (warm), over plain HTTP (mirror-contenders.ts):
//   - we, 6 blobs at once as by default. "process" has Node's start in it, "copy" is the time from the call to its end, as in the
//     operator, which runs anyway;
//   - `skopeo copy` image by image, as people do it (it sends 6 layers of an image at once by itself);
//   - the same as `xargs -P6` would: 6 skopeos at once.
// docker-registry waits for the disk after each blob, which takes the same time whoever copies: its storage is in memory
// (/dev/shm) where there is room, unless TMPDIR says otherwise; what was written before is flushed before each copy. In each
// round the contenders come in another order; the figures are medians. Each destination is asked afterwards for all images.
// usage: npm run bench -- mirror [SCALE [ROUNDS]]     SCALE 1, the default, is full size; 0.01 a smoke test. ROUNDS: 3
// needs: docker-registry and skopeo (apt install docker-registry skopeo); room for 5 GB
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { request } from 'undici';
import { startDockerRegistry } from '../integration/images/docker-registry.ts';
import { contenders, type Contender, type Name, type Timing } from './mirror-contenders.ts';
import { pushImageSet, type ImageSet } from './mirror-images.ts';
import { quantile, report } from './report.ts';

const run = promisify(execFile);
const memory = '/dev/shm';
const roomNeeded = 6e9;

interface Round {
  readonly cold: Timing;
  readonly warm: Timing;
}

export async function mirror(): Promise<void> {
  const [scale = 1, rounds = 3] = process.argv.slice(3).map(Number);
  const all = await contenders();
  if (await hasRoomInMemory(scale)) process.env.TMPDIR ??= memory;
  const source = await startDockerRegistry();
  try {
    const set = await pushImageSet(source.host, scale);
    const megabytes = (set.bytes / 1e6).toFixed(0);
    console.log(
      `${String(set.images.length)} images, ${String(set.blobs.length)} distinct blobs, ${megabytes} MB, in ${tmpdir()}`,
    );
    const measured = new Map<Name, Round[]>(all.map(({ name }) => [name, []]));
    for (let number = 0; number < rounds; number += 1) {
      const turn = number % all.length;
      for (const contender of [...all.slice(turn), ...all.slice(0, turn)]) {
        const round = await oneRound(contender, source.host, set);
        measured.get(contender.name)?.push(round);
        console.log(describe(contender.name, round));
      }
    }
    print(set, measured);
  } finally {
    await source.stop();
  }
}

async function hasRoomInMemory(scale: number): Promise<boolean> {
  const found = await statfs(memory).catch(() => undefined);
  return (
    found !== undefined && Math.min(found.bavail * found.bsize, freemem()) > roomNeeded * Math.max(scale, 0.1)
  );
}

async function oneRound({ name, copy }: Contender, from: string, set: ImageSet): Promise<Round> {
  const target = await startDockerRegistry();
  try {
    await run('sync');
    const cold = await copy(from, target.host, set);
    await run('sync');
    const warm = await copy(from, target.host, set);
    for (const { destination, source } of set.images) {
      const url = `http://${target.host}/v2/${destination.path}/manifests/${destination.tag}`;
      const accept = 'application/vnd.docker.distribution.manifest.v2+json';
      const { headers, body } = await request(url, { method: 'HEAD', headers: { accept } });
      await body.dump();
      if (headers['docker-content-digest'] !== source.digest) {
        throw new Error(`${name} left out ${destination.path}`);
      }
    }
    return { cold, warm };
  } finally {
    await target.stop();
  }
}

function describe(name: string, { cold, warm }: Round): string {
  const one = ({ seconds, ours }: Timing): string =>
    ours === undefined
      ? `${seconds.toFixed(2)} s`
      : `${seconds.toFixed(2)} s (copy ${ours.seconds.toFixed(2)} s, ${String(ours.requests)} requests, ${ours.peakMegabytes.toFixed(0)} MB)`;
  return `${name}: cold ${one(cold)}, warm ${one(warm)}`;
}

function print(set: ImageSet, measured: ReadonlyMap<Name, readonly Round[]>): void {
  const median = (name: Name, of: (round: Round) => number | undefined): number =>
    quantile(
      (measured.get(name) ?? []).map((round) => of(round) ?? Number.NaN),
      0.5,
    );
  const cold = (name: Name): number => median(name, (round) => round.cold.seconds);
  const warm = (name: Name): number => median(name, (round) => round.warm.seconds);
  const rate = (name: Name): number => set.bytes / 1e6 / cold(name);
  const coldCopy = median('undercloud', (round) => round.cold.ours?.seconds);
  const warmCopy = median('undercloud', (round) => round.warm.ours?.seconds);
  report({
    bench: 'mirror: 36 images that share base layers',
    unit: 's, but where it says otherwise',
    figures: {
      'cold, process': cold('undercloud'),
      'cold, copy': coldCopy,
      'cold, 6 skopeos': cold('undercloud'),
      'cold, MB/s': rate('undercloud'),
      'cold, requests': median('undercloud', (round) => round.cold.ours?.requests),
      'cold, peak MB': median('undercloud', (round) => round.cold.ours?.peakMegabytes),
      'warm, process': warm('undercloud'),
      'warm, copy': warmCopy,
      'warm, 6 skopeos': warm('undercloud'),
      'warm, requests': median('undercloud', (round) => round.warm.ours?.requests),
    },
    baseline: {
      'cold, process': cold('skopeo'),
      'cold, copy': cold('skopeo'),
      'cold, 6 skopeos': cold('6 skopeos'),
      'cold, MB/s': rate('skopeo'),
      'warm, process': warm('skopeo'),
      'warm, copy': warm('skopeo'),
      'warm, 6 skopeos': warm('6 skopeos'),
    },
    ratio: {
      'cold, process': cold('undercloud') / cold('skopeo'),
      'cold, copy': coldCopy / cold('skopeo'),
      'cold, 6 skopeos': cold('undercloud') / cold('6 skopeos'),
      'cold, MB/s': rate('undercloud') / rate('skopeo'),
      'warm, process': warm('undercloud') / warm('skopeo'),
      'warm, copy': warmCopy / warm('skopeo'),
      'warm, 6 skopeos': warm('undercloud') / warm('6 skopeos'),
    },
    target: 'cold, process: ratio < 1; warm, copy: ratio <= 0.1; cold, peak MB: <= 200',
  });
}
