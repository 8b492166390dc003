// What the Redfish driver must do before any service, written once; each service says what it does not have, and the driver must
// say so too.
import { expect } from 'chai';
import type { BootOverride, PowerState } from '../../../src/baremetal/bmc/port.ts';
import type { RedfishBmc } from '../../../src/baremetal/bmc/redfish/redfish.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { eventually } from '../../support/wait.ts';

export interface Subject {
  readonly bmc: RedfishBmc;
  /** Address of an image that is there, and that the service can fetch. */
  readonly image: string;
  readonly secondImage: string;
  /** Where nothing is. */
  readonly noImage: string;
  /** How often somebody fetched an image. */
  readonly fetched: () => number;
  readonly has: {
    /** False: every override stays, whatever was asked for. */
    readonly overrideOnce: boolean;
    /** False: it takes any address of an image for good. */
    readonly fetchesImages: boolean;
    /** False: what is set for the next start shows at once. */
    readonly secureBootAtStart: boolean;
    readonly bios: boolean;
    readonly events: boolean;
  };
}

export interface Scenario {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

const { signal } = new AbortController();
const permit = (): void => undefined;

/** Longer than any service here takes: sushy-tools lets up to 11 s pass. */
async function reaches({ bmc }: Subject, wanted: PowerState): Promise<void> {
  await eventually(`the power is ${wanted}`, 30, async () =>
    (await bmc.power(signal)) === wanted ? true : undefined,
  );
}

async function turn(subject: Subject, state: 'On' | 'Off'): Promise<void> {
  await subject.bmc.setPower(state, permit, signal);
  await reaches(subject, state);
}

async function refuses(work: Promise<unknown>, words: RegExp): Promise<void> {
  const error = await work.then(() => undefined, asOperatorError);
  expect(error).to.include({ kind: 'terminal', reason: 'BMCRefused' });
  expect(error?.message).to.match(words);
}

const boot =
  (override: BootOverride): Scenario['run'] =>
  async ({ bmc, has }) => {
    await bmc.setBoot(override, permit, signal);
    const persistent = has.overrideOnce ? override.persistent : true;
    expect(await bmc.boot(signal)).to.deep.equal({ ...override, persistent });
  };

export const scenarios: readonly Scenario[] = [
  {
    name: 'turns the power on and off',
    run: async (subject: Subject): Promise<void> => {
      await turn(subject, 'Off');
      await turn(subject, 'On');
      await turn(subject, 'Off');
    },
  },
  {
    name: 'restarts a machine, which is on afterwards',
    run: async (subject: Subject): Promise<void> => {
      await turn(subject, 'On');
      await subject.bmc.setPower('Reset', permit, signal);
      await reaches(subject, 'On');
    },
  },
  {
    name: 'shuts a machine down softly',
    run: async (subject: Subject): Promise<void> => {
      await turn(subject, 'On');
      await subject.bmc.setPower('SoftOff', permit, signal);
      await reaches(subject, 'Off');
    },
  },
  {
    name: 'boots from the network once, with UEFI',
    run: boot({ device: 'Network', mode: 'UEFI', persistent: false }),
  },
  {
    name: 'boots from the disk for good, with UEFI',
    run: boot({ device: 'Disk', mode: 'UEFI', persistent: true }),
  },
  {
    name: 'boots from the virtual CD once, with BIOS',
    run: boot({ device: 'Cd', mode: 'Legacy', persistent: false }),
  },
  {
    name: 'boots from the network for good, with UEFI again',
    run: boot({ device: 'Network', mode: 'UEFI', persistent: true }),
  },
  {
    name: 'inserts an image, the same again without a change, another in its place, and ejects it',
    run: async ({ bmc, image, secondImage, fetched, has }: Subject): Promise<void> => {
      await bmc.ejectMedia(permit, signal);
      const before = fetched();
      await bmc.insertMedia(image, permit, signal);
      await bmc.insertMedia(image, permit, signal);
      expect(fetched() - before).to.equal(has.fetchesImages ? 1 : 0);
      await bmc.insertMedia(secondImage, permit, signal);
      expect(fetched() - before).to.equal(has.fetchesImages ? 2 : 0);
      await bmc.ejectMedia(permit, signal);
      await bmc.ejectMedia(permit, signal);
      await bmc.insertMedia(image, permit, signal);
      expect(fetched() - before).to.equal(has.fetchesImages ? 3 : 0);
      await bmc.ejectMedia(permit, signal);
    },
  },
  {
    name: 'says so when an image is not there, where the service looks',
    run: async ({ bmc, noImage, has }: Subject): Promise<void> => {
      if (has.fetchesImages) {
        await refuses(bmc.insertMedia(noImage, permit, signal), /inserting .*nowhere\.iso.*404/);
      } else {
        await bmc.insertMedia(noImage, permit, signal);
      }
      await bmc.ejectMedia(permit, signal);
    },
  },
  {
    name: 'switches secure boot on and off, in force after the next start',
    run: async (subject: Subject): Promise<void> => {
      const { bmc, has } = subject;
      await turn(subject, 'Off');
      await bmc.setSecureBoot(true, permit, signal);
      expect(await bmc.secureBoot(signal)).to.equal(!has.secureBootAtStart);
      await turn(subject, 'On');
      expect(await bmc.secureBoot(signal)).to.equal(true);
      await bmc.setSecureBoot(false, permit, signal);
      await turn(subject, 'Off');
      await turn(subject, 'On');
      expect(await bmc.secureBoot(signal)).to.equal(false);
    },
  },
  {
    name: 'switches the locator light',
    run: async ({ bmc }: Subject): Promise<void> => {
      await bmc.setIndicator(true, permit, signal);
      await bmc.setIndicator(false, permit, signal);
    },
  },
  {
    name: 'reads and sets the BIOS, or says that there is none',
    run: async ({ bmc, has }: Subject): Promise<void> => {
      if (!has.bios) {
        await refuses(bmc.bios(signal), /offers no BIOS settings/);
        return refuses(bmc.setBios({ NumLock: true }, permit, signal), /offers no BIOS settings/);
      }
      const now = await bmc.bios(signal);
      expect(now).to.include({ NumLock: true });
      await bmc.setBios({ NumLock: false }, permit, signal);
      await refuses(bmc.setBios({ NumLock: 'maybe' }, permit, signal), /NumLock cannot be "maybe"/);
    },
  },
  {
    name: 'subscribes to events and back, or says that there are none',
    run: async ({ bmc, has }: Subject): Promise<void> => {
      const asked = bmc.subscribe('https://10.0.0.1/events', 'node', permit, signal);
      if (!has.events) return refuses(asked, /offers no event subscription/);
      await bmc.unsubscribe(await asked, permit, signal);
    },
  },
  {
    name: 'says that the console is not for it',
    run: ({ bmc }) =>
      refuses(
        bmc.console(() => undefined, signal),
        /ipmi:\/\/ address/,
      ),
  },
  {
    name: 'reads an inventory',
    run: async ({ bmc }: Subject): Promise<void> => {
      const { bmc: own, nics } = await bmc.inventory(signal);
      expect(own.protocol).to.equal('Redfish');
      expect(nics[0]?.mac).to.match(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    },
  },
];
