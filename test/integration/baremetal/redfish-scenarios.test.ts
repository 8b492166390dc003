// The same scenarios before two Redfish services: sushy-tools' emulator, which we did not write, and our fake over TLS.
import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { TlsTrust } from '../../../src/baremetal/bmc/port.ts';
import { createRedfishBmc, type RedfishBmc } from '../../../src/baremetal/bmc/redfish/redfish.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { startFakeRedfish } from '../../fakes/redfish.ts';
import { redfishAddress } from '../../fakes/redfish-driver.ts';
import { scenarios, type Subject } from './redfish-scenarios.ts';
import { startSushy } from './redfish-sushy.ts';

/** A web server with two small images. */
interface Images {
  readonly url: string;
  readonly fetched: () => number;
  stop(): void;
}

async function startImages(): Promise<Images> {
  let fetched = 0;
  const server: Server = createServer((request, response) => {
    const there = ['/one.iso', '/two.iso'].includes(request.url ?? '');
    if (there) fetched += 1;
    response.writeHead(there ? 200 : 404).end(there ? Buffer.alloc(64 * 1024) : 'nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, fetched: () => fetched, stop: () => void server.close() };
}

interface Service {
  readonly address: string;
  readonly username: string;
  readonly password: string;
  readonly trust: TlsTrust;
  stop(): Promise<void>;
}

async function startSushyService(): Promise<Service> {
  return { ...(await startSushy()), trust: { kind: 'system' } };
}

/** A certificate of its own, judged by its fingerprint; power takes a second. */
async function startFakeService(): Promise<Service> {
  const tls = await selfSigned();
  const fake = await startFakeRedfish({}, { tls, powerDelayMs: 1_000 });
  const sha256 = createHash('sha256').update(new X509Certificate(tls.cert).raw).digest('hex');
  const { address, username, password } = fake;
  return { address, username, password, trust: { kind: 'fingerprint', sha256 }, stop: () => fake.close() };
}

async function selfSigned(): Promise<{ readonly cert: string; readonly key: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-tls-'));
  const [cert, key] = [path.join(directory, 'cert'), path.join(directory, 'key')];
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await promisify(execFile)('openssl', [...options, '-subj', '/CN=bmc', '-keyout', key, '-out', cert]);
  const pair = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  await rm(directory, { recursive: true });
  return pair;
}

const services: readonly (readonly [string, () => Promise<Service>, Subject['has']])[] = [
  [
    'sushy-tools (which keeps every override, has no BIOS settings with its fake driver, and no events)',
    startSushyService,
    { overrideOnce: false, fetchesImages: true, secureBootAtStart: false, bios: false, events: false },
  ],
  [
    'our fake over TLS (which does not fetch images)',
    startFakeService,
    { overrideOnce: true, fetchesImages: false, secureBootAtStart: true, bios: true, events: true },
  ],
];

for (const [name, start, has] of services) {
  describe(`the Redfish driver, before ${name}`, function () {
    this.timeout(180_000);
    let service: Service;
    let images: Images;
    let bmc: RedfishBmc;
    before(async () => {
      images = await startImages();
      service = await start();
      const { username, password, trust } = service;
      const address = redfishAddress(service.address);
      bmc = createRedfishBmc({ address, username, password, trust }, systemClock);
    });
    after(async () => {
      await bmc.close();
      await service.stop();
      images.stop();
    });

    for (const { name: does, run } of scenarios) {
      it(does, () =>
        run({
          bmc,
          has,
          fetched: images.fetched,
          image: `${images.url}/one.iso`,
          secondImage: `${images.url}/two.iso`,
          noImage: `${images.url}/nowhere.iso`,
        }),
      );
    }
  });
}
