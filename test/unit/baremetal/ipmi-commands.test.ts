// What the native IPMI driver has a BMC do: power and boot device, permitted packet by packet.
import { expect } from 'chai';
import { explain, rigOf } from '../../fakes/ipmi-rig.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;

describe('the native IPMI driver, asked for', () => {
  describe('an effect', () => {
    it('is not sent when it is not permitted', async () => {
      const { fake, bmc } = rigOf();
      const forbid = () => {
        throw new Error('no lease');
      };
      const effects = [
        bmc.setPower('On', forbid, signal),
        bmc.setPower('Reset', forbid, signal),
        bmc.setBoot({ device: 'Network', mode: 'UEFI', persistent: false }, forbid, signal),
        bmc.setIndicator(true, forbid, signal),
      ];
      for (const done of effects) expect(await done.catch(String)).to.include('no lease');
      expect(fake.log.filter((name) => /^00 0[248]/.test(name))).to.deep.equal([]);
    });

    it('is not sent again when it is not permitted any more', async () => {
      const { fake, line, bmc, clock } = rigOf({ power: true });
      await bmc.power(signal);
      let allowed = 2;
      const twice = () => {
        allowed -= 1;
        if (allowed < 0) throw new Error('the lease is over');
      };
      line.toBmc = () => false;
      const sent = line.sent.length;
      const asked = bmc.setPower('Off', twice, signal).catch(String);
      await clock.advance(10_000);
      expect(await asked).to.include('the lease is over');
      expect([line.sent.length - sent, fake.power]).to.deep.equal([2, true]);
    });

    it('that is a reset is sent once only to a BMC that took it and is silent, and says that nobody knows', async () => {
      const { fake, line, bmc, result } = rigOf({ power: true });
      await bmc.power(signal);
      const isReset = () => fake.log.includes('00 02');
      line.toUs = () => !isReset();
      expect(await result(bmc.setPower('Reset', permit, signal))).to.match(/^BMCUnreachable.*may have taken/);
      expect(fake.log.filter((name) => name === '00 02')).to.have.length(1);
      expect(fake.logins).to.equal(1);
    });

    it('that is a reset comes through a session that was lost unseen', async () => {
      const { fake, bmc, result } = rigOf({ power: true });
      await bmc.power(signal);
      fake.forget();
      fake.log.length = 0;
      expect(await result(bmc.setPower('Reset', permit, signal))).to.equal(undefined);
      expect(fake.log.filter((name) => name === '00 02')).to.have.length(1);
    });

    it('that the state makes needless is done', async () => {
      const { bmc } = rigOf({ power: true, completions: [0, 0xd5] });
      await bmc.setPower('On', permit, signal);
    });

    it('that the BMC refuses is an error with its reason', async () => {
      const { bmc } = rigOf({ completions: [0, 0xd4] });
      expect(await bmc.setPower('On', permit, signal).catch(explain)).to.match(
        /^BMCRefused.*power On.*insufficient privilege/,
      );
    });
  });

  describe('the boot device', () => {
    for (const [device, mode, persistent, flags] of [
      ['Network', 'UEFI', true, [0xe0, 0x04, 0, 0, 0]],
      ['Network', 'Legacy', false, [0x80, 0x04, 0, 0, 0]],
      ['Disk', 'UEFI', false, [0xa0, 0x08, 0, 0, 0]],
      ['Cd', 'Legacy', true, [0xc0, 0x14, 0, 0, 0]],
    ] as const) {
      it(`is ${device}, ${mode}, ${persistent ? 'for good' : 'once'}`, async () => {
        const { fake, bmc } = rigOf();
        const override = { device, mode, persistent };
        await bmc.setBoot(override, permit, signal);
        expect(fake.bootFlags).to.deep.equal(flags);
        expect(await bmc.boot(signal)).to.deep.equal(override);
      });
    }

    it('is for the next time only where the BMC takes nothing else', async () => {
      // Privilege, set in progress, 60 s, acknowledge, and the first try.
      const { fake, bmc } = rigOf({ completions: [0, 0, 0x80, 0x80, 0xcc] });
      await bmc.setBoot({ device: 'Disk', mode: 'UEFI', persistent: true }, permit, signal);
      expect(fake.bootFlags).to.deep.equal([0xa0, 0x08, 0, 0, 0]);
    });

    it('is none when none is set, or when the BMC does not say', async () => {
      const { fake, bmc } = rigOf();
      expect(await bmc.boot(signal)).to.equal(undefined);
      fake.completions.push(0xc1);
      expect(await bmc.boot(signal)).to.equal(undefined);
    });

    it('is told without a name where it is one that we do not set', async () => {
      const { bmc } = rigOf({ bootFlags: [0xc0, 0x18, 0, 0, 0] });
      expect(await bmc.boot(signal)).to.deep.equal({ mode: 'Legacy', persistent: true });
    });
  });

  it('says what to use for what IPMI has not', async () => {
    const { fake, bmc } = rigOf();
    const asked = [
      bmc.insertMedia('http://10.0.0.2/boot.iso', permit, signal),
      bmc.ejectMedia(permit, signal),
      bmc.bios(signal),
      bmc.setBios({}, permit, signal),
      bmc.secureBoot(signal),
      bmc.setSecureBoot(true, permit, signal),
    ];
    for (const answer of asked) expect(await answer.then(String, explain)).to.match(/^BMCRefused.*redfish:/);
    expect(fake.packets).to.equal(0);
  });
});
