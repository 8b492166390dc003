// Every row of the Redfish quirks table, each before a fake service that has the quirk: the driver does what was asked all the same.
import { expect } from 'chai';
import type { BootOverride } from '../../../src/baremetal/bmc/port.ts';
import { quirks, quirksOf, type QuirkName } from '../../../src/baremetal/bmc/redfish/quirks.ts';
import type { RedfishQuirks } from '../../fakes/redfish.ts';
import { createPairs, type Pair, type PairOptions } from '../../fakes/redfish-driver.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;
const iso = 'http://10.0.0.1/boot.iso';
const network: BootOverride = { device: 'Network', mode: 'UEFI', persistent: false };

interface Case {
  readonly service?: Partial<RedfishQuirks>;
  readonly options?: PairOptions;
  readonly does: string;
  readonly act: (pair: Pair) => Promise<unknown>;
  /** What is told of the machine afterwards, beside what is wanted. */
  readonly told: (pair: Pair) => unknown;
  readonly wanted: unknown;
}

const setBoot =
  (override: Partial<BootOverride> = {}): Case['act'] =>
  ({ bmc }) =>
    bmc.setBoot({ ...network, ...override }, permit, signal);
const bootNow: Case['told'] = ({ fake }) => fake.boot;
const overrideNow: Case['told'] = ({ bmc }) => bmc.boot(signal);
const insert: Case['act'] = ({ bmc }) => bmc.insertMedia(iso, permit, signal);
const slotsNow: Case['told'] = ({ fake }) => Object.fromEntries(fake.inserted);
const powerOn: Case['act'] = ({ bmc }) => bmc.setPower('On', permit, signal);
const secure: Case['act'] = ({ bmc }) => bmc.setSecureBoot(true, permit, signal);
const isSecure: Case['told'] = ({ fake }) => fake.secureBoot;
const cd = (id: string, takes: 'action' | 'patch' | 'viewer' = 'action') => ({ id, types: ['CD'], takes });
const dell = { vendor: 'Dell', manufacturer: 'Dell Inc.' };
/** The first `count` requests with an effect are refused so. */
const refusing =
  (count: number, status: number, id: string, act: Case['act']): Case['act'] =>
  (pair) => {
    for (let index = 0; index < count; index += 1) pair.fake.refusals.push({ status, id });
    return act(pair);
  };
const supermicro = { manufacturer: 'Supermicro', systemModel: 'SYS-1029' };

const cases: Readonly<Record<QuirkName, Case>> = {
  stalledConnections: {
    service: { furtherRequests: 'cut' },
    does: 'asks again at once, and has a connection for each request from then on',
    act: async ({ bmc }) => {
      for (let index = 0; index < 3; index += 1) await bmc.power(signal);
    },
    told: ({ fake, clock }) => [fake.places, clock.slept],
    // The root, the login, the root, which is lost; the root, the systems, the system; twice more the system.
    wanted: [[1, 1, 2, 1, 1, 1, 1, 1], 0],
  },
  onlyCompressed: {
    service: { gzipRegistries: true },
    does: 'reads the registry compressed, and refuses by it',
    act: ({ bmc }) => bmc.setBios({ BootMode: 'Sideways' }, permit, signal).catch(String),
    told: ({ fake }) => fake.requests.filter((request) => request.endsWith('en.json')).length,
    wanted: 2,
  },
  trailingSlash: {
    service: { slashWanted: true },
    does: 'finds the system with a slash',
    act: ({ bmc }) => bmc.power(signal),
    told: ({ bmc }) => bmc.power(signal),
    wanted: 'Off',
  },
  closedRoot: {
    service: { sessions: false, closedRoot: true },
    does: 'logs in at the root',
    act: powerOn,
    told: ({ fake }) => [fake.power, fake.failedLogins],
    wanted: ['On', 0],
  },
  fewSessions: {
    service: { mostSessions: 0, sessionLimitStatus: 400, basic: true },
    does: 'goes on with Basic authentication',
    act: powerOn,
    told: ({ fake }) => [fake.power, fake.failedLogins],
    wanted: ['On', 0],
  },
  sessionLocation: {
    service: { sessionInBody: true },
    does: 'gives the session back all the same',
    act: async ({ bmc }) => {
      await bmc.power(signal);
      await bmc.close();
    },
    told: ({ fake }) => fake.open.size,
    wanted: 0,
  },
  etagInBody: {
    service: { etags: 'body', ifMatch: 'required' },
    does: 'takes the ETag from the body',
    act: secure,
    told: isSecure,
    wanted: true,
  },
  strongEtagWanted: {
    service: { etags: 'weak', ifMatch: 'strong' },
    does: 'makes it strong',
    act: secure,
    told: isSecure,
    wanted: true,
  },
  noEtagWanted: {
    service: { ifMatch: 'none' },
    does: 'leaves it out',
    act: secure,
    told: isSecure,
    wanted: true,
  },
  idracNotReady: {
    does: 'waits for it, 3 s at a time',
    act: refusing(4, 400, 'IDRAC.2.8.SYS518', secure),
    told: (pair) => [isSecure(pair), pair.clock.slept],
    wanted: [true, 12_000],
  },
  iloNotReady: {
    does: 'waits for it, 3 s at a time',
    act: refusing(2, 400, 'iLO.2.14.InvalidOperationForSystemState', powerOn),
    told: ({ fake, clock }) => [fake.power, clock.slept],
    wanted: ['On', 6_000],
  },
  systemInPost: {
    does: 'waits for the end of the self-test',
    act: refusing(3, 400, 'iLO.2.14.UnableToModifyDuringSystemPOST', setBoot()),
    told: (pair) => [bootNow(pair), pair.clock.slept],
    wanted: [{ target: 'Pxe', enabled: 'Once', mode: 'UEFI' }, 18_000],
  },
  onConflict: {
    service: dell,
    does: 'tries On for a minute',
    act: refusing(6, 409, 'Base.1.18.ActionParameterValueConflict', powerOn),
    told: ({ fake, clock }) => [fake.power, clock.slept],
    wanted: ['On', 60_000],
  },
  alreadyThere: {
    does: 'takes it for success, also where the service shows no power state',
    act: async (pair) => {
      pair.fake.power = null;
      pair.fake.refusals.push({ status: 400, id: 'X.1.0.No', message: 'The host is powered off.' });
      await pair.bmc.setPower('Off', permit, signal);
    },
    told: ({ fake }) => fake.requests.filter((request) => request.includes('Power ')).length,
    wanted: 1,
  },
  wholeBoot: {
    service: { manufacturer: 'American Megatrends International', wholeBoot: true },
    does: 'sends all three',
    act: setBoot({ persistent: true }),
    told: bootNow,
    wanted: { target: 'Pxe', enabled: 'Continuous', mode: 'UEFI' },
  },
  enabledAlways: {
    service: { ...supermicro, enabled: 'always' },
    does: 'sends Enabled though it is as it was',
    act: async (pair) => {
      pair.fake.boot = { target: 'Hdd', enabled: 'Once', mode: 'UEFI' };
      await setBoot()(pair);
    },
    told: bootNow,
    wanted: { target: 'Pxe', enabled: 'Once', mode: 'UEFI' },
  },
  modeForgotten: {
    service: { ...supermicro, mode: 'forgotten' },
    does: 'sets the mode again',
    act: setBoot(),
    told: bootNow,
    wanted: { target: 'Pxe', enabled: 'Once', mode: 'UEFI' },
  },
  usbCd: {
    service: supermicro,
    does: 'boots from UsbCd',
    act: setBoot({ device: 'Cd' }),
    told: ({ fake }) => fake.boot.target,
    wanted: 'UsbCd',
  },
  oemVirtualCd: {
    service: { ...dell, managerModel: '14G Monolithic', managerFirmware: '4.40.00.00' },
    does: 'imports a configuration that has it',
    act: setBoot({ device: 'Cd' }),
    told: ({ fake }) => [fake.imported, fake.boot.target],
    wanted: [
      [
        '<SystemConfiguration><Component FQDD="iDRAC.Embedded.1">' +
          '<Attribute Name="ServerBoot.1#BootOnce">Enabled</Attribute>' +
          '<Attribute Name="ServerBoot.1#FirstBootDevice">VCD-DVD</Attribute>' +
          '</Component></SystemConfiguration>',
      ],
      'None',
    ],
  },
  noContinuous: {
    service: { enabledValues: ['Disabled', 'Once'] },
    does: 'sets it for once',
    act: setBoot({ persistent: true }),
    told: overrideNow,
    wanted: { device: 'Network', mode: 'UEFI', persistent: false },
  },
  noMode: {
    service: { mode: 'refused' },
    does: 'sets the device without it',
    act: setBoot({ mode: 'Legacy' }),
    told: bootNow,
    wanted: { target: 'Pxe', enabled: 'Once', mode: 'UEFI' },
  },
  bootInSettings: {
    service: { bootInSettings: true },
    does: 'sets it there',
    act: setBoot({ device: 'Disk', persistent: true }),
    told: overrideNow,
    wanted: { device: 'Disk', mode: 'UEFI', persistent: true },
  },
  jobAtRestart: {
    service: { ...dell, tasks: { polls: 1, state: 'Starting' } },
    does: 'does not wait for a restart that it is itself in the way of',
    act: ({ bmc }) => bmc.setBios({ BootMode: 'Uefi' }, permit, signal),
    told: ({ fake }) => fake.bodies,
    wanted: [{ '@Redfish.SettingsApplyTime': { ApplyTime: 'OnReset' }, Attributes: { BootMode: 'Uefi' } }],
  },
  mediaInManager: {
    service: { mediaAt: 'manager' },
    does: 'finds it there',
    act: insert,
    told: slotsNow,
    wanted: { Cd: iso },
  },
  dvdOnly: {
    service: { slots: [{ id: '1', types: ['DVD'], takes: 'action' }] },
    does: 'takes the DVD',
    act: insert,
    told: slotsNow,
    wanted: { 1: iso },
  },
  localSlots: {
    service: { slots: [cd('viewer', 'viewer'), cd('2')] },
    does: 'takes the next',
    act: insert,
    told: slotsNow,
    wanted: { 2: iso },
  },
  onlyFirstSlot: {
    service: { ...dell, managerModel: '17G Monolithic', managerFirmware: '1.20', slots: [cd('2'), cd('1')] },
    does: 'takes no other',
    act: insert,
    told: slotsNow,
    wanted: { 1: iso },
  },
  insertByPatch: {
    service: { slots: [cd('EXT1', 'patch')] },
    does: 'sends a PATCH',
    act: insert,
    told: slotsNow,
    wanted: { EXT1: iso },
  },
  bareInsert: {
    service: { bareInsert: true },
    does: 'sends the image alone',
    act: insert,
    told: slotsNow,
    wanted: { Cd: iso },
  },
  transferProtocol: {
    service: { mediaWants: ['TransferProtocolType'] },
    does: 'adds it',
    act: insert,
    told: ({ fake }) => fake.bodies.at(-1),
    wanted: { Image: iso, TransferProtocolType: 'HTTP' },
  },
  transferMethod: {
    service: { mediaWants: ['TransferProtocolType', 'TransferMethod'] },
    does: 'adds it',
    act: insert,
    told: ({ fake }) => fake.bodies.at(-1),
    wanted: { Image: iso, TransferProtocolType: 'HTTP', TransferMethod: 'Stream' },
  },
  dummyCredentials: {
    service: { mediaWants: ['UserName', 'Password'] },
    does: 'adds some',
    act: insert,
    told: ({ fake }) => fake.bodies.at(-1),
    wanted: { Image: iso, UserName: 'none', Password: 'none' },
  },
  emptyEject: {
    service: { ejectBody: 'empty object' },
    does: 'sends one',
    act: async (pair) => {
      pair.fake.inserted.set('Cd', iso);
      await pair.bmc.ejectMedia(permit, signal);
    },
    told: slotsNow,
    wanted: {},
  },
  ejectInProgress: {
    service: dell,
    does: 'waits for the end of the eject',
    act: refusing(3, 500, 'IDRAC.2.8.VRM0021', insert),
    told: (pair) => [slotsNow(pair), pair.clock.slept],
    wanted: [{ Cd: iso }, 9_000],
  },
  staleInserted: {
    service: { ...dell, staleReads: 2 },
    does: 'waits until it shows the truth',
    act: async (pair) => {
      pair.fake.inserted.set('Cd', iso);
      await pair.bmc.ejectMedia(permit, signal);
      await insert(pair);
    },
    told: slotsNow,
    wanted: { Cd: iso },
  },
  blinkOnly: {
    service: { light: 'blink' },
    does: 'has it blink',
    act: ({ bmc }) => bmc.setIndicator(true, permit, signal),
    told: ({ fake }) => fake.indicator,
    wanted: 'Blinking',
  },
};

describe('a Redfish service with a quirk', () => {
  const pairs = createPairs();
  afterEach(() => pairs.close());

  for (const name of Object.keys(quirks) as QuirkName[]) {
    const { service, options, does, act, told, wanted } = cases[name];
    it(`${name} (${quirks[name].products}): ${does}`, async () => {
      const pair = await pairs.start(service, options);
      await act(pair);
      expect(await told(pair)).to.deep.equal(wanted);
    });
  }
});

describe('who a Redfish service says it is', () => {
  const nobody = { maker: 'acme', systemModel: 'x', managerModel: '', managerFirmware: '' };
  for (const [what, identity, expected] of [
    ['nobody that we know', nobody, []],
    ['AMI', { ...nobody, maker: 'ami redfish server' }, ['wholeBoot']],
    ['a maker with ami in its name', { ...nobody, maker: 'miami servers' }, []],
    ['Supermicro', { ...nobody, maker: 'supermicro' }, ['enabledAlways', 'modeForgotten', 'usbCd']],
    [
      'the Supermicro that boots from Cd',
      { ...nobody, maker: 'supermicro', systemModel: 'ARS-111GL-NHR' },
      ['enabledAlways', 'modeForgotten'],
    ],
    [
      'an old iDRAC',
      { ...nobody, maker: 'dell', managerModel: '13G Monolithic', managerFirmware: '2.83' },
      ['oemVirtualCd'],
    ],
    [
      'a newer iDRAC9',
      { ...nobody, maker: 'dell', managerModel: '16G Monolithic', managerFirmware: '7.10' },
      [],
    ],
    [
      'an iDRAC10, whose firmware counts from 1',
      { ...nobody, maker: 'dell', managerModel: '17G Monolithic', managerFirmware: '1.20' },
      ['onlyFirstSlot'],
    ],
  ] as const) {
    it(`${what} has the quirks that go with it`, () => {
      expect([...quirksOf(identity)]).to.deep.equal(expected);
    });
  }
});

describe('a Redfish service without quirks', () => {
  const pairs = createPairs();
  afterEach(() => pairs.close());

  it('that refuses an unchanged Enabled is not sent one', async () => {
    const { fake, bmc } = await pairs.start({ enabled: 'changed' });
    fake.boot = { target: 'Hdd', enabled: 'Once', mode: 'UEFI' };
    await bmc.setBoot(network, permit, signal);
    expect(fake.boot).to.deep.equal({ target: 'Pxe', enabled: 'Once', mode: 'UEFI' });
  });

  it('is asked for the manager only where that tells something', async () => {
    const { fake, bmc } = await pairs.start();
    await bmc.setBoot({ ...network, device: 'Cd' }, permit, signal);
    expect(fake.requests).to.not.include('GET /redfish/v1/Managers/1');
    expect([fake.boot.target, fake.imported]).to.deep.equal(['Cd', []]);
  });
});
