// Nodes, Hosts and Secrets as tests need them: complete, with what a case is about given by the case.
import type {
  BareMetalNode,
  BareMetalNodeSpec,
  BareMetalNodeStatus,
} from '../../../src/api/baremetalnode.gen.ts';
import type { Host, HostSpec } from '../../../src/api/host.gen.ts';
import { finalizers } from '../../../src/api/names.ts';
import type { Condition, ObjectMeta, Secret } from '../../../src/kube/objects.ts';
import type { Seed } from '../../fakes/kube.ts';

export const namespace = 'lab';
export const start = new Date('2026-01-01T00:00:00Z');
const apiVersion = 'undercloud.dev/v1alpha1';

const metadata = (name: string, more: Partial<ObjectMeta>): ObjectMeta => ({
  name,
  namespace,
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});

export interface NodeParts {
  readonly spec?: Partial<BareMetalNodeSpec>;
  readonly status?: Partial<BareMetalNodeStatus>;
  readonly metadata?: Partial<ObjectMeta>;
}

const nodeSpec = (name: string, spec: Partial<BareMetalNodeSpec> = {}): BareMetalNodeSpec => ({
  bmc: { address: 'ipmi://10.0.0.1', credentialsName: `${name}-bmc` },
  address: '172.16.0.22',
  sshPort: 22,
  externallyProvisioned: true,
  bootMode: 'UEFI',
  inspectionMode: 'OutOfBand',
  automatedCleaningMode: 'Disabled',
  maintenance: false,
  paused: false,
  ...spec,
});

/** A machine whose system is there already, as a user applies it. */
export const newNode = (name: string, spec?: Partial<BareMetalNodeSpec>): Seed<BareMetalNode> => ({
  apiVersion,
  kind: 'BareMetalNode',
  metadata: { name, namespace },
  spec: nodeSpec(name, spec),
});

/** The same as it is read, in state `available` unless the case says otherwise. */
export const nodeOf = (
  name: string,
  { spec, status, metadata: meta = {} }: NodeParts = {},
): BareMetalNode => ({
  apiVersion,
  kind: 'BareMetalNode',
  metadata: metadata(name, meta),
  spec: nodeSpec(name, spec),
  status: { observedGeneration: 1, state: 'available', ...status },
});

export interface HostParts {
  readonly spec?: Partial<HostSpec>;
  readonly status?: Host['status'];
  readonly metadata?: Partial<ObjectMeta>;
}

const hostSpec = (name: string, nodeName: string, spec: Partial<HostSpec> = {}): HostSpec => ({
  overcloudName: 'lab',
  role: 'controller',
  index: 0,
  hostname: name,
  nodeName,
  ssh: { user: 'root', keyName: 'lab-ssh', port: 22 },
  revision: '',
  proposedRevision: '',
  step: 0,
  mode: 'Apply',
  paused: false,
  pauseReason: '',
  deletionPolicy: 'Retain',
  hold: false,
  ...spec,
});
const hostFinalizers = [finalizers.hostDrain, finalizers.hostRelease];

/** A Host of cloud `lab` that asks for `nodeName`, as the overcloud room makes it. */
export const newHost = (name: string, nodeName: string, spec?: Partial<HostSpec>): Seed<Host> => ({
  apiVersion,
  kind: 'Host',
  metadata: { name, namespace, finalizers: hostFinalizers },
  spec: hostSpec(name, nodeName, spec),
});

/** The same as it is read. */
export const hostOf = (
  name: string,
  nodeName: string,
  { spec, status, metadata: meta = {} }: HostParts = {},
): Host => ({
  apiVersion,
  kind: 'Host',
  metadata: metadata(name, { finalizers: hostFinalizers, ...meta }),
  spec: hostSpec(name, nodeName, spec),
  ...(status && { status }),
});

export const secretOf = (name: string, data: Readonly<Record<string, string>>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadata(name, {}),
  data: Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  ),
});

export const conditionOf = (node: BareMetalNode | undefined, type: string): Condition | undefined =>
  node?.status?.conditions?.find((condition) => condition.type === type);
