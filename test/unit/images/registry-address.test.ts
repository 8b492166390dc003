// Addresses that no request goes to: as literals in all their forms, by name, in redirects, and in what DNS answers.
import { expect } from 'chai';
import { createAddressGuard, type AddressGuard, type Resolve } from '../../../src/images/registry/address.ts';
import { createRegistryClient } from '../../../src/images/registry/client.ts';
import { createRegistryConnector } from '../../../src/images/registry/connector.ts';
import type { Registry } from '../../../src/images/registry/port.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { failure, login, never, registryLab, repository } from './registry-lab.ts';

const refused: readonly { readonly host: string; readonly because: string }[] = [
  { host: '127.0.0.1', because: '127.0.0.1, a loopback address' },
  { host: '127.9.9.9:5000', because: '127.9.9.9, a loopback address' },
  { host: '2130706433', because: '127.0.0.1, a loopback address' },
  { host: '0x7f.1', because: '127.0.0.1, a loopback address' },
  { host: '0177.0.0.1', because: '127.0.0.1, a loopback address' },
  { host: '[::1]:5000', because: '::1, a loopback address' },
  { host: '[::ffff:127.0.0.1]', because: '::ffff:7f00:1, a loopback address' },
  { host: '[::ffff:a9fe:a9fe]', because: '::ffff:a9fe:a9fe, a link-local address' },
  { host: '169.254.169.254', because: '169.254.169.254, a link-local address' },
  { host: '[fe80::1]', because: 'fe80::1, a link-local address' },
  { host: '0.0.0.0:80', because: '0.0.0.0, an unspecified address' },
  { host: '[::]', because: '::, an unspecified address' },
  { host: '224.0.0.1', because: '224.0.0.1, a multicast address' },
  { host: '[ff02::1]', because: 'ff02::1, a multicast address' },
  { host: 'localhost:5000', because: 'localhost, this machine itself' },
  { host: 'LOCALHOST', because: 'localhost, this machine itself' },
  { host: 'registry.localhost.', because: 'registry.localhost, this machine itself' },
];
const allowed = [
  '192.0.2.7',
  '10.0.0.1:5000',
  '[2001:db8::1]',
  'registry.example.org',
  'localhost.example.org',
];

describe('the address guard', () => {
  const guard = createAddressGuard({ allowLocal: false });
  for (const { host, because } of refused) {
    it(`refuses ${host}`, () => {
      expect(guard.reasonAgainst(new URL(`https://${host}/v2/`))).to.equal(because);
    });
  }
  for (const host of allowed) {
    it(`lets ${host} pass`, () => {
      expect(guard.reasonAgainst(new URL(`https://${host}/v2/`))).to.equal(undefined);
    });
  }
  it('refuses nothing in a laboratory', () => {
    const lenient = createAddressGuard({ allowLocal: true });
    expect(refused.map(({ host }) => lenient.reasonAgainst(new URL(`https://${host}/`)))).to.deep.equal(
      refused.map(() => undefined),
    );
  });
});

describe('the registry client and forbidden addresses', () => {
  const { fake, clock } = registryLab();
  let clients: readonly { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    clients = [];
  });

  const clientWith = (host: string, guard: AddressGuard): Registry => {
    const deps = { clock, random: () => 0, timeoutMs: 2_000, guard };
    const client = createRegistryClient({ host, insecure: true, credentials: login }, deps);
    clients = [...clients, client];
    return client;
  };
  /** DNS says `addresses` of every name. */
  const dns =
    (...addresses: readonly string[]): Resolve =>
    (_, __, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  const portOf = (host: string): string => host.slice(host.indexOf(':'));

  it('says which, where it came from, and how to allow it', async () => {
    const registry = await fake();
    const connector = createRegistryConnector({ clock: systemClock, random: () => 0 });
    const error = await failure(connector.connect({ host: registry.host, insecure: true }).check(never));
    expect(error).to.include({ kind: 'terminal', reason: 'AddressForbidden' });
    expect(error.message)
      .to.include(`registry ${registry.host}`)
      .and.to.include('127.0.0.1, a loopback address, where its address leads')
      .and.to.include('--allow-local-registries');
    expect(registry.requests()).to.deep.equal([]);
    await connector.close();
  });

  for (const addresses of [['127.0.0.1'], ['192.0.2.7', '127.0.0.1'], ['::ffff:127.0.0.1'], ['fe80::1%2']]) {
    it(`believes no name of which DNS says ${addresses.join(' and ')}`, async () => {
      const registry = await fake();
      const guard = createAddressGuard({ allowLocal: false, resolve: dns(...addresses) });
      const client = clientWith(`registry.example.org${portOf(registry.host)}`, guard);
      const error = await failure(client.check(never));
      expect(error).to.include({ kind: 'terminal', reason: 'AddressForbidden' });
      expect(error.message).to.include('(says DNS of registry.example.org)');
      expect(registry.requests()).to.deep.equal([]);
    });
  }

  it('speaks to a name that DNS says something else of', async () => {
    const registry = await fake({ login: 'basic', ...login });
    const host = `registry.example.org${portOf(registry.host)}`;
    await clientWith(host, createAddressGuard({ allowLocal: true, resolve: dns('127.0.0.1') })).check(never);
    expect(registry.requests().at(-1)?.headers.host).to.equal(host);
  });

  it('says so when DNS knows no address', async () => {
    const guard = createAddressGuard({ allowLocal: false, resolve: dns() });
    const error = await failure(clientWith('registry.example.org', guard).check(never));
    expect(error).to.include({ kind: 'transient', reason: 'RegistryUnreachable' });
    expect(error.message).to.include('ENOTFOUND');
  });

  /** A registry that is reached by a name which only DNS lets pass here: what it names itself is judged as ever. */
  const judged = async (kind: 'token' | undefined, faults: (other: string) => object) => {
    const [registry, other] = [await fake(kind === undefined ? {} : { login: kind, ...login }), await fake()];
    Object.assign(registry.faults, faults(other.host));
    const { lookup } = createAddressGuard({ allowLocal: true, resolve: dns('127.0.0.1') });
    const guard = { ...createAddressGuard({ allowLocal: false }), lookup };
    return { client: clientWith(`registry.example.org${portOf(registry.host)}`, guard), other };
  };

  for (const { name, login: kind, faults, act, source } of [
    {
      name: 'a redirect',
      faults: (other: string) => ({ redirectsTo: `http://${other}` }),
      act: (client: Registry) => client.manifest(repository, '1', never),
      source: 'its redirect',
    },
    {
      name: 'a token server',
      login: 'token' as const,
      faults: (other: string) => ({ challenge: `Bearer realm="http://${other}/token"` }),
      act: (client: Registry) => client.manifest(repository, '1', never),
      source: 'its token server',
    },
    {
      name: 'an upload location',
      faults: () => ({ uploadLocation: 'elsewhere' }),
      act: (client: Registry) =>
        client.uploadBlob(
          repository,
          { digest: `sha256:${'0'.repeat(64)}`, size: 1 },
          () => Promise.reject(new Error('nothing is read')),
          () => undefined,
          never,
        ),
      source: 'its upload location',
    },
  ]) {
    it(`follows ${name} to none`, async () => {
      const { client, other } = await judged(kind, faults);
      const error = await failure(act(client));
      expect(error).to.include({ kind: 'terminal', reason: 'AddressForbidden' });
      expect(error.message).to.include(`127.0.0.1, a loopback address, where ${source} leads`);
      expect(other.requests()).to.deep.equal([]);
    });
  }
});
