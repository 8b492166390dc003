// The registry client mounts blobs of other repositories, or says that they have to be uploaded, and leaves nothing behind.
import { expect } from 'chai';
import { digestOf, type FakeRegistry } from '../../fakes/registry.ts';
import { failure, login, never, noise, registryLab, repository } from './registry-lab.ts';

const content = noise(300_000);
const blob = { digest: digestOf(content), size: content.length };

describe('the registry client mounts', () => {
  const { fake, clientOf } = registryLab();
  const from = 'rhosp12/openstack-base';

  it('a blob of another repository, with a token for both', async () => {
    const registry = await fake({ login: 'token', ...login });
    registry.putBlob(from, content);
    const client = clientOf(registry.host, { credentials: login });
    expect(await client.mountBlob(repository, blob.digest, from, never)).to.equal(true);
    expect(registry.blob(repository, blob.digest)?.equals(content)).to.equal(true);
    expect(Object.keys(registry.tokens())).to.deep.equal([
      '',
      `repository:${repository}:pull,push repository:${from}:pull`,
    ]);
  });

  for (const [name, arrange] of [
    ['would rather have it uploaded', ({ faults }: FakeRegistry) => (faults.refusesMounts = true)],
    ['does not have it', (registry: FakeRegistry) => registry.removeBlob(from, blob.digest)],
    ['knows no mounting', ({ faults }: FakeRegistry) => (faults.status = 405)],
    ['does not let it', ({ faults }: FakeRegistry) => (faults.status = 403)],
  ] as const) {
    it(`nothing where the registry ${name}, and leaves nothing`, async () => {
      const registry = await fake();
      registry.putBlob(from, content);
      const client = clientOf(registry.host);
      await client.check(never);
      arrange(registry);
      expect(await client.mountBlob(repository, blob.digest, from, never)).to.equal(false);
      expect(registry.uploads()).to.equal(0);
    });
  }

  it('nothing, and leaves nothing, also where ending an upload is a right of its own', async () => {
    const registry = await fake({ login: 'token', ...login });
    registry.faults.refusesMounts = true;
    registry.putBlob(from, content);
    const client = clientOf(registry.host, { credentials: login });
    for (const _ of [1, 2]) await client.mountBlob(repository, blob.digest, from, never);
    expect(registry.uploads()).to.equal(0);
    expect(registry.tokens()[`repository:${repository}:delete`]).to.equal(1);
  });

  it('nothing where the token server gives no token for both', async () => {
    const registry = await fake({ login: 'token', ...login });
    const client = clientOf(registry.host, { credentials: login });
    await client.check(never);
    registry.faults.tokenAnswer = { status: 403, body: '' };
    expect(await client.mountBlob(repository, blob.digest, from, never)).to.equal(false);
  });

  for (const [status, reason] of [
    [500, 'RegistryFailed'],
    [503, 'RegistryUnreachable'],
  ] as const) {
    it(`and says so when the registry answers ${status}`, async () => {
      const registry = await fake();
      const client = clientOf(registry.host);
      await client.check(never);
      registry.faults.status = status;
      expect(await failure(client.mountBlob(repository, blob.digest, from, never))).to.include({
        kind: 'transient',
        reason,
      });
    });
  }
});
