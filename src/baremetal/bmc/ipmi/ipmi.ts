// A BMC over IPMI 2.0 (RMCP+), spoken by ourselves.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../kernel/clock.ts';
import type { BmcAddress } from '../address.ts';
import type { Bmc, BmcTarget } from '../port.ts';
import { readBoot, writeBoot } from './boot-options.ts';
import { controlPower, identify, readPower } from './chassis.ts';
import { createCommands } from './commands.ts';
import { createConnection } from './connection.ts';
import { readInventory } from './device.ts';
import { redfishOnly } from './redfish-only.ts';
import type { OpenLine } from './socket.ts';
import { followConsole } from './sol.ts';

type IpmiAddress = Extract<BmcAddress, { driver: 'ipmi' }>;

export interface IpmiDeps {
  readonly clock: Clock;
  /** For what must not keep the process alive. */
  readonly background: Pick<Clock, 'schedule'>;
  /** Shared by all BMCs. */
  readonly openLine: OpenLine;
}

export function createIpmiBmc(target: BmcTarget & { readonly address: IpmiAddress }, deps: IpmiDeps): Bmc {
  const { username, password } = target;
  const { text: address, host, port } = target.address;
  const connection = createConnection({ ...deps, randomBytes, address, host, port, username, password });
  const commands = createCommands(address, connection);
  const bmc = { address, commands };
  return {
    ...redfishOnly(address),
    power: (signal) => readPower(commands, signal),
    setPower: (action, permit, signal) => controlPower(bmc, action, permit, signal),
    inventory: (signal) => readInventory(commands, connection.suite, signal),
    boot: (signal) => readBoot(commands, signal),
    setBoot: (override, permit, signal) => writeBoot(bmc, override, permit, signal),
    setIndicator: (lit, permit, signal) => identify(commands, lit, permit, signal),
    console: (onText, signal) => followConsole({ address, clock: deps.clock, connection }, onText, signal),
    close: () => connection.close(),
  };
}
