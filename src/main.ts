// The composition root: reads the configuration, picks the adapters, builds the rooms' controllers and starts the manager.
import { randomBytes } from 'node:crypto';
import { bareMetalNodes } from './api/baremetalnode.gen.ts';
import { containerImageSets } from './api/containerimageset.gen.ts';
import { hosts } from './api/host.gen.ts';
import { overclouds } from './api/overcloud.gen.ts';
import { overcloudServices } from './api/overcloudservice.gen.ts';
import { roles } from './api/role.gen.ts';
import { createBmcConnector } from './baremetal/bmc/connect.ts';
import { createBmcPool } from './baremetal/bmc/pool.ts';
import { createBareMetalNodeController, type ProvisioningServices } from './baremetal/controller.ts';
import { createProvisioning, type ProvisioningOptions } from './baremetal/provisioning.ts';
import { type Config, parseConfig } from './config.ts';
import { createHostController } from './host/controller.ts';
import { createSessionConnector } from './host/session/connector.ts';
import { createSessionPool } from './host/session/pool.ts';
import { createContainerImageSetController } from './images/controller.ts';
import { createRegistryConnector } from './images/registry/connector.ts';
import { systemClock } from './kernel/clock.ts';
import { messageOf } from './kernel/errors.ts';
import { createEventRecorder } from './kernel/events.ts';
import type { Logger } from './kernel/log.ts';
import { createLogging } from './kernel/logging.ts';
import { createManager, type Manager } from './kernel/manager.ts';
import { createMetrics } from './kernel/metrics.ts';
import { runProcess } from './kernel/process.ts';
import { createRedactor } from './kernel/redact.ts';
import { createStatusWriter } from './kernel/status.ts';
import { createLeaderLabel } from './kube/leader-label.ts';
import { loadAccess } from './kube/access.ts';
import { createApiServer } from './kube/http.ts';
import { createListWatch } from './kube/list-watch.ts';
import { configMaps, controllerRevisions } from './kube/objects.ts';
import { createKubeClient } from './kube/rest.ts';
import { registerSecrets } from './kube/secrets.ts';
import { createOvercloudController } from './overcloud/controller.ts';
import {
  createOvercloudServiceController,
  createRoleController,
} from './overcloud/definition-controllers.ts';

const watched = [
  bareMetalNodes,
  containerImageSets,
  hosts,
  overclouds,
  overcloudServices,
  roles,
  configMaps,
  controllerRevisions,
];

/** Some firmware drops what comes in quick succession. */
const bmcSpacingMs = 50;

function build(config: Config, log: Logger, redact: (secret: string) => void): Manager {
  const clock = systemClock;
  const random = Math.random;
  const metrics = createMetrics();
  const access = loadAccess(config.kubeconfig === undefined ? {} : { kubeconfig: config.kubeconfig }, clock);
  const server = createApiServer(access, metrics.requestSent);
  const client = registerSecrets(createKubeClient(server), redact);
  const events = createEventRecorder({
    client,
    clock,
    log,
    controller: 'undercloud.dev/operator',
    instance: config.identity,
  });
  const manager = createManager({
    client,
    source: createListWatch(server),
    clock,
    random,
    log,
    metrics,
    resources: watched,
    ...(config.namespace === undefined ? {} : { namespace: config.namespace }),
    lease: { namespace: config.leaseNamespace, name: config.leaseName },
    identity: config.identity,
    listen: { host: config.httpHost, port: config.httpPort },
    drain: events.drain,
  });
  const { cache, fence } = manager;
  const shared = {
    client,
    cache,
    status: createStatusWriter({ client, clock }),
    events,
    clock,
    random,
    fence,
    log,
  };
  const bmcs = createBmcPool({ clock, connect: createBmcConnector(clock), spacingMs: bmcSpacingMs });
  const sessions = createSessionPool({ ...shared, connector: createSessionConnector({ clock, log }) });
  manager.add(
    createBareMetalNodeController({
      ...shared,
      bmcs,
      randomBytes,
      powerPollMs: config.powerPollMs,
      provisioning: provisioningFor(config, shared),
      agentPollMs: config.provisioning?.agentPollMs ?? 0,
      notCleaned: metrics.notCleaned,
    }),
  );
  const registries = createRegistryConnector({ clock, random, allowLocal: config.allowLocalRegistries });
  manager.add(createContainerImageSetController({ ...shared, registries }));
  manager.add(createOvercloudController({ ...shared, randomBytes }));
  manager.add(createRoleController(shared));
  manager.add(createOvercloudServiceController(shared));
  manager.add(createHostController({ ...shared, pool: sessions, slowPassMs: config.hostPassMs }));
  return manager;
}

function provisioningFor(
  { provisioning, pod, leaseNamespace }: Config,
  shared: Pick<ProvisioningOptions, 'client' | 'cache' | 'clock' | 'log'>,
): ProvisioningServices | undefined {
  if (provisioning === undefined) return undefined;
  const label = createLeaderLabel(shared.client, pod);
  // A former process in this pod may have led, and this one may not for a while.
  label
    .hide(AbortSignal.timeout(60_000))
    .catch((error: unknown) =>
      shared.log.warn('The pod keeps its leader label', { error: messageOf(error) }),
    );
  return createProvisioning({ ...shared, ...provisioning, label, namespace: leaseNamespace });
}

async function main(): Promise<void> {
  const parsed = parseConfig(process.argv.slice(2), process.env);
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return;
  }
  if (parsed.kind === 'wrong') {
    process.stderr.write(`undercloud: ${parsed.problems.join('\nundercloud: ')}\nSee undercloud --help.\n`);
    process.exitCode = 2;
    return;
  }
  const { config } = parsed;
  const redactor = createRedactor();
  const { log, close } = createLogging({
    level: config.logLevel,
    format: config.logFormat,
    stream: process.stdout,
    clock: systemClock,
    redactor,
  });
  log.info('Starting', { identity: config.identity, namespace: config.namespace ?? 'all' });
  await runProcess(log, close, (stop) => build(config, log, redactor.register).run(stop));
}

await main();
