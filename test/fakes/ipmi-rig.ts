// The native IPMI driver with a BMC and a network in memory, and time moved by hand.
import { parseBmcAddress } from '../../src/baremetal/bmc/address.ts';
import { createIpmiBmc } from '../../src/baremetal/bmc/ipmi/ipmi.ts';
import type { Bmc } from '../../src/baremetal/bmc/port.ts';
import { asOperatorError } from '../../src/kernel/errors.ts';
import { createManualClock, type ManualClock } from './clock.ts';
import { createFakeIpmi, type FakeIpmi } from './ipmi.ts';
import { createFakeLine, type FakeLine } from './ipmi-line.ts';

/** Its reason and its message. */
export const explain = (error: unknown): string =>
  `${asOperatorError(error).reason}: ${asOperatorError(error).message}`;

export interface Rig {
  readonly fake: FakeIpmi;
  readonly line: FakeLine;
  readonly clock: ManualClock;
  readonly bmc: Bmc;
  /** What `work` comes to when a minute passes while it runs. */
  result<T>(work: Promise<T>): Promise<T | string>;
}

export function rigOf(
  start: Partial<FakeIpmi> = {},
  login: { username?: string; password?: string } = {},
): Rig {
  const fake = createFakeIpmi(start);
  const line = createFakeLine(fake);
  const clock = createManualClock();
  const address = parseBmcAddress('ipmi://10.0.0.1');
  if (address.driver !== 'ipmi') throw new Error('not IPMI');
  const target = {
    address,
    username: 'admin',
    password: 'secret',
    trust: { kind: 'system' },
    ...login,
  } as const;
  const bmc = createIpmiBmc(target, { clock, background: clock, openLine: line.openLine });
  return {
    fake,
    line,
    clock,
    bmc,
    async result(work) {
      const caught = work.catch(explain);
      // In steps, so that what begins late has its time too.
      for (let second = 0; second < 60; second += 1) await clock.advance(1000);
      return caught;
    },
  };
}
