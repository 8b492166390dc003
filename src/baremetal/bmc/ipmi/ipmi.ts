// A BMC over IPMI 2.0, spoken by ipmitool, with the cipher suite pinned once one has worked.
import type { OperatorError } from '../../../kernel/errors.ts';
import type { BmcAddress } from '../address.ts';
import { authFailed, busy, refused, unreachable } from '../errors.ts';
import type { Bmc, BmcTarget, PowerAction } from '../port.ts';
import type { IpmiReply, RunIpmitool } from './ipmitool.ts';
import { explanation, failureOf, inventoryIn, powerIn, type IpmiFailure } from './output.ts';

type IpmiAddress = Extract<BmcAddress, { driver: 'ipmi' }>;

/** The only two that are both widely spoken and safe: SHA-256 first, then SHA-1 (IPMI 2.0 section 22.15.2). */
const suites = [17, 3] as const;
type Suite = (typeof suites)[number];

const always = (): void => undefined;

const commands: Readonly<Record<PowerAction, string>> = {
  On: 'on',
  Off: 'off',
  SoftOff: 'soft',
  Reset: 'reset',
};

export function createIpmiBmc(target: BmcTarget & { readonly address: IpmiAddress }, run: RunIpmitool): Bmc {
  const { address, username, password } = target;
  const login = { host: address.host, port: address.port, username, password };
  let pinned: Suite | undefined;
  /** The one to begin with next time: a BMC that is silent on one suite may answer on the other. */
  let first: Suite = suites[0];

  const trySuites = async (
    command: readonly string[],
    permit: () => void,
    signal: AbortSignal,
  ): Promise<IpmiReply> => {
    const order = pinned === undefined ? [first, ...suites.filter((suite) => suite !== first)] : [pinned];
    let last: IpmiReply = { code: 1, output: '' };
    for (const suite of order) {
      permit();
      last = await run(login, suite, command, signal);
      const failure = last.code === 0 ? undefined : failureOf(last.output);
      if (failure === undefined || failure === 'refused') pinned = suite;
      if (failure === 'suite') pinned = undefined;
      if (failure === 'unreachable') first = suite === suites[0] ? suites[1] : suites[0];
      if (failure !== 'suite' && failure !== 'privilege') break;
    }
    return last;
  };

  const send = async (command: readonly string[], signal: AbortSignal, permit = always): Promise<string> => {
    const { code, output } = await trySuites(command, permit, signal);
    if (code !== 0) throw failed(address.text, failureOf(output), explanation(output));
    return output;
  };

  return {
    power: async (signal) => powerIn(await send(['power', 'status'], signal)),
    async setPower(action, permit, signal) {
      await send(['power', commands[action]], signal, permit);
    },
    async inventory(signal) {
      const mcInfo = await send(['mc', 'info'], signal);
      const fru = await run(login, pinned ?? first, ['fru', 'print', '0'], signal);
      // Many machines have no FRU record, and that is no reason to know nothing of them.
      return inventoryIn(mcInfo, fru.code === 0 ? fru.output : '', pinned ?? first);
    },
    close: () => Promise.resolve(),
  };
}

function failed(address: string, failure: IpmiFailure, why: string): OperatorError {
  switch (failure) {
    case 'auth':
      return authFailed(address, why);
    case 'privilege':
      return refused(address, `the user is no administrator (${why})`);
    case 'busy':
      return busy(address, why);
    case 'unreachable':
      return unreachable(address, /address lookup/i.test(why) ? why : 'silence over IPMI');
    case 'suite':
      return refused(address, `it speaks neither cipher suite 17 nor 3 (${why})`);
    case 'refused':
      return refused(address, why);
  }
}
