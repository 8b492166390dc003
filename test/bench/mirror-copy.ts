// One copy in a process of its own, so that its memory is its own. usage: node mirror-copy.ts JOB-FILE
import diagnostics from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import { createMirror } from '../../src/images/mirror/copy.ts';
import type { MirrorImage } from '../../src/images/mirror/image.ts';
import type { MirrorProgress } from '../../src/images/mirror/progress.ts';
import { createRegistryConnector } from '../../src/images/registry/connector.ts';
import { systemClock } from '../../src/kernel/clock.ts';

export interface CopyJob {
  /** `host:port` of registries that speak plain HTTP. */
  readonly from: string;
  readonly to: string;
  readonly images: readonly MirrorImage[];
  readonly parallel: number;
}

/** What it prints at its end, as JSON. */
export interface CopyReport {
  readonly seconds: number;
  readonly requests: number;
  /** The most that was ever resident (VmHWM), with Node itself. */
  readonly peakMegabytes: number;
  /** The reasons of images that failed. */
  readonly failed: readonly string[];
  readonly progress: MirrorProgress | undefined;
}

const job = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as CopyJob;
let requests = 0;
diagnostics.subscribe('undici:request:create', () => {
  requests += 1;
});
const connector = createRegistryConnector({ clock: systemClock, random: Math.random, allowLocal: true });
let progress: MirrorProgress | undefined;
const begun = performance.now();
const outcomes = await createMirror({ clock: systemClock }).copy(
  job.images,
  connector.connect({ host: job.from, insecure: true }),
  connector.connect({ host: job.to, insecure: true }),
  {
    parallel: job.parallel,
    signal: new AbortController().signal,
    onProgress(now) {
      progress = now;
    },
  },
);
const seconds = (performance.now() - begun) / 1000;
await connector.close();
const peak = /VmHWM:\s*(\d+) kB/.exec(await readFile('/proc/self/status', 'utf8'));
const report: CopyReport = {
  seconds,
  requests,
  peakMegabytes: Number(peak?.[1]) / 1024,
  failed: outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error.message] : [])),
  progress,
};
console.log(JSON.stringify(report));
