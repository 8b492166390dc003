// What requests do to the machine behind our fake Redfish service: power, boot override, media, BIOS, and the other switches.
import { systemClock } from '../../src/kernel/clock.ts';
import {
  biosPath,
  chassisPath,
  failure,
  managerPath,
  mediaPaths,
  notFound,
  secureBootPath,
  settingsPath,
  subscriptionsPath,
  systemPath,
  type Answer,
  type Asked,
  type Attributes,
  type FakeRedfish,
} from './redfish-state.ts';

const done: Answer = { status: 204 };

/** The answer to a POST, PATCH or DELETE of one who is logged in. */
export function change(fake: FakeRedfish, asked: Asked): Answer {
  const { method, path } = asked;
  if (path === subscriptionsPath || fake.subscriptions.has(path)) return subscription(fake, asked);
  if (mediaPaths(fake).some((collection) => path.startsWith(`${collection}/`))) return media(fake, asked);
  const own = systemPath(fake);
  const known: Readonly<Record<string, () => Answer>> = {
    [`POST ${own}/Actions/Power`]: () => reset(fake, asked),
    [`POST ${managerPath}/Actions/Import`]: () => {
      fake.imported.push(String(asked.body?.ImportBuffer));
      return done;
    },
    [`PATCH ${own}`]: () => system(fake, asked),
    [`PATCH ${settingsPath(fake)}`]: () => system(fake, asked),
    [`PATCH ${chassisPath}`]: () => light(fake, asked.body ?? {}),
    [`PATCH ${biosPath(fake)}/Settings`]: () => {
      fake.pendingBios = { ...fake.pendingBios, ...(asked.body?.Attributes as Attributes) };
      return done;
    },
    [`PATCH ${secureBootPath(fake)}`]: () => {
      fake.secureBoot = asked.body?.SecureBootEnable === true;
      return done;
    },
  };
  return known[`${method} ${path}`]?.() ?? notFound(path);
}

function reset(fake: FakeRedfish, { body }: Asked): Answer {
  const { quirks, machine } = fake;
  const type = String(body?.ResetType);
  if (!quirks.resetTypes.includes(type))
    return failure(400, 'Base.1.8.ActionParameterValueNotInList', `No ${type}.`);
  const acts = machine.onReset?.(type) !== false && quirks.resets;
  if (acts) later(fake, type === 'ForceOff' || type === 'GracefulShutdown' ? 'Off' : 'On');
  return quirks.resetStatus < 300
    ? { status: quirks.resetStatus }
    : failure(quirks.resetStatus, 'Base.1.8.ActionNotSupported', 'No.');
}

function later(fake: FakeRedfish, state: 'On' | 'Off'): void {
  const { powerDelayMs = 0, clock = systemClock } = fake.machine;
  if (powerDelayMs === 0) return setFakePower(fake, state);
  if (fake.power !== state) fake.power = `Powering${state}`;
  clock.schedule(powerDelayMs, () => setFakePower(fake, state));
}

/** On is a start of the machine, whatever the power was. */
export function setFakePower(fake: FakeRedfish, state: 'On' | 'Off'): void {
  fake.power = state;
  fake.machine.onPower?.(state);
  if (state === 'Off') return;
  fake.bios = { ...fake.bios, ...fake.pendingBios };
  fake.pendingBios = {};
  fake.secureBootNow = fake.secureBoot;
  const { target, enabled, mode } = fake.boot;
  const overridden = enabled !== 'Disabled' && target !== 'None';
  if (enabled === 'Once') fake.boot = { target: 'None', enabled: 'Disabled', mode };
  const { media, secureBoot } = fake;
  fake.machine.onBoot?.({ target: overridden ? target : undefined, mode, media, secureBoot });
}

function system(fake: FakeRedfish, { path, body = {} }: Asked): Answer {
  if (!('Boot' in body)) return light(fake, body);
  const wanted = fake.quirks.bootInSettings ? settingsPath(fake) : systemPath(fake);
  if (path !== wanted) return failure(400, 'Base.1.8.PropertyNotWritable', 'Boot is read-only here.');
  return override(fake, body.Boot as Override);
}

interface Override {
  readonly BootSourceOverrideTarget?: string;
  readonly BootSourceOverrideEnabled?: string;
  readonly BootSourceOverrideMode?: string;
}

function override(fake: FakeRedfish, sent: Override): Answer {
  const { quirks, boot } = fake;
  const wrong = wrongIn(fake, sent);
  if (wrong !== undefined) return failure(400, 'Base.1.8.PropertyValueNotInList', `No such ${wrong}.`);
  const {
    BootSourceOverrideTarget: target,
    BootSourceOverrideEnabled: enabled,
    BootSourceOverrideMode: mode,
  } = sent;
  const forgets = quirks.enabled === 'always' && enabled === undefined && target !== undefined;
  if (forgets) return done;
  const falls = quirks.mode === 'forgotten' && target !== undefined;
  fake.boot = {
    target: target ?? boot.target,
    enabled: enabled ?? boot.enabled,
    mode: falls ? 'Legacy' : (mode ?? boot.mode),
  };
  return done;
}

function wrongIn({ quirks, boot }: FakeRedfish, sent: Override): string | undefined {
  const {
    BootSourceOverrideTarget: target,
    BootSourceOverrideEnabled: enabled,
    BootSourceOverrideMode: mode,
  } = sent;
  if (quirks.wholeBoot && [target, enabled, mode].includes(undefined)) return 'part of a request';
  if (target !== undefined && !quirks.bootTargets.includes(target)) return 'target';
  if (enabled !== undefined && !quirks.enabledValues.includes(enabled)) return 'Enabled';
  if (quirks.enabled === 'changed' && enabled === boot.enabled) return 'change';
  return mode !== undefined && ['refused', 'absent'].includes(quirks.mode) ? 'mode' : undefined;
}

function light(fake: FakeRedfish, body: Readonly<Record<string, unknown>>): Answer {
  const { LocationIndicatorActive: active, IndicatorLED: led } = body;
  if (fake.quirks.light === 'location') fake.indicator = active === true ? 'Lit' : 'Off';
  else if (fake.quirks.light === 'blink' && led === 'Lit')
    return failure(400, 'Base.1.8.PropertyValueNotInList', 'No Lit.');
  else fake.indicator = String(led);
  return done;
}

function media(fake: FakeRedfish, { method, path, body }: Asked): Answer {
  const [, id = '', action] = /VirtualMedia\/([^/]+)(?:\/Actions\/(\w+))?$/.exec(path) ?? [];
  const slot = fake.quirks.slots.find((known) => known.id === id);
  if (slot === undefined) return notFound(path);
  const wanted = slot.takes === 'patch' ? method === 'PATCH' : method === 'POST' && action !== undefined;
  if (slot.takes === 'viewer' || !wanted) return failure(405, 'Base.1.8.OperationNotAllowed', 'Not here.');
  const sent = body ?? {};
  if (slot.takes === 'patch' && !('Inserted' in sent))
    return failure(400, 'Base.1.8.PropertyMissing', 'Inserted is missing.');
  const out = action === 'EjectMedia' || (method === 'PATCH' && sent.Image === null);
  return out ? eject(fake, id, body) : insert(fake, id, method, sent);
}

function eject(fake: FakeRedfish, id: string, body: Asked['body']): Answer {
  const right =
    fake.quirks.ejectBody === 'none' ? body === undefined || body.Image === null : body !== undefined;
  if (!right) return failure(400, 'Base.1.8.MalformedJSON', 'The body is not right.');
  fake.stale = { image: fake.inserted.get(id) ?? '', reads: fake.quirks.staleReads };
  fake.inserted.delete(id);
  return done;
}

function insert(
  fake: FakeRedfish,
  id: string,
  method: string,
  body: Readonly<Record<string, unknown>>,
): Answer {
  const { quirks } = fake;
  if (quirks.bareInsert && method === 'POST' && ('Inserted' in body || 'WriteProtected' in body))
    return failure(400, 'Base.1.8.ActionParameterNotSupported', 'Too much.');
  const missing = quirks.mediaWants.find((name) => !(name in body));
  if (missing !== undefined)
    return failure(400, 'Base.1.8.ActionParameterMissing', `The action requires the parameter ${missing}.`);
  if (fake.inserted.has(id)) return failure(409, 'Base.1.8.ResourceInUse', 'There is a medium in it.');
  if (quirks.inserts) fake.inserted.set(id, String(body.Image));
  return done;
}

function subscription(fake: FakeRedfish, { method, path, body = {} }: Asked): Answer {
  if (method === 'DELETE') {
    fake.subscriptions.delete(path);
    return done;
  }
  if (fake.quirks.events === 'types wanted' && !('EventTypes' in body))
    return failure(400, 'Base.1.8.PropertyMissing', 'EventTypes is missing.');
  const location = `${subscriptionsPath}/${fake.requests.length}`;
  fake.subscriptions.set(location, { destination: String(body.Destination), context: String(body.Context) });
  return { status: 201, headers: { location } };
}
