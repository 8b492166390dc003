// The hash that decides what is replaced. Its fixture must never change: a new version of the hash gets a fixture of its own.
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import type { RevisionPayload } from '../../../src/api/revision.ts';
import { effectiveSpec, specHash, type Mask } from '../../../src/host/hashes.ts';
import type { ContainerSpec } from '../../../src/host/ports.ts';
import { manifestOf } from './support/objects.ts';

interface Fixture {
  readonly containers: readonly {
    readonly name: string;
    readonly spec: ContainerSpec;
    readonly digest: string;
    readonly mask: Mask;
    readonly hash: string;
  }[];
  /** A service as the API server kept it then, and the hashes of its containers and jobs. */
  readonly service: RevisionPayload['services'][number];
  readonly hashes: Readonly<Record<string, string>>;
}

const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/hashes-v1.json', import.meta.url), 'utf8'),
) as Fixture;

const spec: ContainerSpec = {
  name: 'nova_api',
  image: 'registry:8787/lab/openstack-nova-api:1',
  command: ['nova-api'],
  entrypoint: [],
  environment: { A: '1', B: '2' },
  labels: {},
  volumes: ['/etc/hosts:/etc/hosts:ro', '/var/lib/nova:/var/lib/nova:shared,z'],
  volumesFrom: ['a', 'b'],
  network: 'host',
  pid: '',
  ipc: '',
  user: 'nova',
  privileged: false,
  restart: 'Always',
  healthcheck: undefined,
  stopGraceSeconds: 10,
  memoryBytes: 0,
  cpus: 0,
  capAdd: ['NET_ADMIN', 'SYS_NICE'],
  capDrop: [],
  ulimits: [
    { name: 'nofile', soft: 1024, hard: 2048 },
    { name: 'core', soft: 0, hard: 0 },
  ],
  hostname: '',
};

const hashWith = (change: Partial<ContainerSpec>, digest = 'sha256:1', mask: Mask = {}) =>
  specHash(effectiveSpec({ ...spec, ...change }, digest, mask));

describe('the spec hash of a container', () => {
  for (const { name, spec: fixed, digest, mask, hash } of fixture.containers) {
    it(`is what it was in version 1: ${name}`, () => {
      // JSON has no undefined: a fixture without a health check lacks the field.
      const whole = { ...fixed, healthcheck: fixed.healthcheck };
      expect(specHash(effectiveSpec(whole, digest, mask))).to.equal(hash);
    });
  }

  it('is what it was in version 1 for a service as the API server kept it then', () => {
    const { containers, jobs } = manifestOf([fixture.service]);
    const works = jobs.flatMap(({ name, work }) => (work.kind === 'container' ? [{ name, ...work }] : []));
    const hashes = [...containers, ...works].map(({ name, specHash: hash }) => [name, hash]);
    expect(Object.fromEntries(hashes)).to.deep.equal(fixture.hashes);
  });

  describe('stays the same', () => {
    const cases: readonly (readonly [string, Partial<ContainerSpec>])[] = [
      ['when variables are written in another order', { environment: { B: '2', A: '1' } }],
      [
        'when volumes and their options are written in another order, or with a slash at the end',
        { volumes: ['/var/lib/nova/:/var/lib/nova/:z,shared', '/etc/hosts:/etc/hosts:ro'] },
      ],
      ['with an empty volume beside the others', { volumes: [...spec.volumes, ''] }],
      ['when capabilities are written in another order', { capAdd: ['SYS_NICE', 'NET_ADMIN'] }],
      ['when only the tag of the image changes', { image: 'registry:8787/lab/openstack-nova-api:2' }],
      ['whatever labels there are', { labels: { a: 'b' } }],
    ];
    for (const [name, change] of cases) {
      it(name, () => expect(hashWith(change)).to.equal(hashWith({})));
    }

    it('when a secret value is read anew: only the HMAC of the revision counts', () => {
      const mask = { A: 'f00d' };
      expect(hashWith({ environment: { A: 'new', B: '2' } }, 'sha256:1', mask)).to.equal(
        hashWith({}, 'sha256:1', mask),
      );
    });
  });

  describe('changes', () => {
    const cases: readonly (readonly [string, Partial<ContainerSpec>])[] = [
      ['with a variable', { environment: { A: '1', B: '3' } }],
      ['with the order of arguments', { command: ['--a', '--b'] }],
      ['with a mount option', { volumes: ['/etc/hosts:/etc/hosts', '/var/lib/nova:/var/lib/nova:shared,z'] }],
      ['with the memory limit', { memoryBytes: 1 }],
      ['with the restart policy', { restart: 'No' }],
      ['with the user', { user: 'root' }],
    ];
    for (const [name, change] of cases) {
      it(name, () => expect(hashWith(change)).not.to.equal(hashWith({})));
    }

    it('with the digest of the image, and with the HMAC of a secret', () => {
      expect(hashWith({}, 'sha256:2')).not.to.equal(hashWith({}));
      expect(hashWith({}, 'sha256:1', { A: '1' })).not.to.equal(hashWith({}, 'sha256:1', { A: '2' }));
    });
  });
});
