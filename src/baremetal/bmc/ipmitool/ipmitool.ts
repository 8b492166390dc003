// A BMC over IPMI 2.0, spoken by the program ipmitool: the fallback. The cipher suite is pinned once one has worked.
import type { OperatorError } from '../../../kernel/errors.ts';
import type { BmcAddress } from '../address.ts';
import { authFailed, busy, refused, unreachable } from '../errors.ts';
import { encodeBootFlags, parseBootFlags } from '../ipmi/boot-options.ts';
import { redfishOnly } from '../ipmi/redfish-only.ts';
import type { Bmc, BmcTarget, PowerAction } from '../port.ts';
import { bytesIn, explanation, failureOf, inventoryIn, powerIn, type IpmiFailure } from './output.ts';
import type { IpmiLogin, IpmiReply, RunIpmitool } from './run.ts';

type IpmiAddress = Extract<BmcAddress, { driver: 'ipmitool' }>;

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

export function createIpmitoolBmc(
  target: BmcTarget & { readonly address: IpmiAddress },
  run: RunIpmitool,
): Bmc {
  const { address, username, password } = target;
  const login = { host: address.host, port: address.port, username, password };
  const spoken = createSuites(login, run);

  const ask = async (command: readonly string[], signal: AbortSignal, permit = always): Promise<Answer> => {
    const { code, output } = await spoken.run(command, permit, signal);
    const failure = code === 0 ? undefined : failureOf(output);
    if (failure === undefined || failure === 'refused') return { output, taken: failure === undefined };
    throw failed(address.text, failure, explanation(output));
  };
  const send = async (command: readonly string[], signal: AbortSignal, permit = always): Promise<string> => {
    const { output, taken } = await ask(command, signal, permit);
    if (!taken) throw failed(address.text, 'refused', explanation(output));
    return output;
  };

  return {
    ...redfishOnly(address.text),
    power: async (signal) => powerIn(await send(['power', 'status'], signal)),
    async setPower(action, permit, signal) {
      await send(['power', commands[action]], signal, permit);
    },
    async inventory(signal) {
      const mcInfo = await send(['mc', 'info'], signal);
      const fru = await run(login, spoken.best(), ['fru', 'print', '0'], signal);
      // Many machines have no FRU record, and that is no reason to know nothing of them.
      return inventoryIn(mcInfo, fru.code === 0 ? fru.output : '', spoken.best());
    },
    async setBoot(override, permit, signal) {
      // As the native driver does it: see ipmi/boot-options.ts. A BMC need not know the first.
      await ask(setBootOption(3, 0x08), signal, permit);
      const { persistent } = override;
      const { taken } = await ask(setBootOption(5, ...encodeBootFlags(override)), signal, permit);
      if (taken) return;
      if (!persistent)
        throw refused(address.text, `booting from ${override.device} in ${override.mode} mode`);
      const once = encodeBootFlags({ ...override, persistent: false });
      await send(setBootOption(5, ...once), signal, permit);
    },
    async boot(signal) {
      const { output, taken } = await ask(raw(0x00, 0x09, 0x05, 0x00, 0x00), signal);
      return taken ? parseBootFlags(bytesIn(output)) : undefined;
    },
    async setIndicator(lit, permit, signal) {
      await send(['chassis', 'identify', lit ? 'force' : '0'], signal, permit);
    },
    console: () =>
      Promise.reject(
        refused(address.text, 'its driver, ipmitool, follows no serial console: use an ipmi:// address'),
      ),
    close: () => Promise.resolve(),
  };
}

/** Tries one suite after the other until one is spoken. */
function createSuites(login: IpmiLogin, run: RunIpmitool) {
  let pinned: Suite | undefined;
  /** The one to begin with next time: a BMC that is silent on one suite may answer on the other. */
  let first: Suite = suites[0];
  return {
    best: (): Suite => pinned ?? first,
    async run(command: readonly string[], permit: () => void, signal: AbortSignal): Promise<IpmiReply> {
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
    },
  };
}

interface Answer {
  readonly output: string;
  /** False: the BMC understood, and said no. */
  readonly taken: boolean;
}

const raw = (...bytes: readonly number[]): readonly string[] => [
  'raw',
  ...bytes.map((byte) => `0x${byte.toString(16)}`),
];
/** Set System Boot Options (IPMI v2.0 rev 1.1 section 28.12). */
const setBootOption = (...bytes: readonly number[]): readonly string[] => raw(0x00, 0x08, ...bytes);

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
