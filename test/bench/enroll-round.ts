// One round of the enroll benchmark: a control plane with so many nodes in it, then the operator, until the last is available.
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { bareMetalNodes, type BareMetalNode } from '../../src/api/baremetalnode.gen.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLimiter } from '../../src/kernel/limiter.ts';
import { silentLogger } from '../../src/kernel/log.ts';
import { loadAccess } from '../../src/kube/access.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { createApiServer } from '../../src/kube/http.ts';
import { createListWatch, type ListWatch } from '../../src/kube/list-watch.ts';
import { secrets } from '../../src/kube/objects.ts';
import { createReflector, type ReflectorObserver } from '../../src/kube/reflector.ts';
import { createKubeClient } from '../../src/kube/rest.ts';
import type { Fleet } from '../simulators/redfish-fleet.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { type Operator, startOperator } from '../support/operator.ts';

export interface Round {
  readonly size: number;
  /** From the operator's start to the last node available. */
  readonly seconds: number;
  /** The same to the node that makes half of them. */
  readonly half: number;
  /** The operator's resident memory. */
  readonly peakMegabytes: number;
  readonly endMegabytes: number;
  /** The operator's. */
  readonly cpuSeconds: number;
  /** Of CPU, all that ran on this machine: the operator, the simulator, the API server, and who else was there. */
  readonly machineSeconds: number;
  /** The operator's to the API server, and the same by method. */
  readonly requests: number;
  readonly byMethod: Readonly<Record<string, number>>;
  /** Those of them that came too late: somebody, mostly ourselves, had written meanwhile. */
  readonly conflicts: number;
  readonly bmcRequests: number;
}

const root = path.resolve(import.meta.dirname, '../..');
const controlPlaneName = 'enroll';
const namespace = 'fleet';
const createdAtOnce = 24;
/** A tenth of the target: who is slower than that has failed. */
const slowestPerMinute = 60;
const never = new AbortController().signal;

export async function enrollRound(size: number, fleet: Fleet): Promise<Round> {
  const controlPlane = await startControlPlane(controlPlaneName);
  const access = loadAccess({ kubeconfig: controlPlane.kubeconfig }, systemClock);
  try {
    const server = createApiServer(access);
    await install(controlPlane);
    await createNodes(createKubeClient(server), size, fleet);
    return await measure(size, fleet, createListWatch(server));
  } finally {
    await access.close();
    await controlPlane.stop();
  }
}

async function install({ kubectl }: ControlPlane): Promise<void> {
  const done = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
  };
  await done('apply', '--server-side', '-k', path.join(root, 'crds'));
  const label = 'app.kubernetes.io/part-of=undercloud';
  await done('wait', '--for=condition=Established', '--timeout=60s', 'crd', '-l', label);
  await done('apply', '-k', path.join(root, 'deploy/access'));
  await done('create', 'namespace', namespace);
}

async function createNodes(client: KubeClient, size: number, fleet: Fleet): Promise<void> {
  const limiter = createLimiter(createdAtOnce);
  const one = async (index: number): Promise<void> => {
    const name = `node-${String(index).padStart(5, '0')}`;
    const { address, username, password } = fleet.member(index);
    const encoded = (text: string): string => Buffer.from(text).toString('base64');
    await client.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: `${name}-bmc` },
      data: { username: encoded(username), password: encoded(password) },
    });
    // What is left out gets the defaults of the schema, as when a person leaves it out.
    const spec = { bmc: { address, credentialsName: `${name}-bmc` } } as BareMetalNode['spec'];
    await client.create(bareMetalNodes, {
      apiVersion: 'undercloud.dev/v1alpha1',
      kind: 'BareMetalNode',
      metadata: { namespace, name },
      spec,
    });
  };
  await Promise.all(Array.from({ length: size }, (_, index) => limiter.run(never, () => one(index))));
}

async function measure(size: number, fleet: Fleet, source: ListWatch): Promise<Round> {
  const stop = new AbortController();
  const available = follow(size, source, stop.signal);
  await available.listed;
  const operator = await startOperator(controlPlaneName);
  const began = performance.now();
  const before = machineSeconds();
  try {
    const limit = Math.max((size / slowestPerMinute) * 60, 60) * 1000;
    const late = setTimeout(() => stop.abort(), limit);
    const times = await available.all;
    clearTimeout(late);
    const busy = machineSeconds() - before;
    const [metrics, status] = await Promise.all([metricsOf(operator), statusOf(operator)]);
    const requests = metrics.filter(({ name }) => name === 'rest_client_requests_total');
    const since = (time: number | undefined): number => ((time ?? Number.NaN) - began) / 1000;
    return {
      size,
      seconds: since(times.at(-1)),
      half: since(times[Math.floor(size / 2)]),
      peakMegabytes: status('VmHWM') / 1024,
      endMegabytes: status('VmRSS') / 1024,
      cpuSeconds: metrics.find(({ name }) => name === 'process_cpu_seconds_total')?.value ?? Number.NaN,
      requests: requests.reduce((sum, { value }) => sum + value, 0),
      byMethod: sumBy(requests),
      conflicts: requests.reduce((sum, { code, value }) => sum + (code === '409' ? value : 0), 0),
      machineSeconds: busy,
      bmcRequests: (await fleet.counts()).requests,
    };
  } catch (error) {
    console.error((await operator.log()).split('\n').slice(-20).join('\n'));
    throw error;
  } finally {
    stop.abort();
    await operator.signal('SIGTERM');
  }
}

/** Looks on until all nodes are available; `all` resolves with the time of each, in order. */
function follow(size: number, source: ListWatch, signal: AbortSignal) {
  const deps = { source, clock: systemClock, random: Math.random, log: silentLogger, observer: nobody };
  const reflector = createReflector(bareMetalNodes, { ...deps, scope: { namespace } });
  const times: number[] = [];
  const all = new Promise<readonly number[]>((resolve, reject) => {
    const summary = (): string => {
      const counts: Record<string, number> = {};
      for (const { status } of reflector.store.list()) {
        const state = status?.state ?? 'untouched';
        counts[state] = (counts[state] ?? 0) + 1;
      }
      return JSON.stringify(counts);
    };
    signal.addEventListener('abort', () => reject(new Error(`not all are available: ${summary()}`)), {
      once: true,
    });
    reflector.onChange(({ before, after }) => {
      if (after?.status?.state !== 'available' || before?.status?.state === 'available') return;
      times.push(performance.now());
      if (times.length === size) resolve(times);
    });
  });
  void reflector.run(signal);
  return { all, listed: reflector.synced };
}

const nothing = (): void => undefined;
const nobody: ReflectorObserver = { listed: nothing, watchStarted: nothing, event: nothing, failed: nothing };

interface Sample {
  readonly name: string;
  readonly method: string;
  readonly code: string;
  readonly value: number;
}

/** From the operator's /metrics, whose port it logs. */
async function metricsOf(operator: Operator): Promise<readonly Sample[]> {
  const [, port] = /Serving health and metrics.* port=(\d+)/.exec(await operator.log()) ?? [];
  const text = await (await fetch(`http://127.0.0.1:${port ?? ''}/metrics`)).text();
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-z_]+)(\{[^}]*\})? (\S+)$/.exec(line) ?? [];
    const [, method = ''] = /method="([A-Z]+)"/.exec(labels) ?? [];
    const [, code = ''] = /code="([^"]+)"/.exec(labels) ?? [];
    return name === undefined ? [] : [{ name, method, code, value: Number(value) }];
  });
}

/** All the time that the processors were not idle, in seconds. */
const machineSeconds = (): number =>
  cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + (user + nice + sys + irq) / 1000, 0);

/** Numbers of /proc/PID/status, in the unit that it has (kB). */
async function statusOf({ pid }: Operator): Promise<(name: string) => number> {
  const text = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
}

function sumBy(samples: readonly Sample[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { method, value } of samples) sums[method] = (sums[method] ?? 0) + value;
  return sums;
}
