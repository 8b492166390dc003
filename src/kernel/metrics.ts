// Metrics under the names that controller-runtime and client-go use, so that existing dashboards and alerts fit.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ReflectorObserver } from '../kube/reflector.ts';
import type { QueueObserver } from './workqueue.ts';

/** As controller-runtime's reconcile_time_seconds. */
const reconcileBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** As client-go's workqueue metrics. */
const queueBuckets = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];

export type ReconcileResult = 'success' | 'requeue_after' | 'requeue' | 'error';

export interface LoopObserver extends QueueObserver {
  retried(): void;
  reconcileStarted(): void;
  reconcileEnded(result: ReconcileResult, ms: number): void;
  /** Counted beside the result. */
  terminalError(): void;
  timedOut(): void;
  /** An error that nobody foresaw: a bug. */
  panicked(): void;
}

/** What the gauges of a queue are read from whenever somebody scrapes. */
export interface QueueGauges {
  depth(): number;
  heldMs(): readonly number[];
}

export interface Metrics {
  /** For the rooms' own metrics, and for scraping. */
  readonly registry: Registry;
  loop(controller: string, workers: number, queue: () => QueueGauges): LoopObserver;
  reflector(plural: string): ReflectorObserver;
  leading(lease: string, leads: boolean): void;
  requestSent(method: string, code: string): void;
  /** A machine was let go without the cleaning that its spec asks for. */
  notCleaned(): void;
}

/** Every series starts at 0 as soon as its controller or reflector is known. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const gauge = (name: string, help: string, labelNames: readonly string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });

  const requests = counter('rest_client_requests_total', 'Requests to the API server', ['code', 'method']);
  const master = gauge('leader_election_master_status', '1 if this process leads', ['name']);
  const uncleaned = counter(
    'undercloud_nodes_not_cleaned_total',
    'Machines let go without the cleaning that their spec asks for',
    [],
  );
  return {
    registry,
    notCleaned: () => uncleaned.inc(),
    loop: createLoopMetrics(registry),
    reflector: createReflectorMetrics(registry),
    leading: (name, leads) => master.set({ name }, leads ? 1 : 0),
    requestSent: (method, code) => requests.inc({ method, code }),
  };
}

function createLoopMetrics(registry: Registry): Metrics['loop'] {
  const perController = createControllerMetrics(registry);
  const perQueue = createQueueMetrics(registry);
  return (controller, workers, queue) => ({
    ...perQueue(controller, queue),
    ...perController(controller, workers),
  });
}

type ReconcileObserver = Omit<LoopObserver, keyof QueueObserver | 'retried'>;

function createControllerMetrics(
  registry: Registry,
): (controller: string, workers: number) => ReconcileObserver {
  const options = { labelNames: ['controller'] as const, registers: [registry] };
  const counter = (name: string, help: string) =>
    new Counter({ ...options, name: `controller_runtime_${name}_total`, help });
  const total = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by how they ended',
    labelNames: ['controller', 'result'],
    registers: [registry],
  });
  const errors = counter('reconcile_errors', 'Reconciles that failed');
  const terminal = counter('terminal_reconcile_errors', 'Reconciles whose failure cannot mend by itself');
  const panics = counter('reconcile_panics', 'Reconciles that failed in a way that nobody foresaw');
  const timeouts = counter('reconcile_timeouts', 'Reconciles that took too long');
  const time = new Histogram({
    ...options,
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'How long a reconcile takes',
    buckets: reconcileBuckets,
  });
  const gauge = (name: string, help: string) =>
    new Gauge({ ...options, name: `controller_runtime_${name}`, help });
  const most = gauge('max_concurrent_reconciles', 'Workers');
  const active = gauge('active_workers', 'Workers that reconcile now');

  return (controller, workers) => {
    for (const result of ['success', 'requeue_after', 'requeue', 'error'])
      total.inc({ controller, result }, 0);
    for (const each of [errors, terminal, panics, timeouts]) each.inc({ controller }, 0);
    most.set({ controller }, workers);
    active.set({ controller }, 0);
    return {
      reconcileStarted: () => active.inc({ controller }),
      reconcileEnded(result, ms) {
        active.dec({ controller });
        total.inc({ controller, result });
        if (result === 'error') errors.inc({ controller });
        time.observe({ controller }, ms / 1000);
      },
      terminalError: () => terminal.inc({ controller }),
      timedOut: () => timeouts.inc({ controller }),
      panicked: () => panics.inc({ controller }),
    };
  };
}

function createQueueMetrics(
  registry: Registry,
): (name: string, queue: () => QueueGauges) => QueueObserver & Pick<LoopObserver, 'retried'> {
  const options = { labelNames: ['name', 'controller'] as const, registers: [registry] };
  const queues = new Map<string, () => QueueGauges>();
  const counter = (name: string, help: string) =>
    new Counter({ ...options, name: `workqueue_${name}_total`, help });
  const duration = (name: string, help: string) =>
    new Histogram({ ...options, name: `workqueue_${name}_seconds`, help, buckets: queueBuckets });
  const gauge = (name: string, help: string, read: (queue: QueueGauges) => number): void => {
    const metric = new Gauge<'name' | 'controller'>({
      ...options,
      name: `workqueue_${name}`,
      help,
      collect() {
        for (const [controller, queue] of queues) metric.set({ name: controller, controller }, read(queue()));
      },
    });
  };
  const adds = counter('adds', 'Additions to a queue');
  const retries = counter('retries', 'Additions after a failure');
  const waited = duration('queue_duration', 'How long a key waits for a worker');
  const worked = duration('work_duration', 'How long a key is worked on');
  gauge('depth', 'Keys that wait for a worker', (queue) => queue.depth());
  gauge('unfinished_work_seconds', 'Time spent so far on what is being worked on', (queue) =>
    queue.heldMs().reduce((sum, ms) => sum + ms / 1000, 0),
  );
  gauge(
    'longest_running_processor_seconds',
    'Time spent so far on what is worked on longest',
    (queue) => Math.max(0, ...queue.heldMs()) / 1000,
  );

  return (controller, queue) => {
    const labels = { name: controller, controller };
    queues.set(controller, queue);
    adds.inc(labels, 0);
    retries.inc(labels, 0);
    return {
      added: () => adds.inc(labels),
      retried: () => retries.inc(labels),
      taken: (ms) => waited.observe(labels, ms / 1000),
      done: (ms) => worked.observe(labels, ms / 1000),
    };
  };
}

function createReflectorMetrics(registry: Registry): Metrics['reflector'] {
  const options = { labelNames: ['name'] as const, registers: [registry] };
  const counter = (name: string, help: string) =>
    new Counter({ ...options, name: `reflector_${name}_total`, help });
  const lists = counter('lists', 'Lists of a resource');
  const watches = counter('watches', 'Watches opened');
  const events = counter('events', 'Events received');
  const expired = counter('expired', 'Versions that the API server had forgotten (410)');
  const failures = counter('failures', 'Lists and watches that failed');
  const objects = new Gauge({
    ...options,
    name: 'reflector_listed_objects',
    help: 'Objects in the last list',
  });
  return (name) => {
    for (const each of [lists, watches, events, expired, failures]) each.inc({ name }, 0);
    return {
      listed(count) {
        lists.inc({ name });
        objects.set({ name }, count);
      },
      watchStarted: () => watches.inc({ name }),
      event: () => events.inc({ name }),
      failed: (reason) => (reason === 'Expired' ? expired : failures).inc({ name }),
    };
  };
}
