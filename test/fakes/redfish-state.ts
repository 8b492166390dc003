// What our fake Redfish service is and remembers: the machine behind it, its quirks, the faults that a test has ordered.
import type { Clock } from '../../src/kernel/clock.ts';

/** What happens to a request instead of an answer. */
export type Fault = 'busy' | 'hang up' | 'half an answer' | 'no JSON' | 'silence';

/** An answer to a request with an effect, instead of the effect. */
export interface Refusal {
  readonly status: number;
  readonly id: string;
  readonly message?: string;
}

export interface FakeSlot {
  readonly id: string;
  readonly types: readonly string[];
  /** `viewer`: it refuses with 405, being for the BMC's own viewer only. */
  readonly takes: 'action' | 'patch' | 'viewer';
}

export interface RedfishQuirks {
  /** False: Basic authentication only. */
  readonly sessions: boolean;
  /** Takes Basic authentication also where it has sessions. */
  readonly basic: boolean;
  /** The service root asks for a login too, against the standard. */
  readonly closedRoot: boolean;
  readonly mostSessions: number;
  readonly sessionLimitStatus: number;
  /** No Location at a new session. */
  readonly sessionInBody: boolean;
  /** What becomes of a further request on a connection: an answer, the end of the connection, nothing at all. */
  readonly furtherRequests: 'answered' | 'cut' | 'stalled';
  /** Registries are sent compressed or not at all. */
  readonly gzipRegistries: boolean;
  /** The system is found with a slash at the end only. */
  readonly slashWanted: boolean;
  readonly systems: readonly string[];
  readonly vendor: string;
  readonly manufacturer: string;
  readonly systemModel: string;
  readonly managerModel: string;
  readonly managerFirmware: string;
  readonly resetTypes: readonly string[];
  /** Reset types are in an ActionInfo document, not in the system. */
  readonly actionInfo: boolean;
  /** A reset without the right If-Match is refused with 412. */
  readonly needsIfMatch: boolean;
  /** The answer to a reset. */
  readonly resetStatus: number;
  /** Whether a reset does anything. */
  readonly resets: boolean;
  readonly etags: 'header' | 'body' | 'weak';
  /** What a PATCH must have: `strong` is the strong form of what was given, `none` is no If-Match at all. */
  readonly ifMatch: 'optional' | 'required' | 'strong' | 'none';
  /** What has an effect is answered 202, with a task that is under way at the first `polls` looks, and then ends as `state`. */
  readonly tasks?: {
    readonly polls: number;
    readonly state: string;
    readonly message?: string;
    readonly retryAfter?: string;
  };
  readonly bootTargets: readonly string[];
  readonly enabledValues: readonly string[];
  /** `always`: the override is forgotten without Enabled. `changed`: an unchanged Enabled is refused. */
  readonly enabled: 'any' | 'always' | 'changed';
  readonly mode: 'any' | 'absent' | 'refused' | 'forgotten';
  /** A request without target, enabled and mode is refused. */
  readonly wholeBoot: boolean;
  readonly bootInSettings: boolean;
  readonly mediaAt: 'system' | 'manager' | 'both';
  readonly slots: readonly FakeSlot[];
  /** Refuses InsertMedia without these. */
  readonly mediaWants: readonly string[];
  /** Refuses InsertMedia with Inserted or WriteProtected. */
  readonly bareInsert: boolean;
  readonly ejectBody: 'none' | 'empty object';
  /** For so many reads, a slot shows what was ejected. */
  readonly staleReads: number;
  /** Whether InsertMedia does anything. */
  readonly inserts: boolean;
  readonly hasBios: boolean;
  readonly hasRegistry: boolean;
  readonly hasSecureBoot: boolean;
  readonly light: 'led' | 'location' | 'blink' | 'chassis' | 'none';
  readonly events: 'any' | 'types wanted' | 'none';
}

export const usualQuirks: RedfishQuirks = {
  sessions: true,
  basic: false,
  closedRoot: false,
  mostSessions: 4,
  sessionLimitStatus: 503,
  sessionInBody: false,
  furtherRequests: 'answered',
  gzipRegistries: false,
  slashWanted: false,
  systems: ['1'],
  vendor: 'ACME',
  manufacturer: 'ACME',
  systemModel: 'Roadrunner',
  managerModel: 'ROB',
  managerFirmware: '9.9',
  resetTypes: ['On', 'ForceOff', 'GracefulShutdown', 'ForceRestart'],
  actionInfo: false,
  needsIfMatch: false,
  resetStatus: 204,
  resets: true,
  etags: 'header',
  ifMatch: 'optional',
  bootTargets: ['None', 'Pxe', 'Hdd', 'Cd', 'UsbCd'],
  enabledValues: ['Disabled', 'Once', 'Continuous'],
  enabled: 'any',
  mode: 'any',
  wholeBoot: false,
  bootInSettings: false,
  mediaAt: 'system',
  slots: [
    { id: 'Floppy', types: ['Floppy', 'USBStick'], takes: 'action' },
    { id: 'Cd', types: ['CD', 'DVD'], takes: 'action' },
  ],
  mediaWants: [],
  bareInsert: false,
  ejectBody: 'none',
  staleReads: 0,
  inserts: true,
  hasBios: true,
  hasRegistry: true,
  hasSecureBoot: true,
  light: 'led',
  events: 'any',
};

export type Attributes = Record<string, string | number | boolean>;

/** What the machine does at a start: what the firmware takes of the BMC's settings. */
export interface FakeBoot {
  /** BootSourceOverrideTarget, undefined where none is set: the machine's own order. */
  readonly target: string | undefined;
  readonly mode: string;
  /** URL of the image in the virtual CD. */
  readonly media: string | undefined;
  readonly secureBoot: boolean;
}

/** What a test plugs in to have the fake be the BMC of a machine that it simulates. */
export interface FakeMachine {
  /** Serves TLS with this certificate. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** For `powerDelayMs` and Retry-After. The system's unless given. */
  readonly clock?: Clock;
  /** How long a reset takes to show; PowerState is PoweringOn or PoweringOff meanwhile. */
  readonly powerDelayMs?: number;
  /** A reset came. False: the fake does not act on it, the machine calls `setPower` itself. */
  readonly onReset?: (kind: string) => boolean | undefined;
  readonly onPower?: (state: 'On' | 'Off') => void;
  /** The machine starts, at power-on and at a restart. */
  readonly onBoot?: (boot: FakeBoot) => void;
}

export interface FakeRedfish {
  /** As spec.bmc.address has it, without a path. */
  readonly address: string;
  readonly username: string;
  password: string;
  power: string | null;
  /** The override as it is kept: BootSourceOverride… of the system. */
  boot: { target: string; enabled: string; mode: string };
  /** URL of the image in the first slot that has one. */
  readonly media: string | undefined;
  /** Images by slot. */
  readonly inserted: Map<string, string>;
  /** In force. */
  bios: Attributes;
  /** Takes effect at the next start. */
  pendingBios: Attributes;
  /** SecureBootEnable: for the next start. */
  secureBoot: boolean;
  /** SecureBootCurrentBoot. */
  secureBootNow: boolean;
  indicator: string;
  readonly subscriptions: Map<string, { readonly destination: string; readonly context: string }>;
  /** What Dell's ImportSystemConfiguration was given. */
  readonly imported: string[];
  quirks: RedfishQuirks;
  readonly machine: FakeMachine;
  /** One for each of the next requests; `undefined` lets one pass. */
  readonly faults: (Fault | undefined)[];
  /** One for each of the next requests that have an effect; `undefined` lets one pass. */
  readonly refusals: (Refusal | undefined)[];
  /** Sees every request before it is answered. */
  watch?: (asked: Asked) => void;
  /** `METHOD path`, with the reset type of a reset. */
  readonly requests: string[];
  /** Of each request, how many its connection had carried with it: 1 on a new one. */
  readonly places: number[];
  /** Connections that are open. */
  readonly sockets: Set<object>;
  /** Bodies of the requests that have an effect, logins left out, in order. */
  readonly bodies: Readonly<Record<string, unknown>>[];
  /** Logins that were refused. */
  failedLogins: number;
  /** Tokens of open sessions. */
  readonly open: Set<string>;
  readonly tasks: Map<string, { polls: number }>;
  /** What a slot still shows that was ejected, and for how many reads. */
  stale: { image: string; reads: number };
  /** Behind the BMC's back, with all that a start brings about: pending settings, the override used up, the machine's hooks. */
  setPower(state: 'On' | 'Off'): void;
  close(): Promise<void>;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Undefined: the request had none. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Answer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export const root = '/redfish/v1/';
export const sessionsPath = `${root}SessionService/Sessions`;
export const subscriptionsPath = `${root}EventService/Subscriptions`;
export const registryPath = `${root}Registries/FakeBios.v1_0_0`;
export const managerPath = `${root}Managers/1`;
export const chassisPath = `${root}Chassis/1`;

export const systemPath = ({ quirks }: FakeRedfish): string => `${root}Systems/${quirks.systems[0] ?? ''}`;
export const settingsPath = (fake: FakeRedfish): string => `${systemPath(fake)}/Settings`;
export const biosPath = (fake: FakeRedfish): string => `${systemPath(fake)}/Bios`;
export const secureBootPath = (fake: FakeRedfish): string => `${systemPath(fake)}/SecureBoot`;
export const mediaPaths = (fake: FakeRedfish): readonly string[] => {
  const { mediaAt } = fake.quirks;
  const places = {
    system: [systemPath(fake)],
    manager: [managerPath],
    both: [systemPath(fake), managerPath],
  };
  return places[mediaAt].map((place) => `${place}/VirtualMedia`);
};

export const failure = (status: number, id: string, message: string): Answer => ({
  status,
  body: {
    error: {
      code: 'Base.1.8.GeneralError',
      message: 'See below.',
      '@Message.ExtendedInfo': [{ MessageId: id, Message: message, Severity: 'Warning' }],
    },
  },
});

export const notFound = (path: string): Answer =>
  failure(404, 'Base.1.8.ResourceMissingAtURI', `No ${path}.`);
