// The part of a pass that reaches the host: connect, observe, plan, apply, and report what is there then.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ConditionInput, Health } from '../kernel/conditions.ts';
import type { Outcome } from '../kernel/controller.ts';
import { OperatorError, transient } from '../kernel/errors.ts';
import type { Fence } from '../kernel/fence.ts';
import { applyPlan } from './apply.ts';
import { isHealing, type Note } from './apply/context.ts';
import { brakeOf, mayAct, type Brake } from './brakes.ts';
import { waitsForNode } from './claim.ts';
import { connect, type ConnectDeps } from './connect.ts';
import type { Compiled, Gatherer } from './gather.ts';
import { connectedAs, report, type Hands } from './hands.ts';
import { convergedCondition, healthOf, unsupportedCondition } from './health.ts';
import type { Manifest } from './manifest/types.ts';
import type { Link } from './memory.ts';
import { nextLook } from './next-look.ts';
import { planHost } from './plan.ts';
import type { Observation, Plan } from './plan/types.ts';
import type { HostSession } from './ports.ts';
import type { PullOrder } from './pre-pull/puller.ts';
import { mayPullAhead, noteOfPrePull, type PrePullSeen } from './pre-pull/status.ts';
import { reachedOf, type Findings } from './report.ts';

export interface ConvergeDeps extends ConnectDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly fence: Fence;
  readonly gatherer: Gatherer;
  /** How often a host at rest is looked at, in ms; spread by a tenth. */
  readonly slowPassMs: number;
}

interface Look {
  readonly observed: Observation;
  readonly plan: Plan;
}

export type Converge = (host: Host, node: BareMetalNode, hands: Hands) => Promise<Outcome>;

export function createConverge(deps: ConvergeDeps): Converge {
  const { gatherer } = deps;
  /** Sessions whose host carries our mark by now: what a session says of its host is from its beginning. */
  const claimed = new WeakSet<HostSession>();

  const reach = async (host: Host, node: BareMetalNode, compiled: Compiled, hands: Hands): Promise<Link> => {
    const { signal } = hands.context;
    const target = await gatherer.target(host, node, compiled.payload.engine, signal);
    hands.connected = connectedAs('Unknown', 'Connecting', `connects to ${target.address}`);
    const session = await connect(deps, host, target, hands.reporter.renew, signal);
    const { bootId, owner } = session.facts;
    hands.live = session;
    hands.session = { address: target.address, bootId, epoch: deps.fence.epoch };
    hands.connected = connectedAs('True', 'Connected', `connected to ${target.address} as ${target.user}`);
    // Under a brake nothing is written on the host but what the session itself needs: its helper, and the fence.
    if (mayAct(hands.brake) && owner === '' && !claimed.has(session)) {
      await session.claim(target.owner, signal);
      claimed.add(session);
    }
    return hands.memory.linkTo(session, target, signal);
  };

  return async (host, node, hands) => {
    const { brake, memory, context } = hands;
    const act = mayAct(brake);
    if (!act) memory.prePuller.stop();
    const compiled = await compileCurrent(host, gatherer, context.signal);
    memory.learn(compiled.manifest);
    memory.failures.begin(compiled.manifest.revision);
    const link = await reach(host, node, compiled, hands);
    let seen = await look(compiled, host, hands, link);
    if (act && seen.plan.actions.length > 0) {
      memory.prePuller.stop();
      await apply(deps, compiled, host, hands, { ...seen, link });
      seen = await look(compiled, host, hands, link);
    }
    const { observed, plan } = seen;
    // Probing executes a command in a container: that too is acting.
    if (act) for (const { id, container } of plan.unproven) link.prober.watch(id, container);
    const verdicts = link.prober.verdicts();
    const kept = observed.containers.filter(({ id }) => act || verdicts.get(id)?.kind === 'proven');
    link.prober.keep(new Set(kept.map(({ id }) => id)));
    const proposed = await proposedPlan(gatherer, host, seen, hands, link);
    const found = findingsOf(host, compiled, plan, hands);
    const prePull = pullAhead(gatherer.pullOrder(host, compiled.payload), found, host, hands, link);
    const pulls = prePull !== undefined && prePull.waitsFor === undefined;
    const findings = { ...found, proposed, prePull };
    const writeAgainMs = await reportAndTell(deps.events, hands, findings);
    const { failures, prePuller } = memory;
    const unplanned = proposed !== undefined && 'trouble' in proposed;
    return nextLook({
      ...deps,
      plan,
      reached: reachedOf(host),
      act,
      unplanned,
      link,
      failures,
      writeAgainMs,
      pullAgainMs: pulls ? prePuller.nextMs() : undefined,
    });
  };
}

/** Lets images be pulled ahead as long as there is nothing else to do; undefined where none are to be. */
function pullAhead(
  order: PullOrder | undefined,
  { health, current: { plan } }: ReturnType<typeof findingsOf>,
  host: Host,
  { brake, memory: { prePuller } }: Hands,
  { session, prober }: Link,
): PrePullSeen | undefined {
  const may = mayPullAhead(brake, reachedOf(host), plan, prober.verdicts());
  if (order === undefined || !may) prePuller.stop();
  else prePuller.goOn(session, order);
  if (order === undefined) return undefined;
  const state = prePuller.state(order.hash);
  if (may) return { state, waitsFor: undefined };
  return { state, waitsFor: mayAct(brake) ? health.message : `left alone: ${brake.text}` };
}

/** Reports, and tells once what has become of the images that are pulled ahead. */
async function reportAndTell(
  events: ConvergeDeps['events'],
  hands: Hands,
  findings: Parameters<typeof report>[1],
): Promise<number | undefined> {
  const before = hands.reporter.host().status?.prePulled;
  const writeAgainMs = await report(hands, findings);
  const host = hands.reporter.host();
  const note = noteOfPrePull(before, host.status?.prePulled);
  if (note !== undefined) tell(events, host, note);
  return writeAgainMs;
}

async function compileCurrent(host: Host, gatherer: Gatherer, signal: AbortSignal): Promise<Compiled> {
  if (host.spec.revision !== '') return gatherer.compile(host, host.spec.revision, signal);
  throw transient('NoRevision', `waits for the first revision of role ${host.spec.role}`);
}

async function look({ manifest }: Compiled, host: Host, hands: Hands, link: Link): Promise<Look> {
  const { memory, context } = hands;
  const { prober, observer, ledger } = link;
  const observed = await observer.observe(manifest, ledger.current(), prober.verdicts(), context.signal);
  const plan = planHost({
    manifest,
    observed,
    step: host.spec.step,
    reached: reachedOf(host),
    verdicts: prober.verdicts(),
    failures: memory.failures.view(),
    suspects: memory.failures.suspects(),
  });
  return { observed, plan };
}

async function apply(
  { events, clock, gatherer }: ConvergeDeps,
  compiled: Compiled,
  host: Host,
  hands: Hands,
  { plan, link }: Look & { readonly link: Link },
): Promise<void> {
  const { log, signal } = hands.context;
  const findings = findingsOf(host, compiled, plan, hands);
  const reached = reachedOf(host);
  // Healing is quick, and somebody may be counting its milliseconds: it is reported when it is done.
  if (plan.actions.some((action) => !isHealing(action, reached))) await report(hands, findings);
  await applyPlan(plan, {
    ...link,
    ...compiled,
    failures: hands.memory.failures,
    clock,
    log,
    signal,
    reached,
    superseded: () => isSuperseded(gatherer, host, hands.brake),
    tell: (note) => tell(events, host, note),
    onPhase: async (phase, running) => {
      const message = `${host.metadata.name}: ${phase}`;
      const health: Health = { kind: 'progressing', reason: 'Converging', message };
      await report(hands, { ...findings, health, running });
    },
  });
}

/** Whether the pass goes on with what nobody asks for any more. */
function isSuperseded(gatherer: Gatherer, host: Host, brake: Brake): boolean {
  const newest = gatherer.newest(host);
  if (newest?.metadata.generation !== host.metadata.generation) return true;
  const node = gatherer.nodeOf(newest);
  const released =
    newest.metadata.deletionTimestamp !== undefined || waitsForNode(newest, node) !== undefined;
  return released || brakeOf(newest, node).kind !== brake.kind;
}

/** What the proposed revision would do; without one, what a brake keeps from being done. */
async function proposedPlan(
  gatherer: Gatherer,
  host: Host,
  { observed, plan }: Look,
  { brake, memory, context }: Hands,
  { observer, prober }: Link,
): Promise<Findings['proposed']> {
  const { revision, proposedRevision } = host.spec;
  if (proposedRevision === '' || proposedRevision === revision) {
    return mayAct(brake) || plan.actions.length === 0 ? undefined : { revision, plan };
  }
  const manifest = await compileProposed(gatherer, host, context.signal);
  if (manifest instanceof OperatorError) return { revision: proposedRevision, trouble: manifest.message };
  return {
    revision: proposedRevision,
    plan: planHost({
      manifest,
      observed: await observer.alsoFor(observed, manifest, context.signal),
      step: 5,
      reached: 0,
      verdicts: prober.verdicts(),
      failures: new Map(),
      suspects: memory.failures.suspects(),
    }),
  };
}

/** What is wrong with a proposal is for its plan to say: the host does well without it. */
async function compileProposed(
  gatherer: Gatherer,
  host: Host,
  signal: AbortSignal,
): Promise<Manifest | OperatorError> {
  try {
    return (await gatherer.compile(host, host.spec.proposedRevision, signal)).manifest;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OperatorError) return error;
    throw error;
  }
}

function findingsOf(
  host: Host,
  { manifest }: Compiled,
  plan: Plan,
  { brake }: Hands,
): Pick<Findings, 'health' | 'conditions'> & { readonly current: NonNullable<Findings['current']> } {
  const unsupported = unsupportedCondition(manifest);
  const conditions: readonly ConditionInput[] = [
    convergedCondition(plan, manifest),
    ...(unsupported === undefined ? [] : [unsupported]),
  ];
  const health = healthOf(host.metadata.name, plan, manifest, brake, host.spec.step);
  return { health, conditions, current: { manifest, plan } };
}

function tell(events: ConvergeDeps['events'], host: Host, { type, reason, action, note }: Note): void {
  const text = `${host.metadata.name}: ${note}`;
  if (type === 'Warning') events.warning(host, reason, action, text);
  else events.normal(host, reason, action, text);
}
