// What the registry client says when something is wrong: the kind, a reason, and a sentence that names what to do.
import { expect } from 'chai';
import type { RegistryAccess } from '../../../src/images/registry/port.ts';
import type { FakeRegistry, FakeRegistryOptions } from '../../fakes/registry.ts';
import { failure, login, never, registryLab, repository } from './registry-lab.ts';

describe('the registry client says so', () => {
  const { fake, clientOf } = registryLab();

  const failures: readonly {
    readonly name: string;
    readonly options?: FakeRegistryOptions;
    readonly access?: Partial<RegistryAccess>;
    readonly arrange?: (registry: FakeRegistry) => void;
    readonly tag?: string;
    readonly kind: string;
    readonly reason: string;
    readonly says: RegExp;
  }[] = [
    {
      name: 'an image that is not there',
      tag: 'nope',
      kind: 'terminal',
      reason: 'ImageNotFound',
      says: /openstack-nova-api:nope is not in registry 127/,
    },
    {
      name: 'a digest other than what was sent',
      arrange: (registry) => (registry.faults.liesAboutDigest = true),
      kind: 'terminal',
      reason: 'DigestMismatch',
      says: /should have digest sha256:[0-9a-f]{64}, but/,
    },
    {
      name: 'a manifest of the old format',
      arrange: (registry) =>
        (registry.faults.mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws'),
      kind: 'terminal',
      reason: 'RegistryRefused',
      says: /v1\+prettyjws, which is no manifest/,
    },
    {
      name: 'a manifest larger than any is',
      arrange: (registry) => registry.push(repository, '1', ' '.repeat(5 * 1024 * 1024)),
      kind: 'terminal',
      reason: 'RegistryRefused',
      says: /more than 4194304 bytes/,
    },
    {
      name: 'a wrong password',
      options: { login: 'basic', ...login },
      access: { credentials: { username: 'lab', password: 'wrong' } },
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /refuses GET \/v2\/ with the login of credentialsName \(401\)/,
    },
    {
      name: 'a wrong password for the token server',
      options: { login: 'token', ...login },
      access: { credentials: { username: 'lab', password: 'wrong' } },
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /token server .* refuses the login of credentialsName \(401\)/,
    },
    {
      name: 'no login where one is wanted',
      options: { login: 'basic', ...login },
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /wants a user name and a password: name a Secret/,
    },
    {
      name: 'tokens that the registry itself does not take',
      options: { login: 'token' },
      arrange: (registry) => (registry.faults.badTokens = true),
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /refuses .*openstack-nova-api:1 without a login/,
    },
    {
      name: 'a token server that fails',
      options: { login: 'token' },
      arrange: (registry) => (registry.faults.tokenAnswer = { status: 500, body: '' }),
      kind: 'transient',
      reason: 'RegistryUnreachable',
      says: /token server .* fails \(500\)/,
    },
    {
      name: 'a token server that gives no token, and what it gives instead is not shown',
      options: { login: 'token' },
      arrange: (registry) => (registry.faults.tokenAnswer = { status: 200, body: '{"not-a-secret": 1}' }),
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /answers without a token/,
    },
    {
      name: 'a token server that answers no JSON',
      options: { login: 'token' },
      arrange: (registry) => (registry.faults.tokenAnswer = { status: 200, body: '<html>' }),
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /answers without a token/,
    },
    {
      name: 'a token that would add a header of its own',
      options: { login: 'token' },
      arrange: (registry) =>
        (registry.faults.tokenAnswer = { status: 200, body: '{"token":"a\\r\\nHost: b"}' }),
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /answers without a token/,
    },
    {
      name: 'a token server that is no HTTP address',
      options: { login: 'token' },
      arrange: (registry) => (registry.faults.challenge = 'Bearer realm="file:///etc/passwd"'),
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /no HTTPS address, and no password is sent there/,
    },
    {
      name: 'a login that nobody speaks',
      options: { login: 'basic', ...login },
      access: { credentials: login },
      arrange: (registry) => (registry.faults.challenge = 'Negotiate'),
      kind: 'terminal',
      reason: 'RegistryAuthFailed',
      says: /other than Basic or Bearer/,
    },
    {
      name: 'plain HTTP where that was not allowed',
      access: { insecure: false },
      kind: 'terminal',
      reason: 'RegistryCertificateInvalid',
      says: /does not speak TLS .* insecure: true/,
    },
    ...['garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'].map((ca) => ({
      name: `a CA that is none: ${ca.slice(-20)}`,
      access: { ca },
      kind: 'terminal',
      reason: 'CAInvalid',
      says: /holds no certificate, or one that is damaged/,
    })),
    {
      name: 'a registry that fails',
      arrange: (registry) => (registry.faults.status = 503),
      kind: 'transient',
      reason: 'RegistryUnreachable',
      says: /fails on GET \/v2\/ \(503\)/,
    },
    {
      name: 'something that is no registry',
      arrange: (registry) => (registry.faults.status = 404),
      kind: 'terminal',
      reason: 'RegistryRefused',
      says: /answers 404 to GET \/v2\//,
    },
    {
      name: 'a redirect in circles',
      arrange: (registry) => (registry.faults.redirectsTo = `http://${registry.host}`),
      kind: 'terminal',
      reason: 'RegistryRefused',
      says: /redirects in circles/,
    },
    {
      name: 'a redirect to something that is not HTTP',
      arrange: (registry) => (registry.faults.redirectsTo = 'file://'),
      kind: 'terminal',
      reason: 'RegistryRefused',
      says: /no HTTPS address/,
    },
    {
      name: 'a 429 without end',
      arrange: (registry) => (registry.faults.throttles = 1_000),
      kind: 'transient',
      reason: 'RegistryThrottled',
      says: /429/,
    },
  ];
  for (const { name, options, access, arrange, tag = '1', kind, reason, says } of failures) {
    it(name, async () => {
      const registry = await fake(options);
      registry.push(repository, '1');
      arrange?.(registry);
      const error = await failure(clientOf(registry.host, access).manifest(repository, tag, never));
      expect(error).to.include({ kind, reason });
      expect(error.message).to.match(says).and.to.include(registry.host);
      expect(error.message).not.to.match(/not-a-secret|wrong|token-\d/);
    });
  }

  it('a registry that accepts and never answers', async () => {
    const registry = await fake();
    registry.faults.silent = true;
    const error = await failure(clientOf(registry.host, {}, 100).check(never));
    expect(error).to.include({ kind: 'transient', reason: 'RegistryUnreachable' });
    expect(error.message).to.include(registry.host).and.to.include('no answer in 0.1 s');
  });

  it('an address where nothing listens', async () => {
    const registry = await fake();
    await registry.close();
    const error = await failure(clientOf(registry.host).check(never));
    expect(error).to.include({ kind: 'transient', reason: 'RegistryUnreachable' });
    expect(error.message).to.include(registry.host).and.to.include('ECONNREFUSED');
  });
});
