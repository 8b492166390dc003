// A site for the end-to-end tests of machines that we install: a real API server, the operator, and what machines fetch.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { type Operator, startOperator } from '../../support/operator.ts';
import { eventually } from '../../support/wait.ts';
import { type Files, startFiles } from './files.ts';
import { bootImages, loginSecret, namespace } from './manifests.ts';
import { freePorts, type ReplicaPorts, startService } from './service.ts';
import { type Watched, watchSite } from './watched.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const controlPlaneName = 'e2e-bm';

/** An operator, and where it listens to machines while it leads. */
export interface Replica extends Operator {
  readonly ports: ReplicaPorts;
}

export interface Site {
  readonly controlPlane: ControlPlane;
  /** Nodes and Hosts as the API server shows them, with all that they were. */
  readonly watched: Watched;
  /** What the media server has. */
  readonly files: Files;
  /** Where machines get their boot scripts. */
  readonly bootUrl: string;
  /** Where agents call. */
  readonly agentUrl: string;
  /** The one that leads. */
  operator: Replica;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  apply(...objects: readonly object[]): Promise<void>;
  patch(kind: string, name: string, patch: object): Promise<void>;
  /** Starts a replica, which waits until nobody else leads. */
  startReplica(): Promise<Replica>;
  /** Waits until `replica` leads and listens, and has machines reach it. */
  takeOver(replica: Replica): Promise<void>;
  /** Ends the operator, and has another take over. */
  restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Called when the site is taken down. */
  onEnd(close: () => Promise<unknown>): void;
}

let started: Promise<Site> | undefined;
const closing: (() => Promise<unknown>)[] = [];

/** The one site of all files; started by the first that asks. */
export function theSite(): Promise<Site> {
  started ??= bringUp();
  return started;
}

async function bringUp(): Promise<Site> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-site-'));
  onEnd(() => rm(directory, { recursive: true, force: true }));
  const files = await startFiles(directory);
  onEnd(() => files.close());
  const service = await startService();
  onEnd(() => service.close());
  const controlPlane = await startControlPlane(controlPlaneName);
  onEnd(() => controlPlane.stop());
  const kubectl = kubectlOf(controlPlane);
  await install(kubectl);
  const watched = watchSite(controlPlane.kubeconfig);
  onEnd(() => watched.close());

  const agentUrl = `https://127.0.0.1:${service.ports.agent}`;
  const startReplica: Site['startReplica'] = async () => {
    const ports = await freePorts();
    const listen = [
      '--agent-address',
      `127.0.0.1:${ports.agent}`,
      '--boot-address',
      `127.0.0.1:${ports.boot}`,
    ];
    const flags = ['--agent-url', agentUrl, ...listen, '--agent-poll', '1', '--power-poll', '1'];
    const operator = await startOperator(controlPlaneName, flags);
    onEnd(() => operator.signal('SIGKILL'));
    return { ...operator, ports };
  };
  const site: Site = {
    ...{ controlPlane, watched, files, agentUrl, kubectl, startReplica, onEnd },
    bootUrl: `http://127.0.0.1:${service.ports.boot}`,
    operator: await startReplica(),
    apply: async (...objects) => {
      const list = { apiVersion: 'v1', kind: 'List', items: objects };
      await kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(list));
    },
    patch: async (kind, name, patch) => {
      await kubectl(['patch', kind, name, '-n', namespace, '--type=merge', '-p', JSON.stringify(patch)]);
    },
    async takeOver(replica) {
      // A leader that was killed, or stands still, has a lease that must run out first.
      await eventually(
        'machines can boot from the operator',
        60,
        async () => ((await replica.log()).includes('Machines can boot') ? true : undefined),
        () => replica.log(),
      );
      service.select(replica.ports);
      site.operator = replica;
    },
    async restart(signal) {
      await site.operator.signal(signal);
      await site.takeOver(await startReplica());
    },
  };
  await site.apply(loginSecret, bootImages(files));
  await site.takeOver(site.operator);
  return site;
}

const onEnd = (close: () => Promise<unknown>): void => void closing.unshift(close);

const kubectlOf =
  (controlPlane: ControlPlane): Site['kubectl'] =>
  async (args, stdin) => {
    const { code, stdout, stderr } = await controlPlane.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };

/** As deploy/ has it installed. */
async function install(kubectl: Site['kubectl']): Promise<void> {
  await kubectl(['apply', '--server-side', '-k', path.join(root, 'crds')]);
  const parts = ['crd', '-l', 'app.kubernetes.io/part-of=undercloud'];
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...parts]);
  await kubectl(['apply', '-k', path.join(root, 'deploy/access')]);
  await kubectl(['create', 'namespace', namespace]);
}

after('take the site down', async function () {
  this.timeout(120_000);
  await started?.catch(() => undefined);
  const failures: unknown[] = [];
  for (const close of closing.splice(0)) {
    await close().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the site was not taken down as a whole');
});
