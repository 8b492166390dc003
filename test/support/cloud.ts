// A whole cloud for the end-to-end tests: a control plane, the lab's machines, examples/lab on top, and ways to look at it.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { type Lab, onMachine, useLab } from './lab.ts';
import { eventually } from './wait.ts';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
/** examples/lab is written for the lab of this number; the test lab has its own. */
const exampleNumber = 77;

/** Loose on purpose: what a person sees in `kubectl get -o json`. */
export interface Seen {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string }[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
}

/** A container as `podman ps -a` on the machine shows it. */
export interface Running {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly state: string;
  readonly startedAt: number;
}

export interface Cloud {
  readonly controlPlane: ControlPlane;
  readonly lab: Lab;
  readonly namespace: string;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Applies text, as a person would. */
  apply(yaml: string): Promise<void>;
  /** examples/lab, at the addresses of this lab. */
  example(): Promise<string>;
  get(kind: string, name: string): Promise<Seen>;
  list(kind: string): Promise<readonly Seen[]>;
  patch(kind: string, name: string, patch: unknown): Promise<void>;
  /** Resolves when the object's Ready has this status (and, where given, this reason). */
  ready(
    kind: string,
    name: string,
    status: 'True' | 'False',
    seconds: number,
    reason?: RegExp,
  ): Promise<Seen>;
  /** By container name, on the machine behind a BareMetalNode. */
  containers(machine: string): Promise<ReadonlyMap<string, Running>>;
  /** Runs a command on a machine over SSH as root, as a person would. */
  ssh(machine: string, command: string): Promise<string>;
  stop(): Promise<void>;
}

export const readyOf = (object: Seen): { status: string; reason: string; message: string } =>
  object.status?.conditions?.find(({ type }) => type === 'Ready') ?? {
    status: 'Unknown',
    reason: '',
    message: 'no Ready condition',
  };

/** Starts the parts and installs the CRDs and the access rules; the caller starts the operator and applies the example. */
export async function startCloud(controlPlaneName: string): Promise<Cloud> {
  const [lab, controlPlane] = await Promise.all([useLab(), startControlPlane(controlPlaneName)]);
  const namespace = 'lab';

  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> => {
    const { code, stdout, stderr } = await controlPlane.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  await kubectl(['apply', '--server-side', '-k', path.join(root, 'crds')]);
  await kubectl([
    'wait',
    '--for=condition=Established',
    '--timeout=60s',
    'crd',
    '-l',
    'app.kubernetes.io/part-of=undercloud',
  ]);
  await kubectl(['apply', '-k', path.join(root, 'deploy/access')]);

  const ssh = async (machine: string, command: string): Promise<string> => {
    const known = lab.machines.find(({ name }) => name === machine);
    if (known === undefined) throw new Error(`the lab has no machine ${machine}`);
    return onMachine(lab, known, command);
  };

  const cloud: Cloud = {
    controlPlane,
    lab,
    namespace,
    kubectl,
    ssh,
    apply: async (yaml) => {
      await kubectl(['apply', '-n', namespace, '-f', '-'], yaml);
    },
    async example() {
      const rendered = await kubectl(['kustomize', path.join(root, 'examples/lab')]);
      const { stdout: made } = await run(path.join(root, 'hack/lab'), ['secrets', '--name', lab.name]);
      const number = String(lab.number);
      const moved = rendered
        .replaceAll(`172.30.${String(exampleNumber)}.`, `172.30.${number}.`)
        .replaceAll(`127.${String(exampleNumber)}.0.`, `127.${number}.0.`);
      return `${moved}\n---\n${made}`;
    },
    get: async (kind, name) =>
      JSON.parse(await kubectl(['get', kind, name, '-n', namespace, '-o', 'json'])) as Seen,
    list: async (kind) =>
      (JSON.parse(await kubectl(['get', kind, '-n', namespace, '-o', 'json'])) as { items: Seen[] }).items,
    patch: async (kind, name, patch) => {
      await kubectl(['patch', kind, name, '-n', namespace, '--type=merge', '-p', JSON.stringify(patch)]);
    },
    ready: (kind, name, status, seconds, reason = /./) =>
      eventually(
        `${kind}/${name} has Ready=${status} with a reason like ${String(reason)}`,
        seconds,
        async () => {
          const object = await cloud.get(kind, name);
          const ready = readyOf(object);
          return ready.status === status && reason.test(ready.reason) && isCurrent(object)
            ? object
            : undefined;
        },
        async () => JSON.stringify(readyOf(await cloud.get(kind, name))),
      ),
    async containers(machine) {
      const listed = JSON.parse(await ssh(machine, 'podman ps -a --format json')) as readonly Record<
        string,
        unknown
      >[];
      return new Map(listed.map(parseRunning).map((container) => [container.name, container]));
    },
    stop: () => controlPlane.stop(),
  };
  return cloud;
}

/** What the controller says is about the spec as it is now. */
function isCurrent(object: Seen): boolean {
  const { generation } = object.metadata as { readonly generation?: number };
  return object.status?.observedGeneration === generation;
}

function parseRunning(listed: Readonly<Record<string, unknown>>): Running {
  return {
    id: String(listed.Id),
    name: String((listed.Names as readonly string[])[0]),
    image: String(listed.Image),
    imageId: String(listed.ImageID),
    state: String(listed.State),
    startedAt: Number(listed.StartedAt),
  };
}
