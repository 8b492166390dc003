// Our Lease (coordination.k8s.io): taken, renewed and released by compare-and-swap, with the fencing epoch in an annotation.
import type { Clock } from '../kernel/clock.ts';
import { asOperatorError, transient, unsafe, type OperatorError } from '../kernel/errors.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject, ObjectKey, Resource } from './objects.ts';
import { microTime } from './time.ts';

/** Who finds a lease unchanged for this long may take it. */
const durationMs = 15_000;
const epochAnnotation = 'undercloud.dev/epoch';

export interface Lease extends KubeObject {
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const leases: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
};

/** What this process has of the lease. All durations are on the monotonic clock. */
export interface LeaseHold {
  /** Undefined while we do not hold it. */
  epoch(): number | undefined;
  /** Since when nobody has heard of us: from before the last successful renewal was sent. */
  renewedAt(): number;
  /** How long others will leave it to us; 0 while we do not hold it. */
  remainingMs(): number;
  /**
   * Takes the lease if nobody holds it, or if its holder let it run out while we looked (another's time is counted from
   * when we saw it). Raises the epoch. False when another holds it; throws Conflict or AlreadyExists when one was quicker.
   */
  tryAcquire(signal: AbortSignal): Promise<boolean>;
  /** Renews it on condition that it is as we left it (else Conflict), under an epoch above `seen`. */
  renew(signal: AbortSignal, seen?: number): Promise<void>;
  /**
   * After a conflict: either somebody put a label on it, or the answer to our own change of it got lost, or it is not ours any
   * more (unsafe LeaseLost).
   */
  readAgain(signal: AbortSignal): Promise<void>;
  /** Counts as lost from now on, whatever the object says. */
  drop(): void;
  /** Gives it back, so that the next leader need not wait. */
  release(signal: AbortSignal): Promise<void>;
}

interface Held {
  readonly lease: Lease;
  readonly epoch: number;
  readonly renewedAt: number;
}

export interface LeaseHoldDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly lease: ObjectKey;
  /** Must differ for every process that ever runs: a pod's name and a random part. */
  readonly identity: string;
}

export function createLeaseHold({ client, clock, lease: key, identity }: LeaseHoldDeps): LeaseHold {
  let held: Held | undefined;
  const isFree = createExpiryWatch(clock);
  const holding = (): Held => {
    if (held === undefined) throw notLeader();
    return held;
  };

  return {
    epoch: () => held?.epoch,
    renewedAt: () => held?.renewedAt ?? -Infinity,
    remainingMs: () => Math.max(0, (held?.renewedAt ?? -Infinity) + durationMs - clock.monotonic()),
    async tryAcquire(signal) {
      const present = await client.get(leases, key, signal);
      if (present !== undefined && !isFree(present)) return false;
      const renewedAt = clock.monotonic();
      const epoch = epochOf(present) + 1;
      const spec = {
        ...takenBy(identity, clock.now()),
        leaseTransitions: (present?.spec.leaseTransitions ?? -1) + 1,
      };
      const lease =
        present === undefined
          ? await createIn(key.namespace, () =>
              client.create(
                leases,
                { ...typeOfLease, metadata: { ...key, ...annotated(epoch) }, spec },
                signal,
              ),
            )
          : await client.patch(
              leases,
              key,
              { metadata: { ...versionOf(present), ...annotated(epoch) }, spec },
              signal,
            );
      held = { lease, epoch, renewedAt };
      return true;
    },
    async renew(signal, seen = 0) {
      const former = holding();
      const epoch = Math.max(former.epoch, seen + 1);
      const metadata = { ...versionOf(former.lease), ...annotated(epoch) };
      const renewedAt = clock.monotonic();
      const patch = { metadata, spec: { renewTime: microTime(clock.now()) } };
      const lease = await client.patch(leases, key, patch, signal);
      // It may have been dropped while the answer was under way.
      holding();
      held = { lease, epoch, renewedAt };
    },
    async readAgain(signal) {
      const lease = await client.get(leases, key, signal);
      const former = holding();
      const epoch = epochOf(lease);
      if (lease?.spec.holderIdentity !== identity || epoch < former.epoch) throw takenAway(lease);
      held = { ...former, lease, epoch };
    },
    drop() {
      held = undefined;
    },
    async release(signal) {
      const { lease } = holding();
      held = undefined;
      const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock.now()) };
      await client.patch(leases, key, { metadata: versionOf(lease), spec }, signal);
    },
  };
}

/** The first thing that a new installation gets wrong, said with its remedy. */
async function createIn<T>(namespace: string, create: () => Promise<T>): Promise<T> {
  try {
    return await create();
  } catch (error) {
    if (asOperatorError(error).reason !== 'NotFound') throw error;
    const remedy = 'kubectl apply -k deploy/access makes it, --lease-namespace names another';
    throw transient(
      'NamespaceNotFound',
      `cannot lead: namespace ${namespace} does not exist: ${remedy}`,
      error,
    );
  }
}

export const notLeader = (): OperatorError =>
  unsafe('NotLeader', 'this process does not lead: it may not change anything');

const takenAway = (lease: Lease | undefined): OperatorError =>
  unsafe('LeaseLost', `the lease was taken from this process by '${lease?.spec.holderIdentity ?? 'nobody'}'`);

/** Remembers since when a lease has stood unchanged: the times written in it are those of another machine's clock. */
function createExpiryWatch(clock: Clock): (lease: Lease) => boolean {
  let seen: { readonly resourceVersion: string; readonly at: number } | undefined;
  return ({ metadata: { resourceVersion }, spec }) => {
    if (seen?.resourceVersion !== resourceVersion) seen = { resourceVersion, at: clock.monotonic() };
    const validMs = spec.leaseDurationSeconds === undefined ? durationMs : spec.leaseDurationSeconds * 1000;
    return (spec.holderIdentity ?? '') === '' || clock.monotonic() - seen.at >= validMs;
  };
}

function takenBy(holderIdentity: string, now: Date) {
  const time = microTime(now);
  return { holderIdentity, leaseDurationSeconds: durationMs / 1000, acquireTime: time, renewTime: time };
}

const typeOfLease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
const annotated = (epoch: number) => ({ annotations: { [epochAnnotation]: String(epoch) } });
const versionOf = ({ metadata }: Lease) => ({ resourceVersion: metadata.resourceVersion });
const epochOf = (lease: Lease | undefined): number =>
  Number(lease?.metadata.annotations?.[epochAnnotation] ?? 0) || 0;
