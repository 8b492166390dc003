// Our Redfish driver before our fake service, with a clock that does not wait: for tests that have many of both.
import { parseBmcAddress } from '../../src/baremetal/bmc/address.ts';
import type { BmcTarget } from '../../src/baremetal/bmc/port.ts';
import { createRedfishBmc, type RedfishBmc } from '../../src/baremetal/bmc/redfish/redfish.ts';
import type { RedfishAddress } from '../../src/baremetal/bmc/redfish/http.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { startFakeRedfish, type FakeMachine, type FakeRedfish, type RedfishQuirks } from './redfish.ts';

/** A clock whose pauses are over at once, and counted. */
export interface HurriedClock extends Clock {
  /** Milliseconds slept. */
  slept: number;
}

const createHurriedClock = (): HurriedClock => ({
  ...systemClock,
  slept: 0,
  sleep(ms, signal) {
    this.slept += ms;
    signal?.throwIfAborted();
    return Promise.resolve();
  },
});

export interface Pair {
  readonly fake: FakeRedfish;
  readonly bmc: RedfishBmc;
  readonly clock: HurriedClock;
  readonly target: BmcTarget & { readonly address: RedfishAddress };
}

export const redfishAddress = (text: string): RedfishAddress => {
  const address = parseBmcAddress(text);
  if (address.driver !== 'redfish') throw new Error(`${text} is no Redfish address`);
  return address;
};

export interface PairOptions {
  readonly login?: Partial<Pick<BmcTarget, 'username' | 'password' | 'trust'>>;
  readonly path?: string;
  readonly machine?: FakeMachine;
}

export interface Pairs {
  start(quirks?: Partial<RedfishQuirks>, options?: PairOptions): Promise<Pair>;
  /** Closes all that were started. */
  close(): Promise<void>;
}

export function createPairs(): Pairs {
  const started: Pair[] = [];
  return {
    async start(quirks = {}, { login = {}, path = '', machine = {} } = {}) {
      const fake = await startFakeRedfish(quirks, machine);
      const { username, password } = fake;
      const trust = { kind: 'system' } as const;
      const target = { address: redfishAddress(fake.address + path), username, password, trust, ...login };
      const clock = createHurriedClock();
      const pair = { fake, bmc: createRedfishBmc(target, clock), clock, target };
      started.push(pair);
      return pair;
    },
    async close() {
      for (const { bmc, fake } of started.splice(0)) {
        // What a test ordered and did not use must not hold up the goodbye.
        fake.faults.length = 0;
        await bmc.close();
        await fake.close();
      }
    },
  };
}
