// Power and the locator light (IPMI v2.0 rev 1.1 section 28).
import { refused } from '../errors.ts';
import type { PowerAction, PowerState } from '../port.ts';
import { effect, type Commands } from './commands.ts';
import { netFns, type Request } from './message.ts';
import { completionText, wrongState } from './status.ts';

const chassis = (command: number, ...data: readonly number[]): Request => ({
  netFn: netFns.chassis,
  command,
  data,
});

/** Section 28.3. */
const controls: Readonly<Record<PowerAction, number>> = { Off: 0, On: 1, Reset: 3, SoftOff: 5 };
/** The state in which there is nothing left to do. */
const reached: Readonly<Record<PowerAction, PowerState | undefined>> = {
  On: 'On',
  Off: 'Off',
  SoftOff: 'Off',
  Reset: undefined,
};

/** Section 28.2: bit 0 of the first byte. */
export async function readPower(commands: Commands, signal: AbortSignal): Promise<PowerState> {
  const [state] = await commands.get('chassis status', chassis(0x01), signal);
  if (state === undefined) return 'Unknown';
  return (state & 1) === 1 ? 'On' : 'Off';
}

/**
 * On and off may be said twice. A reset may not, long after: so it is sent only in a session that has just answered, for 3 s at
 * most, and always with the same sequence number, by which a BMC that keeps to the standard does it once. On one that does not,
 * the machine restarts twice within its first seconds. When no answer comes the error says that nobody knows.
 */
export async function controlPower(
  { address, commands }: { readonly address: string; readonly commands: Commands },
  action: PowerAction,
  permit: () => void,
  signal: AbortSignal,
): Promise<void> {
  const repeatable = action !== 'Reset';
  if (!repeatable) await readPower(commands, signal);
  const reply = await commands.ask(chassis(0x02, controls[action]), signal, { permit, repeatable });
  if (reply.completion === 0) return;
  const there = reply.completion === wrongState && reached[action] === (await readPower(commands, signal));
  if (!there) throw refused(address, `power ${action}, with ${completionText(reply.completion)}`);
}

/** Section 28.5. A BMC without the second byte, which is optional, blinks for as long as it can: 255 s. */
export async function identify(
  commands: Commands,
  lit: boolean,
  permit: () => void,
  signal: AbortSignal,
): Promise<void> {
  if (!lit) {
    await commands.get('the locator light off', chassis(0x04, 0), signal, effect(permit));
    return;
  }
  const reply = await commands.ask(chassis(0x04, 0, 1), signal, effect(permit));
  if (reply.completion !== 0)
    await commands.get('the locator light on', chassis(0x04, 255), signal, effect(permit));
}
