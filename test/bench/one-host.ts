// A cloud of one host for the benchmarks: its own lab, its own control plane, the operator as a user runs it.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Cloud, startCloud } from '../support/cloud.ts';
import { type Operator, startOperator } from '../support/operator.ts';
import { type RawEngine, rawEngine } from './raw.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const labName = 'bench';
export const machine = 'overcloud-ctrl01';
const host = 'host.undercloud.dev/lab-controller-0';

export interface OneHost {
  readonly cloud: Cloud;
  readonly operator: Operator;
  readonly raw: RawEngine;
  /** `registry/namespace/openstack-` */
  readonly imagePrefix: string;
  /** Resolves when the host runs exactly `count` containers, all ready, at step 5, and the cloud is Ready. */
  settled(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** The host starts with a role of one service, `subject`, which is `service` (the body of an OvercloudService's spec). */
export async function startOneHost(tag: string, service: string): Promise<OneHost> {
  const hack = (name: string, ...args: string[]) => run(path.join(root, 'hack', name), args);
  await hack(
    'lab',
    'up',
    '--name',
    labName,
    '--number',
    '79',
    '--controllers',
    '1',
    '--computes',
    '0',
    '--ceph',
    '0',
  );
  process.env.UNDERCLOUD_TEST_LAB = labName;
  const cloud = await startCloud('bench');
  const operator = await startOperator('bench');
  const raw = await rawEngine(cloud.lab, machine);
  const registry = `172.30.${String(cloud.lab.number)}.1:8787`;
  await cloud.kubectl(['create', 'namespace', 'lab']);
  const { stdout: secrets } = await hack('lab', 'secrets', '--name', labName);
  await cloud.apply(`${secrets}\n---\n${manifests(cloud, registry, tag)}\n---\n${service}`);
  const one: OneHost = {
    cloud,
    operator,
    raw,
    imagePrefix: `${registry}/lab/openstack-`,
    settled: async (count) => {
      const summary = `${String(count)}/${String(count)}`;
      const path = '--for=jsonpath={.status.containers.summary}=' + summary;
      await cloud.kubectl(['wait', '-n', 'lab', '--for=create', host, '--timeout=120s']);
      await cloud.kubectl(['wait', '-n', 'lab', host, path, '--timeout=300s']);
      await cloud.kubectl(['wait', '-n', 'lab', '--for=condition=Ready', 'ovc/lab', '--timeout=300s']);
    },
    async stop() {
      await operator.signal('SIGTERM');
      await raw.close();
      await cloud.stop();
      await hack('lab', 'down', '--name', labName, '--purge');
    },
  };
  return one;
}

function manifests(cloud: Cloud, registry: string, tag: string): string {
  const known = cloud.lab.machines.find(({ name }) => name === machine);
  return `
apiVersion: undercloud.dev/v1alpha1
kind: BareMetalNode
metadata: { name: ${machine} }
spec:
  bmc: { address: "${known?.bmc.address ?? ''}", credentialsName: ${machine}-bmc }
  externallyProvisioned: true
  address: ${known?.address ?? ''}
  profile: control
---
apiVersion: undercloud.dev/v1alpha1
kind: ContainerImageSet
metadata: { name: images }
spec:
  source: { registry: "${registry}", namespace: lab, prefix: openstack-, insecure: true }
  tag: "${tag}"
---
apiVersion: undercloud.dev/v1alpha1
kind: Role
metadata: { name: controller }
spec: { services: [subject], profile: control }
---
apiVersion: undercloud.dev/v1alpha1
kind: Overcloud
metadata: { name: lab }
spec:
  imageSetName: images
  roles: [{ role: controller, count: 1 }]
  ssh: { user: heat-admin, keyName: lab-ssh }
`;
}
