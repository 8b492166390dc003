// How long 49 containers take on one empty host, from `kubectl apply` to all ready, next to the same calls made raw.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inParallel, type RawContainer } from './raw.ts';
import { machine, type OneHost, startOneHost } from './one-host.ts';
import { quantile, report } from './report.ts';

const count = 49;
const rounds = 3;
/** As many as a host is worked on in parallel. */
const width = 8;
const tag = '12.0-20180309.1';
/** In the seeds' lab 35 of 49 had a health check. */
const withCheck = 35;

interface Planned {
  readonly name: string;
  readonly step: number;
  readonly check: boolean;
}

/** Spread over the steps as a Pike controller's are: few in the first three, most in the fourth. */
const planned: readonly Planned[] = Array.from({ length: count }, (_, index) => ({
  name: `container_${String(index).padStart(2, '0')}`,
  step: index < 2 ? 1 : index < 6 ? 2 : index < 12 ? 3 : index < 46 ? 4 : 5,
  check: index < withCheck,
}));

const service = (containers: readonly Planned[]): string => `
apiVersion: undercloud.dev/v1alpha1
kind: OvercloudService
metadata: { name: subject }
spec:
  directories: [{ path: /var/log/containers, owner: "root:root", mode: "0755" }]
  containers: [${containers
    .map(
      ({ name, step, check }) =>
        `{ name: ${name}, image: cron, step: ${String(step)}, command: [sleep, infinity]` +
        (check ? ', healthcheck: { test: [/bin/true] } }' : ' }'),
    )
    .join(', ')}]
`;

export async function controller(): Promise<void> {
  const host = await startOneHost(tag, service([]));
  try {
    await host.settled(0);
    const ours: number[] = [];
    const raw: number[] = [];
    await prepareImage(host);
    for (let round = 1; round <= rounds; round += 1) {
      raw.push(await rawRound(host));
      ours.push(await ourRound(host));
      console.log(
        `round ${String(round)}: undercloud ${ours.at(-1)?.toFixed(2) ?? ''} s, raw ${raw.at(-1)?.toFixed(2) ?? ''} s`,
      );
    }
    const [p50, base] = [quantile(ours, 0.5), quantile(raw, 0.5)];
    report({
      bench: 'controller',
      unit: 'seconds for 49 containers on one empty host',
      figures: { p50, worst: Math.max(...ours) },
      baseline: { p50: base, worst: Math.max(...raw) },
      ratio: { p50: p50 / base },
      target: 'ratio of p50 1.25 or less',
    });
  } finally {
    await host.stop();
  }
}

const imageOf = (host: OneHost): string => `${host.imagePrefix}cron:${tag}`;

/** Both sides begin with the image on the host. */
async function prepareImage(host: OneHost): Promise<void> {
  await host.cloud.ssh(machine, `podman pull --quiet --tls-verify=false ${imageOf(host)}`);
}

async function rawRound(host: OneHost): Promise<number> {
  const containers = planned.map(({ name, check }): RawContainer => ({
    name: `raw_${name}`,
    image: imageOf(host),
    command: ['sleep', 'infinity'],
    check: check ? ['/bin/true'] : [],
  }));
  const began = performance.now();
  await inParallel(containers, width, host.raw.run);
  const seconds = (performance.now() - began) / 1000;
  await inParallel(containers, width, ({ name }) => host.raw.remove(name));
  return seconds;
}

async function ourRound(host: OneHost): Promise<number> {
  const began = performance.now();
  await host.cloud.apply(service(planned));
  await host.settled(count);
  const seconds = (performance.now() - began) / 1000;
  await promisify(execFile)('sleep', ['1']);
  await host.cloud.apply(service([]));
  await host.settled(0);
  return seconds;
}
