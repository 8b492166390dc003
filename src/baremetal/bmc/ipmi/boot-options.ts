// What the firmware boots from: the boot flags among the system boot options (IPMI v2.0 rev 1.1 sections 28.12 to 28.14).
import { refused } from '../errors.ts';
import type { BootDevice, BootOverride } from '../port.ts';
import { present } from '../present.ts';
import { effect, type Commands } from './commands.ts';
import { netFns, type Reply, type Request } from './message.ts';
import { completionText } from './status.ts';

const setOption = (parameter: number, ...data: readonly number[]): Request => ({
  netFn: netFns.chassis,
  command: 0x08,
  data: [parameter, ...data],
});
const getOption = (parameter: number): Request => ({
  netFn: netFns.chassis,
  command: 0x09,
  data: [parameter, 0, 0],
});

/** Parameters of table 28-14. */
const parameters = { setInProgress: 0, validBitClearing: 3, bootInfoAcknowledge: 4, bootFlags: 5 } as const;

/** Table 28-14, parameter 5, data 1. */
const flags = { valid: 0x80, persistent: 0x40, efi: 0x20 } as const;
/** Data 2, bits 5 to 2. */
const devices: Readonly<Record<BootDevice, number>> = { Network: 1, Disk: 2, Cd: 5 };

export const encodeBootFlags = ({ device, mode, persistent }: BootOverride): readonly number[] => [
  flags.valid | (persistent ? flags.persistent : 0) | (mode === 'UEFI' ? flags.efi : 0),
  devices[device] << 2,
  0,
  0,
  0,
];

/** `data` of a Get reply. Undefined: no override is set, or the answer is none. */
export function parseBootFlags(data: Buffer): Partial<BootOverride> | undefined {
  // Version, which parameter (bit 7: not valid, or locked), then the parameter.
  const [, parameter, first, second] = data;
  if (parameter !== parameters.bootFlags || first === undefined || second === undefined) return undefined;
  const number = (second >> 2) & 0x0f;
  if ((first & flags.valid) === 0 || number === 0) return undefined;
  const [device] = Object.entries(devices).find(([, value]) => value === number) ?? [];
  return present<Partial<BootOverride>>({
    device: device as BootDevice | undefined,
    mode: (first & flags.efi) !== 0 ? 'UEFI' : 'Legacy',
    persistent: (first & flags.persistent) !== 0,
  });
}

export async function readBoot(
  commands: Commands,
  signal: AbortSignal,
): Promise<Partial<BootOverride> | undefined> {
  const reply = await commands.ask(getOption(parameters.bootFlags), signal);
  return reply.completion === 0 ? parseBootFlags(reply.data) : undefined;
}

/**
 * The flags have to outlive the time until the machine is powered on: the 60 s after which the BMC would drop them are stopped,
 * and the firmware's mark that it has dealt with them is set anew. BMCs need not know these parameters. Throws terminal
 * BMCRefused.
 */
export async function writeBoot(
  { address, commands }: { readonly address: string; readonly commands: Commands },
  override: BootOverride,
  permit: () => void,
  signal: AbortSignal,
): Promise<void> {
  const set = (request: Request): Promise<Reply> => commands.ask(request, signal, effect(permit));
  await set(setOption(parameters.setInProgress, 1));
  // Data 1, bit 3: not to be cleared 60 s after a chassis control command did not come.
  await set(setOption(parameters.validBitClearing, 0x08));
  await set(setOption(parameters.bootInfoAcknowledge, 0x01, 0x01));
  const flagsFor = (wanted: BootOverride) => setOption(parameters.bootFlags, ...encodeBootFlags(wanted));
  let reply = await set(flagsFor(override));
  // Some take it for the next boot only.
  if (reply.completion !== 0 && override.persistent)
    reply = await set(flagsFor({ ...override, persistent: false }));
  await set(setOption(parameters.setInProgress, 0));
  if (reply.completion === 0) return;
  const what = `booting from ${override.device} in ${override.mode} mode`;
  throw refused(address, `${what}, with ${completionText(reply.completion)}`);
}
