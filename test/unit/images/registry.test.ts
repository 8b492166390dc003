// The registry client against a registry that misbehaves: logins, tokens, throttling, redirects, lies, silence.
import { expect } from 'chai';
import { createRegistryConnector } from '../../../src/images/registry/connector.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { digestOf } from '../../fakes/registry.ts';
import { failure, login, never, registryLab, repository } from './registry-lab.ts';

describe('the registry client', () => {
  const lab = registryLab();
  const { fake, clientOf } = lab;

  it('yields the digest, type and size of what it has read', async () => {
    const registry = await fake();
    const digest = registry.push(repository, '1', '{"a":1}');
    expect(await clientOf(registry.host).manifest(repository, '1', never)).to.deep.equal({
      digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 7,
      content: Buffer.from('{"a":1}'),
    });
  });

  it('asks for a digest alone without fetching the manifest', async () => {
    const registry = await fake();
    const digest = registry.push(repository, '1');
    expect(await clientOf(registry.host).digest(repository, '1', never)).to.equal(digest);
    expect(registry.requests().map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      'GET /v2/',
      `HEAD /v2/${repository}/manifests/1`,
    ]);
  });

  it('works the digest out where the registry does not say it', async () => {
    const registry = await fake();
    const digest = registry.push(repository, '1');
    registry.faults.omitsDigest = true;
    expect(await clientOf(registry.host).digest(repository, '1', never)).to.equal(digest);
  });

  it('says undefined for the digest of a tag that is not there', async () => {
    const registry = await fake();
    expect(await clientOf(registry.host).digest(repository, '1', never)).to.equal(undefined);
  });

  it('logs in with a name and a password', async () => {
    const registry = await fake({ login: 'basic', ...login });
    const digest = registry.push(repository, '1');
    const client = clientOf(registry.host, { credentials: login });
    expect((await client.manifest(repository, '1', never)).digest).to.equal(digest);
  });

  it('takes an anonymous token where that is enough', async () => {
    const registry = await fake({ login: 'token' });
    const digest = registry.push(repository, '1');
    expect((await clientOf(registry.host).manifest(repository, '1', never)).digest).to.equal(digest);
  });

  it('fetches one token per scope, however many ask at once', async () => {
    const registry = await fake({ login: 'token', ...login });
    registry.push(repository, '1');
    const client = clientOf(registry.host, { credentials: login });
    await client.check(never);
    await Promise.all(Array.from({ length: 20 }, () => client.manifest(repository, '1', never)));
    expect(registry.tokens()).to.deep.equal({ '': 1, [`repository:${repository}:pull`]: 1 });
  });

  it('renews a token before it expires', async () => {
    const registry = await fake({ login: 'token', ...login });
    registry.push(repository, '1');
    const client = clientOf(registry.host, { credentials: login });
    await client.manifest(repository, '1', never);
    lab.pass(241_000);
    await client.manifest(repository, '1', never);
    expect(registry.tokens()[`repository:${repository}:pull`]).to.equal(2);
    expect(registry.requests().filter(({ path }) => path !== '/v2/')).to.have.length(2);
  });

  it('believes a token that it lives shortly', async () => {
    const registry = await fake({ login: 'token', ...login });
    registry.push(repository, '1');
    registry.faults.tokenLife = 10;
    const client = clientOf(registry.host, { credentials: login });
    await client.manifest(repository, '1', never);
    lab.pass(7_000);
    await client.manifest(repository, '1', never);
    expect(registry.tokens()[`repository:${repository}:pull`]).to.equal(1);
    lab.pass(2_000);
    await client.manifest(repository, '1', never);
    expect(registry.tokens()[`repository:${repository}:pull`]).to.equal(2);
  });

  it('fetches one token when many requests are refused in the middle', async () => {
    const registry = await fake({ login: 'token', ...login });
    registry.push(repository, '1');
    const client = clientOf(registry.host, { credentials: login });
    await client.manifest(repository, '1', never);
    registry.expireTokens();
    await Promise.all(Array.from({ length: 20 }, () => client.manifest(repository, '1', never)));
    expect(registry.tokens()[`repository:${repository}:pull`]).to.equal(2);
  });

  it('fetches another token when one is refused before its time', async () => {
    const registry = await fake({ login: 'token', ...login });
    const digest = registry.push(repository, '1');
    const client = clientOf(registry.host, { credentials: login });
    await client.manifest(repository, '1', never);
    registry.expireTokens();
    expect((await client.manifest(repository, '1', never)).digest).to.equal(digest);
  });

  it('waits for as long as a 429 asks for, then goes on', async () => {
    const registry = await fake();
    const digest = registry.push(repository, '1');
    const client = clientOf(registry.host);
    await client.check(never);
    Object.assign(registry.faults, { throttles: 2, retryAfter: '7' });
    expect((await client.manifest(repository, '1', never)).digest).to.equal(digest);
    expect(lab.waits()).to.deep.equal([7_000, 7_000]);
  });

  it('understands a 429 that asks for a moment in time', async () => {
    const registry = await fake();
    registry.push(repository, '1');
    const client = clientOf(registry.host);
    await client.check(never);
    const retryAfter = new Date(lab.clock.now().getTime() + 9_000).toUTCString();
    Object.assign(registry.faults, { throttles: 1, retryAfter });
    await client.manifest(repository, '1', never);
    expect(lab.waits()).to.have.length(1);
    expect(lab.waits()[0]).to.be.within(1_000, 9_000);
  });

  it('sends nothing at all until a long Retry-After is over', async () => {
    const registry = await fake();
    registry.push(repository, '1');
    const client = clientOf(registry.host);
    await client.check(never);
    Object.assign(registry.faults, { throttles: 1, retryAfter: '600' });
    expect(await failure(client.manifest(repository, '1', never))).to.include({
      reason: 'RegistryThrottled',
    });
    const sent = registry.requests().length;
    expect(await failure(client.manifest('another/image', '1', never))).to.include({ kind: 'transient' });
    expect(registry.requests()).to.have.length(sent);
    lab.pass(600_000);
    await client.manifest(repository, '1', never);
  });

  for (const retryAfter of ['Fri, 31 Dec 9999 23:59:59 GMT', '999999']) {
    it(`asks again after a quarter of an hour though it shall wait until ${retryAfter}`, async () => {
      const registry = await fake();
      const digest = registry.push(repository, '1');
      const client = clientOf(registry.host);
      await client.check(never);
      Object.assign(registry.faults, { throttles: 1, retryAfter });
      const error = await failure(client.manifest(repository, '1', never));
      expect(error).to.include({ kind: 'transient', reason: 'RegistryThrottled' });
      expect(error.message).to.include('wants no request for 900 s');
      lab.pass(900_000);
      expect((await client.manifest(repository, '1', never)).digest).to.equal(digest);
    });
  }

  for (const [token, name] of [
    ['token-2', 'whose time was over'],
    ['token-3', 'that was rejected'],
    ['token-4', 'that was rejected last'],
  ] as const) {
    it(`does not show a token ${name}`, async () => {
      const registry = await fake({ login: 'token', ...login });
      registry.push(repository, '1');
      const client = clientOf(registry.host, { credentials: login });
      await client.manifest(repository, '1', never);
      lab.pass(241_000);
      Object.assign(registry.faults, { badTokens: true, loginMessage: `what about ${token}?` });
      const error = await failure(client.manifest(repository, '1', never));
      expect(registry.requests().map(({ authorization }) => authorization)).to.include(`Bearer ${token}`);
      expect(error).to.include({ reason: 'RegistryAuthFailed' });
      expect(error.message).not.to.include('what about');
    });
  }

  it('follows a redirect to another host without the credentials', async () => {
    const [registry, storage] = [await fake({ login: 'basic', ...login }), await fake()];
    const digest = storage.push(repository, '1');
    registry.faults.redirectsTo = `http://${storage.host}`;
    const client = clientOf(registry.host, { credentials: login });
    expect((await client.manifest(repository, '1', never)).digest).to.equal(digest);
    expect(storage.requests().map(({ authorization }) => authorization)).to.deep.equal([undefined]);
  });

  it('does not log in to a host that it was redirected to', async () => {
    const [registry, other] = [
      await fake({ login: 'basic', ...login }),
      await fake({ login: 'basic', ...login }),
    ];
    other.push(repository, '1');
    registry.faults.redirectsTo = `http://${other.host}`;
    const client = clientOf(registry.host, { credentials: login });
    expect(await failure(client.manifest(repository, '1', never))).to.include({
      reason: 'RegistryAuthFailed',
    });
    expect(other.requests().map(({ authorization }) => authorization)).to.deep.equal([undefined]);
  });

  it('does not trust what leads back from elsewhere', async () => {
    const [registry, other] = [await fake({ login: 'basic', ...login }), await fake()];
    other.faults.redirectsTo = `http://${registry.host}`;
    registry.faults.redirectsTo = `http://${other.host}`;
    const error = await failure(
      clientOf(registry.host, { credentials: login }).manifest(repository, '1', never),
    );
    expect(error).to.include({ kind: 'terminal', reason: 'RegistryAuthFailed' });
    const shown = registry.requests().filter(({ authorization }) => authorization !== undefined);
    expect(shown.map(({ path }) => path)).to.deep.equal(['/v2/', `/v2/${repository}/manifests/1`]);
  });

  it('finds a registry that was away for a while', async () => {
    const first = await fake();
    const client = clientOf(first.host);
    await client.check(never);
    await first.close();
    expect(await failure(client.digest(repository, '1', never))).to.include({
      reason: 'RegistryUnreachable',
    });
    const second = await fake({ port: Number(first.host.split(':')[1]) });
    const digest = second.push(repository, '1');
    expect(await client.digest(repository, '1', never)).to.equal(digest);
  });

  it('stops at once when it is told to', async () => {
    const registry = await fake();
    registry.faults.silent = true;
    const controller = new AbortController();
    const asked = failure(clientOf(registry.host).check(controller.signal));
    controller.abort(new Error('shutting down'));
    expect(await asked).to.include({ message: 'shutting down' });
  });

  it('refuses what does not have the digest that was asked for', async () => {
    const registry = await fake();
    registry.push(repository, digestOf('something else'), '{}');
    const error = await failure(
      clientOf(registry.host).manifest(repository, digestOf('something else'), never),
    );
    expect(error).to.include({ reason: 'DigestMismatch' });
  });
});

describe('the registry connector', () => {
  it('shares a client between those who have the same access, and only those', async () => {
    const connector = createRegistryConnector({ clock: systemClock, random: () => 0 });
    const access = { host: 'registry.example.org', insecure: false, credentials: login };
    const other = { ...access, credentials: { ...login, password: 'another' } };
    expect(connector.connect(access)).to.equal(connector.connect({ ...access }));
    expect(connector.connect(access)).not.to.equal(connector.connect(other));
    await connector.close();
  });
});
