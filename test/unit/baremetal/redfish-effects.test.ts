// Requests of the Redfish driver that have an effect: never without permission, to their end, and not twice where that does harm.
import { expect } from 'chai';
import type { BootOverride } from '../../../src/baremetal/bmc/port.ts';
import type { RedfishBmc } from '../../../src/baremetal/bmc/redfish/redfish.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { createPairs, type Pair } from '../../fakes/redfish-driver.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;
const iso = 'http://10.0.0.1/boot.iso';
const network: BootOverride = { device: 'Network', mode: 'UEFI', persistent: false };
const messageOf = (error: unknown): string => asOperatorError(error).message;
const pairs = createPairs();
const { start } = pairs;
type Act = (bmc: RedfishBmc, permit: () => void) => Promise<unknown>;

/** Everything of the port that has an effect. */
const effects: readonly (readonly [string, Act])[] = [
  ['power', (bmc, may) => bmc.setPower('On', may, signal)],
  ['boot', (bmc, may) => bmc.setBoot(network, may, signal)],
  ['media', (bmc, may) => bmc.insertMedia(iso, may, signal)],
  ['bios', (bmc, may) => bmc.setBios({ BootMode: 'Uefi' }, may, signal)],
  ['secure boot', (bmc, may) => bmc.setSecureBoot(true, may, signal)],
  ['indicator', (bmc, may) => bmc.setIndicator(true, may, signal)],
  ['events', (bmc, may) => bmc.subscribe('https://10.0.0.1/events', 'node', may, signal)],
];
const stateOf = ({ fake }: Pair) => ({
  power: fake.power,
  boot: fake.boot,
  media: fake.media,
  pending: fake.pendingBios,
  secureBoot: fake.secureBoot,
  indicator: fake.indicator,
  subscriptions: fake.subscriptions.size,
});

describe('an effect over Redfish', () => {
  afterEach(() => pairs.close());

  for (const [what, act] of effects) {
    it(`of ${what} is not had without permission`, async () => {
      const pair = await start();
      const before = stateOf(pair);
      const forbid = () => {
        throw new Error('no lease');
      };
      expect(await act(pair.bmc, forbid).catch(String)).to.include('no lease');
      expect([stateOf(pair), pair.fake.bodies]).to.deep.equal([before, []]);
    });

    it(`of ${what} asks for permission again when its session ends under it`, async () => {
      const pair = await start();
      const before = stateOf(pair);
      let asked = 0;
      const once = () => {
        asked += 1;
        if (asked > 1) throw new Error('no lease');
        pair.fake.open.clear();
      };
      expect(await act(pair.bmc, once).catch(String)).to.include('no lease');
      expect(stateOf(pair)).to.deep.equal(before);
    });

    it(`of ${what} is had after one new login, when its session ends under it`, async () => {
      const pair = await start();
      const before = stateOf(pair);
      let asked = 0;
      await act(pair.bmc, () => {
        asked += 1;
        if (asked === 1) pair.fake.open.clear();
      });
      expect(stateOf(pair)).to.not.deep.equal(before);
      expect(pair.fake.open.size).to.equal(1);
    });

    it(`of ${what} that is refused says what the service says`, async () => {
      const pair = await start();
      for (let index = 0; index < 9; index += 1)
        pair.fake.refusals.push({ status: 400, id: 'X.1.0.Never', message: 'Not on a Sunday.' });
      const error = await act(pair.bmc, permit).catch(asOperatorError);
      expect(error).to.include({ kind: 'terminal', reason: 'BMCRefused' });
      expect(messageOf(error)).to.include('X.1.0.Never: Not on a Sunday.');
    });

    it(`of ${what} that the service cannot have now passes`, async () => {
      const pair = await start();
      for (let index = 0; index < 9; index += 1) pair.fake.refusals.push({ status: 503, id: 'X.1.0.Busy' });
      const error = await act(pair.bmc, permit).catch(asOperatorError);
      expect(error).to.include({ kind: 'transient', reason: 'BMCBusy' });
    });
  }

  it('that is put off for longer than we wait passes all the same', async () => {
    const pair = await start();
    for (let index = 0; index < 9; index += 1)
      pair.fake.refusals.push({ status: 400, id: 'iLO.2.14.UnableToModifyDuringSystemPOST' });
    const error = await pair.bmc.setBoot(network, permit, signal).catch(asOperatorError);
    expect(error).to.include({ kind: 'transient', reason: 'BMCBusy' });
  });

  it('is had although half of the answer is missing, where sending it twice does no harm', async () => {
    const pair = await start();
    await pair.bmc.boot(signal);
    // The system is read, then comes the PATCH.
    pair.fake.faults.push(undefined, 'half an answer');
    await pair.bmc.setBoot(network, permit, signal);
    expect(pair.fake.boot.target).to.equal('Pxe');
  });

  it('is not sent twice where that may do harm', async () => {
    const pair = await start();
    pair.fake.power = 'On';
    await pair.bmc.power(signal);
    pair.fake.faults.push(undefined, 'hang up');
    expect(await pair.bmc.setPower('Reset', permit, signal).catch(messageOf)).to.include('does not answer');
    expect(pair.fake.requests.filter((request) => request.includes('ForceRestart'))).to.have.length(1);
  });

  it('stops when it is called off', async () => {
    const pair = await start();
    await pair.bmc.power(signal);
    const off = new AbortController();
    pair.fake.faults.push(undefined, 'silence');
    pair.fake.watch = ({ method }) => {
      if (method === 'PATCH') off.abort(new Error('enough'));
    };
    const asked = pair.bmc.setBoot(network, permit, off.signal);
    expect(await asked.catch(String)).to.include('enough');
  });

  it('takes what the document became meanwhile for what it is', async () => {
    const pair = await start({ ifMatch: 'required' });
    let first = true;
    await pair.bmc.setBoot(
      network,
      () => {
        if (first) pair.fake.power = 'PoweringOn';
        first = false;
      },
      signal,
    );
    expect(pair.fake.boot.target).to.equal('Pxe');
  });
});

describe('a Redfish task', () => {
  afterEach(() => pairs.close());

  it('is followed to its end, at the pace that the service asks for', async () => {
    const { fake, bmc, clock } = await start({ tasks: { polls: 3, state: 'Completed', retryAfter: '5' } });
    await bmc.setIndicator(true, permit, signal);
    expect([fake.indicator, [...fake.tasks.values()], clock.slept]).to.deep.equal([
      'Lit',
      [{ polls: -1 }],
      5_000 + 3 * 1_000,
    ]);
  });

  for (const state of ['Exception', 'Killed', 'Cancelled']) {
    it(`that ends as ${state} is a failure that says why`, async () => {
      const { bmc } = await start({ tasks: { polls: 1, state, message: 'The image is no image.' } });
      const error = await bmc.insertMedia(iso, permit, signal).catch(asOperatorError);
      expect(messageOf(error)).to.match(
        new RegExp(`inserting .*ended as ${state} \\(The image is no image\\.\\)`),
      );
    });
  }

  it('of a reset is not waited for: the power tells', async () => {
    const { fake, bmc, clock } = await start({ tasks: { polls: 9, state: 'Completed' } });
    await bmc.setPower('On', permit, signal);
    expect([[...fake.tasks.values()], clock.slept]).to.deep.equal([[{ polls: 8 }], 0]);
  });

  it('of a reset that fails at once is a failure', async () => {
    const { bmc } = await start({ tasks: { polls: 0, state: 'Exception', message: 'No power supply.' } });
    expect(await bmc.setPower('On', permit, signal).catch(messageOf)).to.include('No power supply.');
  });

  it('that the service has forgotten has ended', async () => {
    const { fake, bmc } = await start({ tasks: { polls: 1, state: 'forgotten' } });
    await bmc.setIndicator(true, permit, signal);
    expect(fake.indicator).to.equal('Lit');
  });
});
