// Debian's iPXE in a small qemu machine runs our scripts. The "kernel" is iPXE again: it runs its arguments as a command and so shows them.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { startBootServer } from '../../../src/baremetal/boot/listener.ts';
import type { Listening } from '../../../src/kernel/listen.ts';
import type { BootPlan } from '../../../src/baremetal/boot/script.ts';
import { silentLogger } from '../../../src/kernel/log.ts';

/** Of Debian's package ipxe. */
const ipxe = process.env.UNDERCLOUD_TEST_IPXE ?? '/usr/lib/ipxe/ipxe.lkrn';
/** The second NIC of the machine: it boots by the first. */
const mac = '52:54:00:12:34:57';
/** Where the machine finds us (qemu's documentation, "user mode network stack"). */
const us = '10.0.2.2';

interface Machine {
  /** What its screen shows, from the beginning. */
  readonly screen: () => string;
  /** Resolves when the screen matches; rejects when it does not within 60 s. */
  shows(pattern: RegExp): Promise<void>;
  stop(): Promise<void>;
}

function startMachine(url: string): Machine {
  const nics = ['52:54:00:12:34:56', mac].flatMap((address, index) => [
    '-netdev',
    `user,id=n${String(index)}`,
    '-device',
    `virtio-net-pci,netdev=n${String(index)},mac=${address},romfile=`,
  ]);
  const machine = ['-M', 'pc,graphics=off', '-accel', 'tcg', '-m', '128', '-nodefaults', '-no-reboot'];
  const console = ['-display', 'none', '-serial', 'stdio'];
  const boot = ['-kernel', ipxe, '-append', `dhcp && chain ${url}`];
  const child: ChildProcess = spawn('qemu-system-x86_64', [...machine, ...console, ...boot, ...nics], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let shown = '';
  const changed = new Set<() => void>();
  child.stdout?.on('data', (bytes: Buffer) => {
    // Colours and cursor movements are no text.
    shown += bytes.toString('latin1').replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|\u001b.|\r/g, '');
    changed.forEach((look) => look());
  });
  return {
    screen: () => shown,
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`the screen never showed ${String(pattern)}, but: ${shown}`));
        }, 60_000);
        const look = () => {
          if (!pattern.test(shown)) return;
          clearTimeout(timer);
          changed.delete(look);
          resolve();
        };
        changed.add(look);
        look();
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

describe('iPXE', function () {
  this.timeout(90_000);
  let kernel: Buffer;
  let files: Server;
  let server: Listening;
  let machine: Machine | undefined;
  let plans: (BootPlan | undefined)[] = [];
  let fetched: string[] = [];
  let broken = 0;

  before(async () => {
    kernel = await readFile(ipxe);
    files = createServer((request, response) => {
      if (broken > 0) response.writeHead(503).end();
      else response.end(request.url === '/kernel' ? kernel : 'ramdisk');
      broken = Math.max(broken - 1, 0);
    });
    files.listen(0, '127.0.0.1');
    await once(files, 'listening');
    server = await startBootServer({
      host: '127.0.0.1',
      port: 0,
      log: silentLogger,
      desk: { scriptFetched: (address) => fetched.push(address) },
      bootFor: (address) => (address === mac ? (plans.length > 1 ? plans.shift() : plans[0]) : undefined),
    });
  });
  beforeEach(() => {
    fetched = [];
    broken = 0;
  });
  afterEach(() => machine?.stop());
  after(async () => {
    await server.close();
    files.close();
    files.closeAllConnections();
  });

  const boots = (): Machine => {
    machine = startMachine(`http://${us}:${String(server.port)}/boot/ipxe`);
    return machine;
  };
  const ramdisk = (purpose: string, change: { readonly checksum?: string } = {}): BootPlan => {
    const file = (name: string, content: Buffer | string) => ({
      url: `http://${us}:${String((files.address() as AddressInfo).port)}/${name}`,
      checksum: `sha256:${createHash('sha256').update(content).digest('hex')}`,
    });
    return {
      kind: 'Ramdisk',
      node: 'n0',
      purpose,
      kernel: { ...file('kernel', kernel), ...change },
      ramdisk: file('ramdisk', 'ramdisk'),
      arguments: ['echo', 'KERNEL', 'WITH', 'ipa-insecure=1', 'BOOTIF=01-52-54-00-12-34-57'],
    };
  };

  it('boots a machine that is known by its second NIC, with its arguments', async () => {
    plans = [ramdisk('inspection')];
    const { shows, screen } = boots();
    await shows(/^KERNEL WITH ipa-insecure=1 BOOTIF=01-52-54-00-12-34-57/m);
    expect(screen()).to.match(/52:54:00:12:34:56 is the bootMACAddress of no BareMetalNode/);
    expect(screen()).to.match(/n0 boots the agent for its inspection/);
    expect(fetched).to.deep.equal([mac]);
  });

  it('goes on with the next boot device when the machine is not to boot from the network', async () => {
    plans = [{ kind: 'Disk', node: 'n0' }];
    const { shows, screen } = boots();
    await shows(/going on with the next boot device[^]*Booting from Hard Disk/);
    expect(screen()).to.match(/n0 is not to boot from the network now/);
    expect(fetched).to.deep.equal([mac]);
  });

  it('goes on with the next boot device when nobody knows the machine', async () => {
    plans = [undefined];
    const { shows, screen } = boots();
    await shows(/going on with the next boot device[^]*Booting from Hard Disk/);
    expect(screen()).to.match(/this machine has the bootMACAddress of no BareMetalNode/);
    expect(fetched).to.deep.equal([]);
  });

  it('boots no kernel with another checksum, or says that it cannot tell', async () => {
    plans = [ramdisk('inspection', { checksum: `sha256:${'0'.repeat(64)}` }), ramdisk('deployment')];
    const { shows, screen } = boots();
    await shows(/^KERNEL WITH ipa-insecure=1/m);
    const told = screen().includes('cannot check the kernel');
    const refused = /not the checksum of ConfigMap[^]*trying again[^]*its deployment/.test(screen());
    expect({ told, refused }).to.deep.equal({ told, refused: !told });
  });

  it('tries again what could not be fetched, with what it is to boot by then', async () => {
    broken = 1;
    plans = [ramdisk('inspection'), ramdisk('deployment')];
    const { shows, screen } = boots();
    await shows(/^KERNEL WITH ipa-insecure=1/m);
    expect(screen()).to.match(/its inspection[^]*trying again in 5 s[^]*its deployment/);
    expect(fetched).to.deep.equal([mac, mac]);
  });
});
