// A site for the end-to-end test of images: a real API server, the operator, and real registries with a proxy between.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { CustomObjectsApi, KubeConfig } from '@kubernetes/client-node';
import { containerImageSets, type ContainerImageSet } from '../../../src/api/containerimageset.gen.ts';
import { annotations, group } from '../../../src/api/names.ts';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { type Operator, startOperator } from '../../support/operator.ts';
import { eventually } from '../../support/wait.ts';
import { namespace } from './manifests.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const controlPlaneName = 'e2e-img';

export interface Site {
  readonly controlPlane: ControlPlane;
  /** For files; deleted in the end. */
  readonly directory: string;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** `kubectl undercloud …`, as it is installed from dist/. */
  undercloud(...args: readonly string[]): Promise<string>;
  apply(...objects: readonly object[]): Promise<void>;
  annotate(set: string, annotation: keyof typeof annotations, value: string): Promise<void>;
  get(set: string): Promise<ContainerImageSet>;
  /** Waits for what `probe` says; in vain, the error tells how the set is. */
  until<T>(
    set: string,
    what: string,
    seconds: number,
    probe: (set: ContainerImageSet) => T | undefined,
  ): Promise<T>;
  /** All that the operator has printed that runs now. */
  log(): Promise<string>;
  /** Ends the operator, and has another take over. */
  restart(signal: 'SIGKILL' | 'SIGTERM', flags?: readonly string[]): Promise<void>;
}

const local = ['--allow-local-registries'];

/** `onEnd` is told how to take down what is up already, also when the rest does not come up. */
export async function startSite(onEnd: (close: () => Promise<unknown>) => void): Promise<Site> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-images-'));
  onEnd(() => rm(directory, { recursive: true }));
  const controlPlane = await startControlPlane(controlPlaneName);
  onEnd(() => controlPlane.stop());
  const kubectl: Site['kubectl'] = async (args, stdin) => {
    const { code, stdout, stderr } = await controlPlane.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  await install(kubectl);
  let operator = await startReplica(local);
  onEnd(() => operator.signal('SIGKILL'));
  await leads(operator);
  const objects = clientOf(controlPlane);
  const get: Site['get'] = async (name) =>
    (await objects.getNamespacedCustomObject({
      ...{ group, version: containerImageSets.version, plural: containerImageSets.plural },
      ...{ namespace, name },
    })) as ContainerImageSet;
  return {
    ...{ controlPlane, directory, kubectl, get },
    async undercloud(...args) {
      const program = path.join(root, 'dist/cli/main.js');
      const flags = [...args, '--namespace', namespace, '--kubeconfig', controlPlane.kubeconfig];
      return (await promisify(execFile)(process.execPath, [program, ...flags])).stdout;
    },
    async apply(...objects) {
      const list = { apiVersion: 'v1', kind: 'List', items: objects };
      await kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(list));
    },
    async annotate(set, annotation, value) {
      const words = [`${annotations[annotation]}=${value}`, '--overwrite'];
      await kubectl(['annotate', 'cis', set, '-n', namespace, ...words]);
    },
    until: (set, what, seconds, probe) =>
      eventually(
        `image set ${set} ${what}`,
        seconds,
        async () => probe(await get(set)),
        async () => `${JSON.stringify((await get(set)).status, undefined, 1)}\n${await operator.log()}`,
      ),
    log: () => operator.log(),
    async restart(signal, flags = local) {
      await operator.signal(signal);
      operator = await startReplica(flags);
      await leads(operator);
    },
  };
}

/** Asks without starting a program each time. */
function clientOf({ kubeconfig }: ControlPlane): CustomObjectsApi {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return config.makeApiClient(CustomObjectsApi);
}

const startReplica = (flags: readonly string[]): Promise<Operator> => startOperator(controlPlaneName, flags);

/** A killed leader's lease has to run out first. */
const leads = (operator: Operator): Promise<true> =>
  eventually(
    'the operator leads',
    60,
    async () => ((await operator.log()).includes('Became the leader') ? true : undefined),
    () => operator.log(),
  );

/** As deploy/ and examples/ have it. */
async function install(kubectl: Site['kubectl']): Promise<void> {
  await kubectl(['apply', '--server-side', '-k', path.join(root, 'crds')]);
  const parts = ['crd', '-l', 'app.kubernetes.io/part-of=undercloud'];
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...parts]);
  await kubectl(['apply', '-k', path.join(root, 'deploy/access')]);
  await kubectl(['create', 'namespace', namespace]);
  const catalog = path.join(root, 'examples/images/catalog.yaml');
  await kubectl(['create', 'configmap', 'openstack-images', '-n', namespace, `--from-file=${catalog}`]);
}
