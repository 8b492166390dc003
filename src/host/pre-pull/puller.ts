// Pulls images ahead of the day they are needed: in the background, one at a time, and only as long as nobody calls it off.
import type { Clock } from '../../kernel/clock.ts';
import { withDeadline } from '../../kernel/deadline.ts';
import { messageOf, transient } from '../../kernel/errors.ts';
import type { Limiter } from '../../kernel/limiter.ts';
import type { Logger } from '../../kernel/log.ts';
import type { HostSession, RegistryAuth } from '../ports.ts';
import { createPullFindings, type PullFindings } from './findings.ts';

/** What is to be on the host. */
export interface PullOrder {
  /** `repository@digest` */
  readonly images: readonly string[];
  /** Another hash is another list. */
  readonly hash: string;
  /** Credentials for the registry of an image; undefined where it wants none. Throws OperatorErrors that say what is missing. */
  readonly authFor: (repository: string, signal: AbortSignal) => Promise<RegistryAuth | undefined>;
  /** What a person may have to do before images can be pulled; empty where nothing is known. */
  readonly hint: string;
}

/** What is known of an order. */
export interface PullState {
  readonly present: number;
  /** Why images could not be pulled when that was last tried: sentences, in the order of the images. */
  readonly failures: readonly string[];
  /** The image that is on its way. */
  readonly pulling: string | undefined;
}

export interface PrePuller {
  /** Goes on with what is missing, in the background. Does nothing while that is being done. */
  goOn(session: HostSession, order: PullOrder): void;
  /** Something is more urgent: calls off what is being pulled. */
  stop(): void;
  /** Undefined while nobody has looked which images of the list `hash` are here. */
  state(hash: string): PullState | undefined;
  /** Milliseconds until the next try of what failed; undefined when nothing waits for one. */
  nextMs(): number | undefined;
}

export interface PrePullerDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Of all hosts: bounds how many pull ahead at once. */
  readonly pulls: Limiter;
  /** There is something new to report. */
  readonly onSettled: () => void;
}

/** A pull that takes longer hangs. */
const longestPullMs = 60 * 60_000;

interface Run {
  readonly session: HostSession;
  readonly order: PullOrder;
  readonly stop: AbortController;
  pulling: string | undefined;
}

interface Tools extends PrePullerDeps {
  readonly findings: PullFindings;
}

export function createPrePuller(deps: PrePullerDeps): PrePuller {
  const findings = createPullFindings(deps);
  let run: Run | undefined;
  let session: HostSession | undefined;

  const stop = () => {
    run?.stop.abort(transient('CalledOff', 'something more urgent is to be done'));
    run = undefined;
  };
  const begin = (mine: Run) => {
    run = mine;
    void follow(mine, { ...deps, findings }).finally(() => {
      if (run === mine) run = undefined;
    });
  };

  return {
    goOn(live, order) {
      if (run?.session === live && run.order.hash === order.hash) return;
      stop();
      // Another session may be another system on the same machine.
      if (session !== live) findings.forgetPresence();
      session = live;
      findings.keep(order);
      const open = order.images.some((image) => findings.isOld(image) || findings.isDue(image));
      if (open && !live.closed.aborted)
        begin({ session: live, order, stop: new AbortController(), pulling: undefined });
    },
    stop,
    state: (hash) => findings.state(hash, run?.pulling),
    nextMs: () => (run === undefined ? findings.nextMs() : undefined),
  };
}

/** Never rejects. */
async function follow(mine: Run, tools: Tools): Promise<void> {
  const { closed } = mine.session;
  const { signal } = mine.stop;
  const onClosed = () => mine.stop.abort(closed.reason);
  closed.addEventListener('abort', onClosed, { once: true });
  try {
    await work(mine, tools, signal);
  } catch (error) {
    // The engine is away: the next pass has more to say of that, and begins again.
    if (!signal.aborted) tools.log.warn('pulling ahead broke off', { error: messageOf(error) });
  } finally {
    closed.removeEventListener('abort', onClosed);
  }
}

async function work(mine: Run, tools: Tools, signal: AbortSignal): Promise<void> {
  const { findings, pulls, onSettled } = tools;
  await look(mine, tools, signal);
  const next = () => mine.order.images.find(findings.isDue);
  for (let image = next(); image !== undefined; image = next()) {
    const wanted = image;
    await pulls.run(signal, () => pull(wanted, mine, tools, signal));
    onSettled();
  }
}

/** What is there already is found out first: that is quick, and people see how much is left. */
async function look({ order, session }: Run, tools: Tools, signal: AbortSignal): Promise<void> {
  const { findings, onSettled } = tools;
  let news = false;
  for (const image of order.images.filter(findings.isOld)) {
    const present = (await session.engine.imageId(image, signal)) !== undefined;
    news = findings.saw(image, present) || news;
  }
  if (news) onSettled();
}

async function pull(image: string, mine: Run, tools: Tools, signal: AbortSignal): Promise<void> {
  const { order, session } = mine;
  const { clock, findings, log } = tools;
  const [repository = '', digest = ''] = image.split('@');
  const late = () => transient('ImagePullFailed', `took more than ${longestPullMs / 60_000} min`);
  mine.pulling = image;
  try {
    await withDeadline({ clock, ms: longestPullMs, signal, late }, async (inner) =>
      session.engine.pull(repository, digest, await order.authFor(repository, inner), inner),
    );
    findings.saw(image, true);
    log.info('image pulled ahead', { image });
  } catch (error) {
    signal.throwIfAborted();
    findings.failed(image, sentenceOf(image, error, order.hint));
    log.warn('image not pulled ahead', { image, error: messageOf(error) });
  } finally {
    mine.pulling = undefined;
  }
}

/** What people read: the whole digest would leave no room for the reason. */
export function shortImage(image: string): string {
  const [repository = '', digest = ''] = image.split('@');
  return `${repository}@${digest.slice(0, 'sha256:'.length + 12)}`;
}

/** The engine's words begin with its host and `cannot pull …`, others do not. */
function sentenceOf(image: string, error: unknown, hint: string): string {
  const words = messageOf(error).replace(/^[^ ]+: (cannot )/, '$1');
  const sentence = words.startsWith('cannot ') ? words : `cannot pull ${image}: ${words}`;
  return `${sentence.replaceAll(image, shortImage(image))}${hint === '' ? '' : `; ${hint}`}`;
}
