// BMCs in memory behind the Bmc port: they check the password, take power commands, and fail on demand.
import { authFailed, refused } from '../../../src/baremetal/bmc/errors.ts';
import type {
  Bmc,
  BmcConnector,
  BootOverride,
  Inventory,
  PowerAction,
  PowerState,
} from '../../../src/baremetal/bmc/port.ts';

export interface FakeBmc {
  power: PowerState;
  password: string;
  inventory: Inventory;
  /** Thrown by every call while it is set. */
  fault: Error | undefined;
  /** Thrown by the next power command only. */
  refusal: Error | undefined;
  /** False: commands are taken and have no effect. */
  obeys: boolean;
  /** How often anything was asked of it: with a wrong password, each is a failed login. */
  calls: number;
  readonly commands: PowerAction[];
  /** What is booted from next. */
  override: BootOverride | undefined;
  /** URL of the virtual CD. */
  media: string | undefined;
  bios: Record<string, string | number | boolean>;
  secureBoot: boolean | undefined;
  lit: boolean;
  /** Called after the power changed. */
  onPower: (power: 'On' | 'Off') => void;
}

export interface FakeBmcs {
  readonly connect: BmcConnector;
  /** The BMC at `address`, as the node's spec has it. */
  at(address: string): FakeBmc;
}

export function createFakeBmcs(): FakeBmcs {
  const bmcs = new Map<string, FakeBmc>();
  const at = (address: string): FakeBmc => {
    const bmc = bmcs.get(address) ?? fresh();
    bmcs.set(address, bmc);
    return bmc;
  };
  return { at, connect: ({ address, password }) => behind(at(address.text), address.text, password) };
}

const fresh = (): FakeBmc => ({
  power: 'Off',
  password: 'secret',
  inventory: {
    bmc: { protocol: 'IPMI', protocolVersion: '2.0' },
    vendor: 'ACME',
    serial: 'S1',
    disks: [],
    nics: [],
  },
  fault: undefined,
  refusal: undefined,
  obeys: true,
  calls: 0,
  commands: [],
  override: undefined,
  media: undefined,
  bios: {},
  secureBoot: undefined,
  lit: false,
  onPower: () => undefined,
});

function behind(fake: FakeBmc, address: string, password: string): Bmc {
  const answer = <T>(value: () => T): Promise<T> => {
    fake.calls += 1;
    if (fake.fault !== undefined) return Promise.reject(fake.fault);
    if (password !== fake.password) return Promise.reject(authFailed(address, 'wrong password'));
    return Promise.resolve(value());
  };
  const change = async (permit: () => void, effect: () => void): Promise<void> => {
    permit();
    await answer(effect);
  };
  return {
    power: () => answer(() => fake.power),
    inventory: () => answer(() => fake.inventory),
    async setPower(action, permit) {
      permit();
      await answer(() => undefined);
      const { refusal } = fake;
      fake.refusal = undefined;
      if (refusal !== undefined) throw refusal;
      fake.commands.push(action);
      if (!fake.obeys) return;
      const power = action === 'On' || action === 'Reset' ? 'On' : 'Off';
      fake.power = power;
      fake.onPower(power);
    },
    setBoot: (override, permit) => change(permit, () => void (fake.override = override)),
    boot: () => answer(() => fake.override),
    insertMedia: (url, permit) => change(permit, () => void (fake.media = url)),
    ejectMedia: (permit) => change(permit, () => void (fake.media = undefined)),
    bios: () => answer(() => fake.bios),
    setBios: (settings, permit) => change(permit, () => void Object.assign(fake.bios, settings)),
    secureBoot: () => answer(() => fake.secureBoot),
    setSecureBoot: (enabled, permit) => change(permit, () => void (fake.secureBoot = enabled)),
    setIndicator: (lit, permit) => change(permit, () => void (fake.lit = lit)),
    console: () => Promise.reject(refused(address, 'it has no console')),
    close: () => Promise.resolve(),
  };
}
