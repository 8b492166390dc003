// From `kubectl apply` of a new tag to the new container healthy (image cached), next to the raw replace of a container.
import { eventually } from '../support/wait.ts';
import { machine, type OneHost, startOneHost } from './one-host.ts';
import { quantile, report } from './report.ts';

const rounds = 10;
const tags = ['12.0-20180309.1', '12.0-20180319.1'] as const;
const check = ['/openstack/healthcheck'];

const service = `
apiVersion: undercloud.dev/v1alpha1
kind: OvercloudService
metadata: { name: subject }
spec:
  configFiles: []
  containers:
  - { name: nova_api, image: nova-api, step: 4, user: root, command: [/usr/bin/nova-api], healthcheck: { test: [/openstack/healthcheck] } }
`;

export async function swap(): Promise<void> {
  const host = await startOneHost(tags[0], service);
  try {
    await host.settled(1);
    for (const tag of tags)
      await host.cloud.ssh(
        machine,
        `podman pull --quiet --tls-verify=false ${host.imagePrefix}nova-api:${tag}`,
      );
    const ours: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      ours.push(await ourRound(host, tags[round % 2] ?? tags[0]));
      console.log(`round ${String(round)}: undercloud ${ours.at(-1)?.toFixed(2) ?? ''} s`);
    }
    await host.cloud.apply(
      service.replace('containers:', 'containers: []\n  unused:').split('\n  unused:')[0] ?? '',
    );
    await host.settled(0);
    const raw: number[] = [];
    await host.raw.run({
      name: 'raw_nova_api',
      image: `${host.imagePrefix}nova-api:${tags[0]}`,
      command: ['/usr/bin/nova-api'],
      check,
    });
    for (let round = 1; round <= rounds; round += 1)
      raw.push(await rawRound(host, tags[round % 2] ?? tags[0]));
    await host.raw.remove('raw_nova_api');
    const figures = { p50: quantile(ours, 0.5), p90: quantile(ours, 0.9) };
    const baseline = { p50: quantile(raw, 0.5), p90: quantile(raw, 0.9) };
    report({
      bench: 'swap',
      unit: 'seconds from a new tag to the new container healthy',
      figures,
      baseline,
      ratio: { p50: figures.p50 / baseline.p50, p90: figures.p90 / baseline.p90 },
      target: 'p50 of 3 s or less',
    });
  } finally {
    await host.stop();
  }
}

async function ourRound(host: OneHost, tag: string): Promise<number> {
  const before = await host.raw.docker.getContainer('nova_api').inspect();
  const began = performance.now();
  await host.cloud.apply(imageSet(host, tag));
  await eventually(
    `nova_api runs ${tag} and is healthy`,
    60,
    async () => {
      const now = await host.raw.docker
        .getContainer('nova_api')
        .inspect()
        .catch(() => undefined);
      if (now === undefined || now.Id === before.Id || !now.State.Running) return undefined;
      return (await isHealthy(host)) ? true : undefined;
    },
    () => host.operator.log(),
  );
  const seconds = (performance.now() - began) / 1000;
  await host.settled(1);
  return seconds;
}

async function isHealthy(host: OneHost): Promise<boolean> {
  const exec = await host.raw.docker
    .getContainer('nova_api')
    .exec({ Cmd: check, AttachStdout: true, AttachStderr: true });
  const output = await exec.start({});
  output.resume();
  await new Promise((resolve) => output.once('end', resolve));
  return (await exec.inspect()).ExitCode === 0;
}

const imageSet = (host: OneHost, tag: string): string => `
apiVersion: undercloud.dev/v1alpha1
kind: ContainerImageSet
metadata: { name: images }
spec:
  source: { registry: "${host.imagePrefix.split('/')[0] ?? ''}", namespace: lab, prefix: openstack-, insecure: true }
  tag: "${tag}"
`;

/** Stop, remove, create, start, probe: what replacing a container takes at least. */
async function rawRound(host: OneHost, tag: string): Promise<number> {
  const began = performance.now();
  await host.raw.docker.getContainer('raw_nova_api').stop({ t: 10 });
  await host.raw.remove('raw_nova_api');
  await host.raw.run({
    name: 'raw_nova_api',
    image: `${host.imagePrefix}nova-api:${tag}`,
    command: ['/usr/bin/nova-api'],
    check,
  });
  return (performance.now() - began) / 1000;
}
