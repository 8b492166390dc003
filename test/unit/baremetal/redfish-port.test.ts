// What the Redfish driver does to a machine, before our fake service: it is read back, and refused with a clear word.
import { expect } from 'chai';
import type { BootOverride } from '../../../src/baremetal/bmc/port.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { createManualClock } from '../../fakes/clock.ts';
import type { FakeBoot, RedfishQuirks } from '../../fakes/redfish.ts';
import { createPairs } from '../../fakes/redfish-driver.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;
const iso = 'http://10.0.0.1/boot.iso';
const network: BootOverride = { device: 'Network', mode: 'UEFI', persistent: false };
const messageOf = (error: unknown): string => asOperatorError(error).message;
const pairs = createPairs();
const { start } = pairs;
describe('a boot override over Redfish', () => {
  afterEach(() => pairs.close());

  for (const override of [
    { device: 'Network', mode: 'UEFI', persistent: false },
    { device: 'Disk', mode: 'UEFI', persistent: true },
    { device: 'Cd', mode: 'Legacy', persistent: false },
  ] as const) {
    it(`${override.device} ${override.mode} ${override.persistent ? 'for good' : 'for once'} is what is read back`, async () => {
      const { bmc } = await start();
      await bmc.setBoot(override, permit, signal);
      expect(await bmc.boot(signal)).to.deep.equal(override);
    });
  }

  it('that is not set is none', async () => {
    const { bmc } = await start();
    expect(await bmc.boot(signal)).to.equal(undefined);
  });

  it('has no mode where the service has none', async () => {
    const { bmc } = await start({ mode: 'absent' });
    await bmc.setBoot(network, permit, signal);
    expect(await bmc.boot(signal)).to.deep.equal({ device: 'Network', persistent: false });
  });

  it('that the machine does not have is refused by name', async () => {
    const { fake, bmc } = await start({ bootTargets: ['None', 'Hdd'] });
    expect(await bmc.setBoot(network, permit, signal).catch(messageOf)).to.match(
      /cannot boot from Network: it offers None, Hdd/,
    );
    expect(fake.bodies).to.deep.equal([]);
  });

  it('for good that meets an internal error is set for once', async () => {
    const { fake, bmc } = await start();
    fake.refusals.push({ status: 500, id: 'X.1.0.InternalError' });
    await bmc.setBoot({ ...network, persistent: true }, permit, signal);
    expect(fake.boot).to.deep.equal({ target: 'Pxe', enabled: 'Once', mode: 'UEFI' });
  });

  it('for once that meets an internal error is not set for good', async () => {
    const { fake, bmc } = await start();
    fake.refusals.push({ status: 500, id: 'X.1.0.InternalError' });
    const error = await bmc.setBoot(network, permit, signal).catch(asOperatorError);
    expect(error).to.include({ kind: 'transient', reason: 'BMCBusy' });
    expect(fake.boot.target).to.equal('None');
  });

  it('is set for good where that is all there is', async () => {
    const { fake, bmc } = await start({ enabledValues: ['Disabled', 'Continuous'] });
    await bmc.setBoot(network, permit, signal);
    expect(fake.boot).to.deep.equal({ target: 'Pxe', enabled: 'Continuous', mode: 'UEFI' });
  });
});

describe('virtual media over Redfish', () => {
  afterEach(() => pairs.close());
  const slots = (...ids: readonly string[]): RedfishQuirks['slots'] =>
    ids.map((id) => ({ id, types: ['CD'], takes: 'action' }));

  it('is inserted once: the same address again is no change', async () => {
    const { fake, bmc } = await start();
    await bmc.insertMedia(iso, permit, signal);
    const sent = fake.bodies.length;
    await bmc.insertMedia(iso, permit, signal);
    expect([fake.media, fake.bodies.length]).to.deep.equal([iso, sent]);
  });

  it('replaces what was in any CD slot, and leaves a floppy alone', async () => {
    const { fake, bmc } = await start({
      slots: [...slots('1', '2'), { id: 'Floppy', types: ['Floppy'], takes: 'action' }],
    });
    fake.inserted.set('2', 'http://10.0.0.1/old.iso').set('Floppy', 'http://10.0.0.1/notes.img');
    await bmc.insertMedia(iso, permit, signal);
    expect(Object.fromEntries(fake.inserted)).to.deep.equal({ 1: iso, Floppy: 'http://10.0.0.1/notes.img' });
  });

  it('that is in the second slot already stays there, alone', async () => {
    const { fake, bmc } = await start({ slots: slots('1', '2') });
    fake.inserted.set('1', 'http://10.0.0.1/old.iso').set('2', iso);
    await bmc.insertMedia(iso, permit, signal);
    expect(Object.fromEntries(fake.inserted)).to.deep.equal({ 2: iso });
  });

  it('is ejected from every CD slot, and once more is no change', async () => {
    const { fake, bmc } = await start({ slots: slots('1', '2'), mediaAt: 'both' });
    fake.inserted.set('1', iso).set('2', 'http://10.0.0.1/old.iso');
    await bmc.ejectMedia(permit, signal);
    const sent = fake.bodies.length;
    await bmc.ejectMedia(permit, signal);
    expect([fake.inserted.size, fake.bodies.length]).to.deep.equal([0, sent]);
  });

  it('that is taken and not shown is told, as something that may pass', async () => {
    const { bmc, clock } = await start({ inserts: false });
    const error = await bmc.insertMedia(iso, permit, signal).catch(asOperatorError);
    expect(error).to.include({ kind: 'transient', reason: 'BMCBusy' });
    expect(messageOf(error)).to.match(/shows nothing in .*can reach that address/);
    expect(clock.slept).to.equal(10_000);
  });

  it('that does not go away is told', async () => {
    const { fake, bmc } = await start({ staleReads: 1_000 });
    fake.inserted.set('Cd', iso);
    expect(await bmc.ejectMedia(permit, signal).catch(messageOf)).to.include(`still shows ${iso}`);
  });

  it('has no place in a machine without a virtual CD', async () => {
    const { bmc } = await start({ slots: [{ id: 'Floppy', types: ['Floppy'], takes: 'action' }] });
    expect(await bmc.insertMedia(iso, permit, signal).catch(asOperatorError)).to.include({
      kind: 'terminal',
      reason: 'BMCRefused',
    });
    await bmc.ejectMedia(permit, signal);
  });

  it('that no slot takes is told by the one that tells most', async () => {
    const viewer = { id: 'viewer', types: ['CD'], takes: 'viewer' } as const;
    const { fake, bmc } = await start({ slots: [viewer, ...slots('2')] });
    fake.refusals.push(undefined, { status: 400, id: 'X.1.0.NoRoute' });
    expect(await bmc.insertMedia(iso, permit, signal).catch(messageOf)).to.include('NoRoute');
  });

  it('whose address may be the trouble is told so', async () => {
    const { fake, bmc } = await start();
    fake.refusals.push({ status: 400, id: 'X.1.0.BadUrl' });
    expect(await bmc.insertMedia(`${iso}?a=1&b=2`, permit, signal).catch(messageOf)).to.match(
      /some BMCs take no address with a question mark/,
    );
  });
});

describe('BIOS settings over Redfish', () => {
  afterEach(() => pairs.close());

  for (const [settings, complaint] of [
    [{ BootMode: 'Sideways' }, 'BootMode cannot be "Sideways": it is one of Uefi, Bios'],
    [{ NumLock: 'on' }, 'NumLock cannot be "on": it is true or false'],
    [{ ProcCores: 65 }, 'ProcCores cannot be 65: it has from 1 to 64'],
    [{ ProcCores: '8' }, 'ProcCores cannot be "8": it is a whole number'],
    [{ AssetTag: 'far too long' }, 'AssetTag cannot be "far too long": it has from 0 to 8 characters'],
    [{ SystemModel: 'Coyote' }, 'SystemModel cannot be "Coyote": it is read-only'],
    [{ Turbo: true }, 'this machine has no attribute Turbo'],
  ] as const) {
    it(`${JSON.stringify(settings)} are refused before anything is sent`, async () => {
      const { fake, bmc } = await start();
      const error = await bmc.setBios({ NumLock: false, ...settings }, permit, signal).catch(asOperatorError);
      expect(error).to.include({ kind: 'terminal', reason: 'BMCRefused' });
      expect(messageOf(error)).to.include(complaint);
      expect(fake.bodies).to.deep.equal([]);
    });
  }

  it('are measured by what is in force where there is no registry', async () => {
    const { fake, bmc } = await start({ hasRegistry: false });
    expect(await bmc.setBios({ ProcCores: '8' }, permit, signal).catch(messageOf)).to.include(
      'it is a number',
    );
    expect(await bmc.setBios({ Turbo: true }, permit, signal).catch(messageOf)).to.include(
      'no attribute Turbo',
    );
    await bmc.setBios({ ProcCores: 16 }, permit, signal);
    expect(fake.pendingBios).to.deep.equal({ ProcCores: 16 });
  });

  it('wait for the restart, are not sent twice, and are in force after it', async () => {
    const { fake, bmc } = await start();
    const settings = { BootMode: 'Uefi', NumLock: true };
    await bmc.setBios(settings, permit, signal);
    await bmc.setBios(settings, permit, signal);
    expect([fake.bodies.length, (await bmc.bios(signal)).BootMode]).to.deep.equal([1, 'Bios']);
    await bmc.setPower('On', permit, signal);
    expect(await bmc.bios(signal)).to.include(settings);
    await bmc.setBios(settings, permit, signal);
    // The reset was the second.
    expect(fake.bodies).to.have.length(2);
  });

  it('that a former wish left pending are taken back', async () => {
    const { fake, bmc } = await start();
    await bmc.setBios({ BootMode: 'Uefi' }, permit, signal);
    await bmc.setBios({ BootMode: 'Bios' }, permit, signal);
    expect(fake.pendingBios).to.deep.equal({ BootMode: 'Bios' });
  });

  it('are refused where the machine shows none', async () => {
    const { bmc } = await start({ hasBios: false });
    expect(await bmc.bios(signal).catch(messageOf)).to.include('offers no BIOS settings');
  });
});

describe('the switches of a machine over Redfish', () => {
  afterEach(() => pairs.close());

  it('secure boot is in force after the next start', async () => {
    const { fake, bmc } = await start();
    await bmc.setSecureBoot(true, permit, signal);
    expect(await bmc.secureBoot(signal)).to.equal(false);
    await bmc.setPower('On', permit, signal);
    expect(await bmc.secureBoot(signal)).to.equal(true);
    const sent = fake.bodies.length;
    await bmc.setSecureBoot(true, permit, signal);
    expect(fake.bodies).to.have.length(sent);
  });

  it('secure boot is unknown, and cannot be set, where there is none', async () => {
    const { bmc } = await start({ hasSecureBoot: false });
    expect(await bmc.secureBoot(signal)).to.equal(undefined);
    expect(await bmc.setSecureBoot(true, permit, signal).catch(messageOf)).to.include('no secure boot');
  });

  for (const light of ['led', 'location', 'chassis'] as const) {
    it(`the light goes on and off, as ${light}`, async () => {
      const { fake, bmc } = await start({ light });
      await bmc.setIndicator(true, permit, signal);
      expect(fake.indicator).to.equal('Lit');
      await bmc.setIndicator(false, permit, signal);
      expect(fake.indicator).to.equal('Off');
    });
  }

  it('the light is refused where there is none', async () => {
    const { bmc } = await start({ light: 'none' });
    expect(await bmc.setIndicator(true, permit, signal).catch(messageOf)).to.include('no locator light');
  });

  it('the console is refused, with the way that there is', async () => {
    const { bmc } = await start();
    expect(await bmc.console(() => undefined, signal).catch(messageOf)).to.include('ipmi:// address');
  });
});

describe('events over Redfish', () => {
  afterEach(() => pairs.close());
  const there = 'https://10.0.0.1/events';

  for (const events of ['any', 'types wanted'] as const) {
    it(`are subscribed once, and not any more (${events})`, async () => {
      const { fake, bmc } = await start({ events });
      const first = await bmc.subscribe(there, 'node-1', permit, signal);
      const second = await bmc.subscribe(there, 'node-1', permit, signal);
      expect([second, [...fake.subscriptions]]).to.deep.equal([
        first,
        [[first, { destination: there, context: 'node-1' }]],
      ]);
      await bmc.unsubscribe(first, permit, signal);
      await bmc.unsubscribe(first, permit, signal);
      expect(fake.subscriptions.size).to.equal(0);
    });
  }

  it('of another context are another subscription', async () => {
    const { fake, bmc } = await start();
    await bmc.subscribe(there, 'node-1', permit, signal);
    await bmc.subscribe(there, 'node-2', permit, signal);
    expect(fake.subscriptions.size).to.equal(2);
  });

  it('are refused where there are none', async () => {
    const { bmc } = await start({ events: 'none' });
    expect(await bmc.subscribe(there, 'node', permit, signal).catch(messageOf)).to.include(
      'no event subscription',
    );
  });
});

describe('logins over Redfish', () => {
  afterEach(() => pairs.close());

  it('are few where sessions have run out and Basic is refused', async () => {
    const { fake, bmc } = await start({ mostSessions: 0 });
    for (let index = 0; index < 5; index += 1) {
      expect(await bmc.power(signal).catch(messageOf)).to.include('SessionLimitExceeded');
    }
    const basic = fake.requests.filter((request) => request.startsWith('GET') && !request.endsWith('/v1/'));
    expect(basic).to.deep.equal(['GET /redfish/v1/Systems']);
    fake.quirks = { ...fake.quirks, mostSessions: 1 };
    expect(await bmc.power(signal)).to.equal('Off');
  });

  it('end at once when the password was changed under a session', async () => {
    const { fake, bmc, target } = await start();
    await bmc.power(signal);
    fake.password = 'another';
    fake.open.clear();
    expect(await bmc.power(signal).catch(asOperatorError)).to.include({ reason: 'BMCAuthFailed' });
    expect([fake.failedLogins, target.password]).to.deep.equal([1, 'secret']);
  });

  it('ask for the connection to be closed after each request where kept ones do not hold', async () => {
    const { fake, bmc } = await start({ furtherRequests: 'cut' });
    await bmc.power(signal);
    fake.open.clear();
    const seen: unknown[] = [];
    fake.watch = ({ headers }) => void seen.push(headers.connection);
    await bmc.power(signal);
    expect(seen).to.deep.equal(['close', 'close', 'close', 'close']);
  });
});

describe('our fake Redfish service as the BMC of a simulated machine', () => {
  afterEach(() => pairs.close());

  it('tells the machine of the reset, the power and what it boots from, the power in its own time', async () => {
    const clock = createManualClock();
    const told: unknown[] = [];
    const { fake, bmc } = await start(
      {},
      {
        machine: {
          clock,
          powerDelayMs: 11_000,
          onReset: (kind) => void told.push(kind),
          onPower: (state) => void told.push(state),
          onBoot: (boot) => void told.push(boot),
        },
      },
    );
    await bmc.insertMedia(iso, permit, signal);
    await bmc.setBoot({ device: 'Cd', mode: 'UEFI', persistent: false }, permit, signal);
    await bmc.setPower('On', permit, signal);
    await clock.advance(10_999);
    expect(await bmc.power(signal)).to.equal('PoweringOn');
    await clock.advance(1);
    expect(await bmc.power(signal)).to.equal('On');
    const boot: FakeBoot = { target: 'Cd', mode: 'UEFI', media: iso, secureBoot: false };
    expect(told).to.deep.equal(['On', 'On', boot]);
    await bmc.setPower('Reset', permit, signal);
    await clock.advance(11_000);
    expect(told.at(-1)).to.deep.equal({ ...boot, target: undefined });
    expect(fake.boot.enabled).to.equal('Disabled');
  });

  it('leaves the power to a machine that wants it so', async () => {
    const { fake, bmc } = await start({}, { machine: { onReset: () => false } });
    await bmc.setBoot(network, permit, signal);
    await bmc.setPower('On', permit, signal);
    expect(fake.power).to.equal('Off');
    fake.setPower('On');
    expect([await bmc.power(signal), await bmc.boot(signal)]).to.deep.equal(['On', undefined]);
  });
});
