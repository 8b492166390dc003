// The native IPMI driver against servers that we did not write: OpenIPMI's ipmi_sim (suite 3) and pyghmi's (suites 3 and 17).
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parseBmcAddress } from '../../../src/baremetal/bmc/address.ts';
import { createBmcConnector } from '../../../src/baremetal/bmc/connect.ts';
import type { Bmc } from '../../../src/baremetal/bmc/port.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { asOperatorError } from '../../../src/kernel/errors.ts';
import { startNetwork, type NetworkFaults } from './ipmi-network.ts';
import { startPyghmiBmc, type PyghmiBmc } from './ipmi-pyghmi.ts';
import { startIpmiSim, type IpmiSim } from './ipmi-sim.ts';

const { signal } = new AbortController();
const permit = (): void => undefined;
const explain = (error: unknown): string =>
  `${asOperatorError(error).reason}: ${asOperatorError(error).message}`;

/** Every one is closed after its test. */
const opened: Bmc[] = [];
function bmcAt(address: string, login: { readonly username?: string; readonly password?: string } = {}): Bmc {
  const target = { address: parseBmcAddress(address), username: 'admin', password: 'secret-1', ...login };
  const bmc = createBmcConnector(systemClock)({ ...target, trust: { kind: 'system' } });
  opened.push(bmc);
  return bmc;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((bmc) => bmc.close()));
});

async function turnOnAndOff(bmc: Bmc): Promise<string[]> {
  const seen: string[] = [await bmc.power(signal)];
  for (const action of ['On', 'Reset', 'Off'] as const) {
    await bmc.setPower(action, permit, signal);
    seen.push(await bmc.power(signal));
  }
  return seen;
}

/** What is printed until something matches. */
async function follow(bmc: Bmc, print: () => void, until: RegExp): Promise<string> {
  const stop = new AbortController();
  let text = '';
  const followed = bmc.console((piece) => {
    text += piece;
  }, stop.signal);
  for (let tries = 0; tries < 50 && !until.test(text); tries += 1) {
    // The console is not open at once: what was printed before is lost.
    if (text === '') print();
    await setTimeout(100);
  }
  stop.abort();
  await followed;
  return text;
}

describe('the native IPMI driver against ipmi_sim', function () {
  this.timeout(60_000);
  let sim: IpmiSim;
  before(async () => {
    sim = await startIpmiSim();
  });
  after(() => sim.stop());

  it('reads and sets the power', async () => {
    await sim.setPower('off');
    expect(await turnOnAndOff(bmcAt(sim.address))).to.deep.equal(['Off', 'On', 'On', 'Off']);
    expect([await sim.power(), await sim.resets()]).to.deep.equal(['off', 1]);
  });

  it('asks the system to shut down', async () => {
    await sim.setPower('on');
    await bmcAt(sim.address).setPower('SoftOff', permit, signal);
    expect(await sim.power()).to.equal('off');
  });

  it('reads what the BMC says of itself and of its machine, in the cipher suite that it speaks', async () => {
    expect(await bmcAt(sim.address).inventory(signal)).to.deep.equal({
      bmc: { protocol: 'IPMI', protocolVersion: '2.0', firmwareVersion: '9.08', cipherSuite: 3 },
      vendor: 'ACME',
      model: 'Anvil 9000',
      serial: 'S-0042',
      disks: [],
      nics: [],
    });
  });

  it('sets the locator light', async () => {
    await bmcAt(sim.address).setIndicator(true, permit, signal);
    expect(await sim.identified()).to.equal('0 1');
    await bmcAt(sim.address).setIndicator(false, permit, signal);
    expect(await sim.identified()).to.equal('0 0');
  });

  it('follows the serial console while commands go on', async () => {
    const bmc = bmcAt(sim.address);
    const text = await follow(bmc, () => sim.print('Booting…\r\n'), /Booting…\r\n/);
    expect(text).to.match(/^(Booting…\r\n)+$/);
    expect(await follow(bmc, () => sim.print('again\r\n'), /again/)).to.include('again');
  });

  it('follows a console that prints a great deal, with nothing lost or twice', async () => {
    const all = Array.from({ length: 2000 }, (_, line) => `line ${line}\r\n`).join('');
    let printed = false;
    const print = () => {
      if (!printed)
        setTimeout(300).then(
          () => sim.print(`${all}END`),
          () => undefined,
        );
      printed = true;
    };
    expect(await follow(bmcAt(sim.address), print, /END/)).to.equal(`${all}END`);
  });

  it('says that another follows the console', async () => {
    const stop = new AbortController();
    const first = bmcAt(sim.address).console(() => undefined, stop.signal);
    await setTimeout(300);
    const second = bmcAt(sim.address).console(() => undefined, signal);
    expect(await second.catch(explain)).to.match(/^BMCBusy.*serial console/);
    stop.abort();
    await first;
  });

  it('says that the console is gone with its session', async () => {
    const bmc = bmcAt(sim.address);
    const followed = bmc.console(() => undefined, signal).catch(explain);
    await setTimeout(300);
    await sim.restart();
    await bmc.power(signal);
    expect(await followed).to.match(/^BMCUnreachable.*session was lost/);
  });

  for (const [what, login, error] of [
    ['a wrong password', { password: 'wrong' }, /^BMCAuthFailed.*another password/],
    ['an unknown user', { username: 'nobody' }, /^BMCAuthFailed.*unknown user/],
  ] as const) {
    it(`tells ${what}`, async () => {
      expect(await bmcAt(sim.address, login).power(signal).catch(explain)).to.match(error);
    });
  }

  it('logs in again when the BMC has restarted', async () => {
    const bmc = bmcAt(sim.address);
    await sim.setPower('on');
    expect(await bmc.power(signal)).to.equal('On');
    await sim.restart();
    expect(await bmc.power(signal)).to.equal('On');
  });
});

describe('native IPMI sessions', function () {
  this.timeout(60_000);
  let servers: readonly PyghmiBmc[];
  before(async () => {
    servers = await Promise.all([startPyghmiBmc(17), startPyghmiBmc(3)]);
  });
  after(() => Promise.all(servers.map((server) => server.stop())));

  it('with many BMCs go through one socket, and do not mix', async () => {
    const connect = createBmcConnector(systemClock);
    const bmcs = servers.map((server) => {
      const target = {
        address: parseBmcAddress(server.address),
        username: 'admin',
        password: server.password,
      };
      return connect({ ...target, trust: { kind: 'system' } });
    });
    opened.push(...bmcs);
    const socketsBefore = udpSockets();
    await bmcs[0]?.setPower('On', permit, signal);
    const rounds = Array.from({ length: 20 }, () => Promise.all(bmcs.map((bmc) => bmc.power(signal))));
    for (const states of await Promise.all(rounds)) expect(states).to.deep.equal(['On', 'Off']);
    expect(udpSockets() - socketsBefore).to.equal(1);
    await Promise.all(bmcs.map((bmc) => bmc.close()));
    expect(udpSockets()).to.equal(socketsBefore);
  });

  it('that are open do not keep the process alive', async () => {
    const source = path.resolve(import.meta.dirname, '../../../src');
    const program = `
      import { parseBmcAddress } from '${source}/baremetal/bmc/address.ts';
      import { createBmcConnector } from '${source}/baremetal/bmc/connect.ts';
      import { systemClock } from '${source}/kernel/clock.ts';
      const address = parseBmcAddress('${servers[0]?.address ?? ''}');
      const target = { address, username: 'admin', password: 'secret-1', trust: { kind: 'system' } };
      console.log(await createBmcConnector(systemClock)(target).power(new AbortController().signal));`;
    const args = ['--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 });
    expect(stdout.trim()).to.equal('On');
  });
});

/** How many this process has: the inodes of its descriptors that the kernel lists as UDP. */
function udpSockets(): number {
  const table = readFileSync('/proc/self/net/udp', 'utf8').split('\n');
  const inodes = new Set(table.map((line) => `socket:[${line.trim().split(/\s+/)[9] ?? ''}]`));
  const links = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      // That of the directory itself, by now.
      return '';
    }
  });
  return links.filter((link) => inodes.has(link)).length;
}

for (const suite of [3, 17] as const) {
  describe(`the native IPMI driver against pyghmi, cipher suite ${suite}`, function () {
    this.timeout(120_000);
    let server: PyghmiBmc;
    beforeEach(async () => {
      server = await startPyghmiBmc(suite);
    });
    afterEach(() => server.stop());

    it('reads and sets the power', async () => {
      const bmc = bmcAt(server.address);
      expect(await turnOnAndOff(bmc)).to.deep.equal(['Off', 'On', 'On', 'Off']);
      expect((await bmc.inventory(signal)).bmc.cipherSuite).to.equal(suite);
    });

    it('follows the serial console', async () => {
      const text = await follow(bmcAt(server.address), () => server.print('login:'), /login:/);
      expect(text).to.match(/^(login:\n)+$/);
    });

    it('tells a wrong password', async () => {
      const asked = bmcAt(server.address, { password: 'wrong' }).power(signal);
      expect(await asked.catch(explain)).to.match(/^BMCAuthFailed.*another password/);
    });

    it('logs in again when the BMC has restarted', async () => {
      const bmc = bmcAt(server.address);
      await bmc.setPower('On', permit, signal);
      await server.stop();
      server = await startPyghmiBmc(suite, server.port);
      expect(await bmc.power(signal)).to.equal('Off');
    });

    for (const [override, judged] of [
      [
        { device: 'Network', mode: 'UEFI', persistent: true },
        ['Boot Flag Valid', 'all future boots', 'BIOS EFI boot', 'Force PXE'],
      ],
      [
        { device: 'Network', mode: 'Legacy', persistent: false },
        ['only next boot', 'BIOS PC Compatible', 'Force PXE'],
      ],
      [
        { device: 'Disk', mode: 'UEFI', persistent: false },
        ['only next boot', 'BIOS EFI boot', 'from default Hard-Drive'],
      ],
      [
        { device: 'Cd', mode: 'UEFI', persistent: false },
        ['only next boot', 'BIOS EFI boot', 'Force Boot from CD/DVD'],
      ],
    ] as const) {
      it(`has it boot from ${override.device}, ${override.mode}, as ipmitool reads it`, async () => {
        const bmc = bmcAt(server.address);
        expect(await bmc.boot(signal)).to.equal(undefined);
        await bmc.setBoot(override, permit, signal);
        expect(await bmc.boot(signal)).to.deep.equal(override);
        const read = await ipmitool(server, suite, 'chassis', 'bootparam', 'get', '5');
        for (const line of judged) expect(read).to.include(line);
      });
    }
  });
}

async function ipmitool(server: PyghmiBmc, suite: number, ...command: readonly string[]): Promise<string> {
  const where = [
    '-I',
    'lanplus',
    '-C',
    String(suite),
    '-H',
    '127.0.0.1',
    '-p',
    String(server.port),
    '-U',
    'admin',
  ];
  const env = { ...process.env, IPMI_PASSWORD: server.password };
  return (await promisify(execFile)('ipmitool', [...where, '-E', ...command], { env })).stdout;
}

describe('the native IPMI driver on a bad network', function () {
  this.timeout(180_000);
  let sim: IpmiSim;
  before(async () => {
    sim = await startIpmiSim();
    await sim.setPower('on');
  });
  after(() => sim.stop());

  const behind = async (faults: NetworkFaults, work: (address: string) => Promise<void>): Promise<number> => {
    const network = await startNetwork(sim.port, faults);
    try {
      await work(`ipmi://127.0.0.1:${network.port}`);
    } finally {
      await Promise.all(opened.splice(0).map((bmc) => bmc.close()));
      network.close();
    }
    return network.lost();
  };

  it('gets everything done where 30 % of packets are lost each way', async () => {
    // One after the other at each BMC, eight at a time.
    const lanes = Array.from({ length: 8 }, (_, lane) =>
      behind({ loses: 0.3, seed: lane + 1 }, async (address) => {
        const bmc = bmcAt(address);
        for (let turn = 0; turn < 5; turn += 1) expect(await bmc.power(signal)).to.equal('On');
      }),
    );
    const lost = await Promise.all(lanes);
    expect(lost.reduce((sum, count) => sum + count, 0)).to.be.greaterThan(40);
  });

  it('is not confused by packets that come twice and in another order', async () => {
    await behind({ repeats: 0.5, delaysMs: 700, seed: 42 }, async (address) => {
      const bmc = bmcAt(address);
      expect(await turnOnAndOff(bmc)).to.deep.equal(['On', 'On', 'On', 'Off']);
    });
    expect(await sim.power()).to.equal('off');
  });

  it('says so when nobody answers', async () => {
    expect(await bmcAt('ipmi://127.0.0.1:9').power(signal).catch(explain)).to.match(
      /^BMCUnreachable.*silence/,
    );
  });

  it('says so when there is no such name', async () => {
    const asked = bmcAt('ipmi://nowhere.invalid').power(signal);
    expect(await asked.catch(explain)).to.match(/does not answer .*nowhere\.invalid/);
  });

  it('is called off at once', async () => {
    const stop = new AbortController();
    const asked = bmcAt('ipmi://127.0.0.1:9').power(stop.signal);
    void setTimeout(100).then(() => stop.abort(new Error('called off')));
    expect(await asked.catch(String)).to.include('called off');
  });
});
