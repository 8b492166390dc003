// Who may say what: the agents that are awaited, what was heard of them, and whom to turn away. Memory of this process, no I/O.
import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { addressesIn, inspectionOf, macsIn } from './inspection.ts';
import type { AgentAddress, ExpectedAgent, Heard } from './port.ts';

/** As Ironic answers: the agent shows `fault` in its log. */
export type Answer<T> = { readonly status: 200 | 202; readonly body: T } | Refusal;

export interface Refusal {
  readonly status: 400 | 401 | 404 | 409;
  readonly fault: string;
}

export interface Lookup {
  /** Lower case, with colons. */
  readonly addresses: readonly string[];
  readonly uuid: string | undefined;
  /** IP address that it came from. */
  readonly peer: string;
}

export interface Heartbeat {
  readonly uuid: string;
  readonly peer: string;
  readonly callbackUrl: unknown;
  readonly token: unknown;
  readonly version: unknown;
  readonly certificate: unknown;
}

export interface Desk {
  /** The same boot again keeps what was heard of it. */
  expect(agent: ExpectedAgent): void;
  forget(uid: string): void;
  heard(uid: string): Heard | undefined;
  /** Where the agent of this boot said to be, to a former process. */
  restore(uid: string, address: AgentAddress): void;
  /** `mac` in lower case, with colons. */
  byMac(mac: string): ExpectedAgent | undefined;
  scriptFetched(mac: string): void;
  lookup(lookup: Lookup): Answer<ExpectedAgent>;
  heartbeat(heartbeat: Heartbeat): Answer<undefined>;
  inspection(payload: unknown, peer: string): Answer<{ readonly uuid: string }>;
}

interface Expected {
  agent: ExpectedAgent;
  heard: Heard;
  /** The address that this boot's token went to. */
  peer: string | undefined;
}

const nobody: Refusal = { status: 404, fault: 'no node with this MAC address awaits an agent' };
const longestUrl = 256;
const longestCertificate = 16_384;

export function createDesk(deps: {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Something was heard that whoever works on this node should look at. */
  readonly onNews: (uid: string) => void;
}): Desk {
  const { clock, onNews } = deps;
  const awaited = new Map<string, Expected>();

  const note = (one: Expected, heard: Partial<Heard>): void => {
    one.heard = { ...one.heard, ...heard };
    onNews(one.agent.uid);
  };
  const turnAway = (one: Expected, fault: string): Refusal => {
    if (one.heard.trouble !== fault) note(one, { trouble: fault });
    // Whoever is turned away is not told whom we know, and where.
    return { status: 409, fault: 'another machine is awaited here' };
  };
  const { oneWith, speaker } = createDoor(awaited, turnAway);

  return {
    expect(agent) {
      const known = awaited.get(agent.uid);
      if (known?.agent.boot === agent.boot) known.agent = agent;
      else awaited.set(agent.uid, { agent, heard: {}, peer: undefined });
    },
    forget: (uid) => void awaited.delete(uid),
    heard: (uid) => awaited.get(uid)?.heard,
    restore(uid, address) {
      const one = awaited.get(uid);
      if (one === undefined || one.heard.address !== undefined) return;
      one.heard = { ...one.heard, address, heartbeatAt: clock.monotonic() };
      one.peer = hostOf(URL.parse(address.url));
    },
    byMac: (mac) => oneWith(mac)?.agent,
    scriptFetched(mac) {
      const one = oneWith(mac);
      if (one !== undefined && one.heard.scriptAt === undefined) note(one, { scriptAt: clock.monotonic() });
    },
    lookup({ addresses, uuid, peer }) {
      const one = speaker(addresses, peer);
      if ('status' in one) return one;
      if (uuid !== undefined && uuid !== one.agent.uid) return nobody;
      one.peer = peer;
      if (one.heard.lookupAt === undefined) note(one, { lookupAt: clock.monotonic() });
      return { status: 200, body: one.agent };
    },
    heartbeat(beat) {
      const one = awaited.get(beat.uuid);
      if (one === undefined) return { status: 404, fault: 'this node awaits no agent' };
      const address = judged(beat, one);
      if ('fault' in address) {
        turnAway(one, address.fault);
        return address;
      }
      one.heard = wellAgain(one.heard);
      note(one, { heartbeatAt: clock.monotonic(), address: one.heard.address ?? address });
      return { status: 202, body: undefined };
    },
    inspection(payload, peer) {
      const one = speaker(macsIn(payload), peer);
      if ('status' in one) return one;
      if (!one.agent.inspecting) return nobody;
      const inspection = inspectionOf(payload);
      if (typeof inspection === 'string') return { status: 400, fault: inspection };
      one.peer = peer;
      note(one, { inspection });
      return { status: 200, body: { uuid: one.agent.uid } };
    },
  };
}

/** What was wrong with its own heartbeats is over; that somebody else spoke in its name is not forgotten so soon. */
function wellAgain({ trouble, ...heard }: Heard): Heard {
  return trouble?.startsWith('a second agent') === true ? { ...heard, trouble } : heard;
}

type TurnAway = (one: Expected, fault: string) => Refusal;

/** Who may come in: known by a MAC address of exactly one machine, and from one IP address only. */
function createDoor(awaited: ReadonlyMap<string, Expected>, turnAway: TurnAway) {
  const allWith = (macs: readonly string[]): readonly Expected[] =>
    [...awaited.values()].filter(({ agent }) => agent.macs.some((mac) => macs.includes(mac)));
  const oneWith = (mac: string): Expected | undefined => {
    const found = allWith([mac]);
    return found.length === 1 ? found[0] : undefined;
  };
  /** Who speaks. The same words for unknown and not awaited: nobody is told which machines there are. */
  const speaker = (macs: readonly string[], peer: string): Expected | Refusal => {
    const found = allWith(macs);
    const [one, another] = found;
    if (one === undefined) return nobody;
    if (another !== undefined) {
      const names = found.map(({ agent }) => agent.name).join(' and ');
      const fault = `an agent at ${peer} has MAC addresses of ${names}: each machine needs its own in spec.bootMACAddress`;
      return found.map((each) => turnAway(each, fault))[0] ?? nobody;
    }
    if (one.peer === undefined || one.peer === peer) return one;
    return turnAway(
      one,
      `a second agent with a MAC address of ${one.agent.name} speaks from ${peer}: the one at ${one.peer} was first, and is kept`,
    );
  };
  return { oneWith, speaker };
}

/** Where the agent is, or how the heartbeat is refused. */
function judged(
  beat: Heartbeat,
  one: Expected,
): AgentAddress | { readonly status: 400 | 401 | 409; readonly fault: string } {
  if (!sameToken(beat.token, one.agent.token))
    return { status: 401, fault: `an agent at ${beat.peer} beats with a wrong token` };
  const address = addressIn(beat, one);
  if (typeof address === 'string') return { status: 400, fault: address };
  const known = one.heard.address;
  if (known !== undefined && known.url !== address.url)
    return { status: 409, fault: `the agent moved from ${known.url} to ${address.url}` };
  if (known !== undefined && known.certificate.trim() !== address.certificate.trim())
    return { status: 409, fault: `the agent at ${address.url} was restarted: it has another certificate` };
  return address;
}

function isReadable(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).raw.length > 0;
  } catch {
    return false;
  }
}

/** In constant time, whatever their lengths. */
function sameToken(given: unknown, token: string): boolean {
  if (typeof given !== 'string') return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** What is wrong with a heartbeat's address, in words, or the address. */
function addressIn(beat: Heartbeat, { peer: bound, heard }: Expected): AgentAddress | string {
  const { callbackUrl, version, certificate, peer: from } = beat;
  const text = typeof callbackUrl === 'string' && callbackUrl.length <= longestUrl ? callbackUrl : '';
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' || `${url.origin}/` !== url.href)
    return 'the callback_url must be https://IP:PORT';
  // A machine with several NICs may speak from one and listen on another.
  const own = [from, ...addressesIn(heard.inspection?.raw)];
  const host = hostOf(url);
  if (host === undefined || !own.includes(host) || (bound !== undefined && bound !== from))
    return `the agent speaks from ${from}, and wants to be called at ${url.host}`;
  if (typeof certificate !== 'string' || !certificate.includes('BEGIN CERTIFICATE'))
    return 'the agent sends no certificate (agent_verify_ca)';
  const readable = certificate.length <= longestCertificate && isReadable(certificate);
  if (!readable) return 'the certificate of the agent cannot be read, or is too long';
  return { url: url.origin, certificate, version: versionIn(version) };
}

const versionIn = (version: unknown): string =>
  typeof version === 'string' ? version.slice(0, 64) : 'unknown';

/** An IPv6 address stands in brackets in a URL. */
const hostOf = (url: URL | null): string | undefined => url?.hostname.replaceAll(/[[\]]/g, '');
