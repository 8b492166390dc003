// What a revision becomes on one host.
import { expect } from 'chai';
import { containerLabels } from '../../../src/api/names.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';
import type { ManifestInput } from '../../../src/host/manifest.ts';
import type { RevisionPayload } from '../../../src/api/revision.ts';
import { exampleRole, host, manifestOf, owner, service, type WrittenService } from './support/objects.ts';

const nova: WrittenService = {
  configVolume: 'nova',
  directories: [{ path: '/var/log/containers/nova', mode: '0750' }],
  configFiles: [{ path: 'etc/nova/nova.conf', from: { configMap: 'nova', key: 'nova.conf' } }],
  kolla: [
    {
      container: 'nova_api',
      command: '/usr/bin/nova-api',
      configFiles: [
        { source: '/var/lib/kolla/config_files/src/*', dest: '/', merge: true, preserveProperties: true },
      ],
    },
  ],
  containers: [
    {
      name: 'nova_api',
      image: 'nova-api',
      step: 4,
      startOrder: 2,
      memory: '1Gi',
      cpus: '500m',
      environment: { KOLLA_CONFIG_STRATEGY: 'COPY_ALWAYS' },
      volumes: ['/etc/hosts:/etc/hosts:ro'],
    },
  ],
};
const templates = { 'nova/nova.conf': 'my_ip = {{ host.addresses.ctlplane }}\n' };
const novaManifest = (more: WrittenService = {}, payload: Partial<RevisionPayload> = {}) =>
  manifestOf([service('nova-api', { ...nova, ...more })], { templates, ...payload });

/** The error's reason and message. */
function refusal(compile: () => unknown): string {
  try {
    compile();
  } catch (error) {
    if (error instanceof OperatorError && error.kind === 'terminal')
      return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'compiled';
}

const textOf = (manifest: ReturnType<typeof manifestOf>, path: string) => {
  const file = manifest.files.find((candidate) => candidate.path === path);
  return file === undefined ? undefined : Buffer.from(file.content).toString();
};

describe('the manifest of a host', () => {
  it('puts relative files into the config volume, rendered for this host', () => {
    const path = '/var/lib/config-data/puppet-generated/nova/etc/nova/nova.conf';
    expect(textOf(novaManifest(), path)).to.equal('my_ip = 172.30.77.11\n');
  });

  it("writes kolla's config.json and mounts it and the config volume", () => {
    const manifest = novaManifest();
    expect(JSON.parse(textOf(manifest, '/var/lib/kolla/config_files/nova_api.json') ?? '')).to.deep.equal({
      command: '/usr/bin/nova-api',
      config_files: [
        {
          source: '/var/lib/kolla/config_files/src/*',
          dest: '/',
          merge: true,
          preserve_properties: true,
          optional: false,
        },
      ],
      permissions: [],
    });
    expect(manifest.containers[0]?.spec.volumes).to.deep.equal([
      '/etc/hosts:/etc/hosts:ro',
      '/var/lib/kolla/config_files/nova_api.json:/var/lib/kolla/config_files/config.json:ro',
      '/var/lib/config-data/puppet-generated/nova:/var/lib/kolla/config_files/src:ro',
    ]);
    expect(manifest.directories.map(({ path }) => path)).to.deep.equal([
      '/var/log/containers/nova',
      '/var/lib/config-data/puppet-generated/nova',
    ]);
  });

  it('makes every default of a container explicit', () => {
    const [container] = novaManifest().containers;
    expect(container).to.deep.include({ name: 'nova_api', service: 'nova-api', step: 4, startOrder: 2 });
    expect(container?.spec).to.deep.include({
      image: 'registry:8787/lab/openstack-nova-api:1',
      network: 'host',
      restart: 'Always',
      memoryBytes: 1024 ** 3,
      cpus: 0.5,
      user: '',
      privileged: false,
      stopGraceSeconds: 10,
    });
  });

  it('labels containers so that we, and users of paunch, know them', () => {
    const labels = novaManifest().containers[0]?.spec.labels ?? {};
    expect(labels).to.include({
      [containerLabels.managedBy]: 'undercloud',
      [containerLabels.configId]: 'tripleo_step4',
      [containerLabels.containerName]: 'nova_api',
      [containerLabels.owner]: owner,
    });
    expect(labels[containerLabels.specHash]).to.match(/^v1:[0-9a-f]{64}$/);
    expect(JSON.parse(labels[containerLabels.configData] ?? '')).to.include({
      image: 'registry:8787/lab/openstack-nova-api:1',
      digest: 'sha256:nova-api-1',
    });
  });

  it('gives secrets to the container, and to its labels only as the HMAC of the revision', () => {
    const container = {
      name: 'db',
      image: 'mariadb',
      step: 2,
      environmentFrom: [{ secret: 'passwords', keys: { ROOT: 'db-root' } }],
    };
    const manifest = manifestOf(
      [service('mysql', { containers: [container] })],
      { secrets: { 'passwords/db-root': 'a1b2c3'.repeat(10) } },
      { secrets: { 'passwords/db-root': 'hunter2' } },
    );
    const spec = manifest.containers[0]?.spec;
    expect(spec?.environment).to.deep.equal({ ROOT: 'hunter2' });
    expect(JSON.stringify(spec?.labels)).not.to.contain('hunter2');
    expect(JSON.parse(spec?.labels[containerLabels.configData] ?? '')).to.have.nested.property(
      'environment.ROOT',
      `hmac:${'a1b2c3'.repeat(10).slice(0, 32)}`,
    );
  });

  it('keeps the inode of a file that is mounted by itself, and never restarts for a list of peers', () => {
    const manifest = manifestOf([
      service('base', {
        configFiles: [
          { path: '/etc/hosts', from: { inline: '127.0.0.1 localhost\n' } },
          { path: '/etc/motd', from: { inline: 'welcome\n' }, onChange: { action: 'None' } },
          { path: '/etc/chrony.conf', from: { inline: 'pool\n' } },
        ],
        containers: [{ name: 'cron', image: 'cron', step: 4, volumes: ['/etc/hosts:/etc/hosts:ro'] }],
      }),
    ]);
    const shown = manifest.files.map(({ path, inPlace, restarts }) => [path, inPlace, restarts]);
    expect(shown).to.deep.equal([
      ['/etc/hosts', true, false],
      ['/etc/motd', false, false],
      ['/etc/chrony.conf', false, true],
    ]);
  });

  it('orders containers by step and start order, and then as they are listed', () => {
    const containers = [
      { name: 'c', image: 'x', step: 2, startOrder: 1 },
      { name: 'a', image: 'x', step: 4 },
      { name: 'd', image: 'x', step: 2, startOrder: 1 },
      { name: 'b', image: 'x', step: 2 },
    ];
    const manifest = manifestOf([service('s', { containers })]);
    expect(manifest.containers.map(({ name }) => name)).to.deep.equal(['b', 'c', 'd', 'a']);
  });

  it('tells the engine about registries: plain HTTP for Podman, CAs for both', () => {
    const registries = [
      { host: '172.16.0.1:8787', insecure: true },
      { host: 'quay.example.org', insecure: false, caName: 'quay' },
    ];
    const certificates = { 'quay.example.org': 'PEM' };
    const podman = manifestOf([], { registries }, { certificates });
    expect(textOf(podman, '/etc/containers/registries.conf.d/undercloud.conf')).to.contain(
      'location = "172.16.0.1:8787"\ninsecure = true',
    );
    expect(textOf(podman, '/etc/containers/certs.d/quay.example.org/ca.crt')).to.equal('PEM');
    const docker = manifestOf([], { registries, engine: 'Docker' }, { certificates });
    expect(docker.files.map(({ path }) => path)).to.deep.equal([
      '/etc/docker/certs.d/quay.example.org/ca.crt',
    ]);
  });

  it('says what it leaves out, thing by thing', () => {
    const manifest = manifestOf([
      service('ceph', {
        units: [{ name: 'ceph-mon@.service', step: 2 }],
        bundles: [{ name: 'galera-bundle', image: 'mariadb', step: 2 }],
        hooks: { drain: [{ name: 'quiesce', exec: { container: 'x' }, command: ['true'] }] },
        configFiles: [
          { path: '/etc/x', from: { inline: '' }, onChange: { action: 'Signal', signal: 'SIGHUP' } },
        ],
      }),
    ]);
    expect(manifest.unsupported.map((sentence) => sentence.split(' ').slice(0, 4).join(' '))).to.deep.equal([
      'service ceph: units ceph-mon@.service',
      'service ceph: bundles galera-bundle',
      'service ceph: hooks quiesce',
      'service ceph: onChange Signal',
    ]);
  });

  describe('jobs', () => {
    const job = { name: 'db_sync', image: 'nova-api', step: 3, startOrder: 1, command: ['sync'] };
    const jobOf = (more: object, input: Partial<ManifestInput> = {}) =>
      manifestOf([service('nova-api', { jobs: [{ ...job, ...more }] })], {}, input).jobs[0];

    it('of the whole cloud wait until the Overcloud controller has said who runs them', () => {
      expect(jobOf({ schemaChange: true })?.action).to.equal('Wait');
      expect(jobOf({ scope: 'Cloud' })?.action).to.equal('Wait');
    });

    it('of the whole cloud are done as assigned, under the hash that was assigned', () => {
      const jobs = [{ service: 'nova-api', name: 'db_sync', hash: 'abc', action: 'Run' as const }];
      expect(jobOf({ scope: 'Cloud' }, { host: host({ jobs }) })).to.include({ action: 'Run', hash: 'abc' });
    });

    it('of each host run here, and Always means once with each revision', () => {
      const hash = (runPolicy: string, revision: string) => jobOf({ runPolicy }, { revision })?.hash;
      expect(jobOf({})?.action).to.equal('Run');
      expect(hash('OnChange', 'r1')).to.equal(hash('OnChange', 'r2'));
      expect(hash('Always', 'r1')).not.to.equal(hash('Always', 'r2'));
    });

    it('in a container of their own end and stay; others run inside of one that is there', () => {
      const own = jobOf({})?.work;
      expect(own?.kind === 'container' && own.spec.restart).to.equal('No');
      const inside = jobOf({ image: undefined, exec: { container: 'keystone' }, user: 'root' })?.work;
      expect(inside).to.deep.equal({
        kind: 'exec',
        container: 'keystone',
        argv: ['sync'],
        user: 'root',
        environment: {},
      });
    });
  });

  describe('is refused, by name of the service and the thing, for', () => {
    const file = (path: string, inline: string) => ({ path, from: { inline } });
    const cases: readonly (readonly [string, () => unknown, RegExp])[] = [
      [
        'a variable that is not there',
        () =>
          manifestOf([service('nova-api', { configFiles: [file('nova.conf', 'a\nb {{ values.debug }}')] })]),
        /^TemplateInvalid: service nova-api, file nova.conf, line 2: undefined variable: values.debug/,
      ],
      [
        'a template that includes another',
        () => manifestOf([service('x', { configFiles: [file('a', '{% include "/etc/shadow" %}')] })]),
        /^TemplateInvalid: service x, file a, line 1: \{% include %\} is not available/,
      ],
      [
        'a ConfigMap key that is not there',
        () => manifestOf([service('nova-api', nova)]),
        /^ConfigMapKeyNotFound: service nova-api, file etc\/nova\/nova.conf: there is no ConfigMap key nova\/nova.conf/,
      ],
      [
        'unlike content at one path',
        () => {
          const config = (text: string) => ({ configVolume: 'nova', configFiles: [file('nova.conf', text)] });
          return manifestOf([service('nova-api', config('a')), service('nova-compute', config('b'))]);
        },
        /^FileConflict: services nova-api and nova-compute want \/var\/lib\/config-data\/puppet-generated\/nova\/nova.conf/,
      ],
      [
        'a path that leads out of its volume',
        () => manifestOf([service('x', { configFiles: [file('../../../etc/passwd', '')] })]),
        /^PathInvalid: service x: /,
      ],
      [
        'a path in our own state',
        () => manifestOf([service('x', { configFiles: [file('/var/lib/undercloud/ledger.json', '')] })]),
        /^PathInvalid: service x: /,
      ],
      [
        'two containers of one name',
        () => {
          const containers = [{ name: 'api', image: 'x', step: 1 }];
          return manifestOf([service('a', { containers }), service('b', { containers })]);
        },
        /^DuplicateContainer: services a and b both have a container or job api/,
      ],
      [
        'an image that the revision does not have',
        () => novaManifest({}, { images: {} }),
        /^ImageNotResolved: service nova-api: nova_api wants image nova-api/,
      ],
      [
        'a Secret that is not there',
        () => {
          const environmentFrom = [{ secret: 's', keys: { A: 'k' } }];
          return manifestOf([
            service('a', { containers: [{ name: 'c', image: 'x', step: 1, environmentFrom }] }),
          ]);
        },
        /^SecretKeyNotFound: service a: c wants key k of Secret s/,
      ],
    ];
    for (const [name, compile, message] of cases) {
      it(name, () => expect(refusal(compile)).to.match(message));
    }
  });

  it('lets two services share a file and a directory that both want alike', () => {
    const shared = {
      configVolume: 'nova',
      directories: [{ path: '/var/log/containers/nova', mode: '0750' }],
      configFiles: [{ path: 'nova.conf', from: { inline: 'x' } }],
    };
    const manifest = manifestOf([service('nova-api', shared), service('nova-scheduler', shared)]);
    expect(manifest.files).to.have.length(1);
    expect(manifest.directories).to.have.length(1);
  });

  it('shows templates the peers of a service, VIPs, values and the Secrets that services name', () => {
    const inline =
      "{% for peer in cloud.services['nova-api'] %}{{ peer.addresses.ctlplane }} {% endfor %}" +
      "{{ cloud.vips.public.address }} {{ values.region }} {{ secrets['lab-passwords'].db }}";
    const manifest = manifestOf(
      [service('x', { configFiles: [{ path: '/etc/x', from: { inline } }] })],
      { values: { region: 'eu' }, secrets: { 'lab-passwords/db': 'hmac' } },
      { secrets: { 'lab-passwords/db': 'hunter2' } },
    );
    expect(textOf(manifest, '/etc/x')).to.equal('172.30.77.11 172.30.77.12 172.30.77.250 eu hunter2');
  });

  describe('of examples/lab', () => {
    for (const [role, containers, jobs] of [
      ['controller', 12, 2],
      ['compute', 3, 0],
      ['ceph-storage', 2, 0],
    ] as const) {
      it(`compiles the role ${role}`, () => {
        const payload = exampleRole(role);
        const manifest = manifestOf(payload.services, payload);
        expect(manifest.containers).to.have.length(containers);
        expect(manifest.jobs).to.have.length(jobs);
        expect(manifest.unsupported).to.deep.equal([]);
      });
    }
  });
});
