// The registry client against a registry that we did not write: Debian's docker-registry.
import { expect } from 'chai';
import { createRegistryConnector } from '../../../src/images/registry/connector.ts';
import type { RegistryAccess } from '../../../src/images/registry/port.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { OperatorError } from '../../../src/kernel/errors.ts';
import { startDockerRegistry, type DockerRegistry } from './docker-registry.ts';

const dockerType = 'application/vnd.docker.distribution.manifest.v2+json';
const dockerListType = 'application/vnd.docker.distribution.manifest.list.v2+json';
const ociType = 'application/vnd.oci.image.manifest.v1+json';
const ociIndexType = 'application/vnd.oci.image.index.v1+json';
const repository = 'rhosp12/openstack-nova-api';
const never = new AbortController().signal;

describe('the registry client and docker-registry', function () {
  this.timeout(60_000);
  const connector = createRegistryConnector({ clock: systemClock, random: Math.random, allowLocal: true });
  let plain: DockerRegistry;
  let withLogin: DockerRegistry;
  let withTls: DockerRegistry;

  before(async () => {
    [plain, withLogin, withTls] = await Promise.all([
      startDockerRegistry(),
      startDockerRegistry({ login: true }),
      startDockerRegistry({ tls: true, login: true }),
    ]);
  });
  after(async () => {
    await connector.close();
    await Promise.all([plain.stop(), withLogin.stop(), withTls.stop()]);
  });

  for (const mediaType of [dockerType, ociType]) {
    it(`resolves an image pushed as ${mediaType}`, async () => {
      const pushed = await plain.push(repository, 'image', mediaType);
      const registry = connector.connect({ host: plain.host, insecure: true });
      expect(await registry.manifest(repository, 'image', never)).to.include({ ...pushed, mediaType });
      expect(await registry.manifest(repository, pushed.digest, never)).to.include({ digest: pushed.digest });
      expect(await registry.digest(repository, 'image', never)).to.equal(pushed.digest);
    });
  }

  for (const [mediaType, childType] of [
    [dockerListType, dockerType],
    [ociIndexType, ociType],
  ] as const) {
    it(`resolves an image of several architectures pushed as ${mediaType} to its index`, async () => {
      const child = { ...(await plain.push(repository, 'amd64', childType)), mediaType: childType };
      const index = await plain.pushIndex(repository, 'all', mediaType, child);
      const registry = connector.connect({ host: plain.host, insecure: true });
      expect(await registry.manifest(repository, 'all', never)).to.include({ ...index, mediaType });
    });
  }

  it('says that an image is not there, whether the tag or all of it is missing', async () => {
    await plain.push(repository, 'image', ociType);
    const registry = connector.connect({ host: plain.host, insecure: true });
    expect(await failure(registry.manifest(repository, 'nope', never))).to.include({
      reason: 'ImageNotFound',
    });
    expect(await failure(registry.manifest('no/such', 'nope', never))).to.include({
      reason: 'ImageNotFound',
    });
    expect(await registry.digest(repository, 'nope', never)).to.equal(undefined);
  });

  it('lists tags', async () => {
    for (const tag of ['2', '1', '10']) await plain.push('rhosp12/openstack-base', tag, ociType);
    const registry = connector.connect({ host: plain.host, insecure: true });
    expect(await registry.tags('rhosp12/openstack-base', never)).to.have.members(['1', '2', '10']);
    expect(await failure(registry.tags('no/such', never))).to.include({ reason: 'ImageNotFound' });
  });

  it('logs in', async () => {
    const pushed = await withLogin.push(repository, '1', ociType);
    const { host, credentials } = withLogin;
    const registry = connector.connect({ host, insecure: true, credentials });
    expect(await registry.digest(repository, '1', never)).to.equal(pushed.digest);
  });

  it('trusts the CA that it is given', async () => {
    const pushed = await withTls.push(repository, '1', ociType);
    const { host, ca, credentials } = withTls;
    const registry = connector.connect({ host, insecure: false, ca, credentials });
    expect(await registry.digest(repository, '1', never)).to.equal(pushed.digest);
  });

  it('takes any certificate where that is asked for', async () => {
    const { host, credentials } = withTls;
    await connector.connect({ host, insecure: true, credentials }).check(never);
  });

  const failures: readonly {
    readonly name: string;
    readonly access: () => RegistryAccess;
    readonly reason: string;
  }[] = [
    {
      name: 'a certificate that nobody vouches for',
      access: () => ({ host: withTls.host, insecure: false }),
      reason: 'RegistryCertificateInvalid',
    },
    {
      name: 'no TLS where TLS is wanted',
      access: () => ({ host: plain.host, insecure: false }),
      reason: 'RegistryCertificateInvalid',
    },
    {
      name: 'a wrong password',
      access: () => ({
        host: withLogin.host,
        insecure: true,
        credentials: { username: 'lab', password: 'wrong' },
      }),
      reason: 'RegistryAuthFailed',
    },
    {
      name: 'no password',
      access: () => ({ host: withLogin.host, insecure: true }),
      reason: 'RegistryAuthFailed',
    },
  ];
  for (const { name, access, reason } of failures) {
    it(`says so: ${name}`, async () => {
      const error = await failure(connector.connect(access()).manifest(repository, '1', never));
      expect(error).to.include({ kind: 'terminal', reason });
    });
  }
});

async function failure(promise: Promise<unknown>): Promise<OperatorError> {
  try {
    await promise;
  } catch (error) {
    return error as OperatorError;
  }
  throw new Error('it succeeded');
}
