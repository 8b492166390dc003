// Bad input: each leaves Ready=False with a sentence that names the thing and the remedy, the rest goes on, and it mends itself.
import { expect } from 'chai';
import { readyOf } from '../support/cloud.ts';
import { startFakeRedfish } from '../fakes/redfish.ts';
import { startIpmiSim } from '../integration/baremetal/ipmi-sim.ts';
import { eventually } from '../support/wait.ts';
import { type RunningCloud, theCloud } from './shared.ts';

interface FreeBmc {
  readonly address: string;
  readonly password: string;
  stop(): Promise<void>;
}

describe('bad input', function () {
  this.timeout(600_000);
  let cloud: RunningCloud;

  before(async () => {
    cloud = await theCloud();
    await cloud.ready('ovc', 'lab', 'True', 400);
  });

  const node = (name: string, address: string, secret: string): string => `
apiVersion: undercloud.dev/v1alpha1
kind: BareMetalNode
metadata: { name: ${name} }
spec:
  bmc: { address: "${address}", credentialsName: ${secret}${address.startsWith('redfish://') ? ', tls: { caName: bmc-ca }' : ''} }
  externallyProvisioned: true
  address: 192.0.2.250
  inspectionMode: OutOfBand
  profile: none
`;
  const secret = (name: string, password: string): string => `
apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: { username: admin, password: "${password}" }
`;
  const bmcOf = (machine: string): string => {
    const known = cloud.lab.machines.find(({ name }) => name === machine);
    if (known === undefined) throw new Error(`no ${machine}`);
    return known.bmc.address;
  };

  describe('on a node', () => {
    /** BMCs of their own: those of the lab are other nodes' already. */
    const bmcs: Readonly<Record<string, () => Promise<FreeBmc>>> = {
      async IPMI() {
        const { address, password, stop } = await startIpmiSim();
        return { address, password, stop };
      },
      async Redfish() {
        const { address, password, close } = await startFakeRedfish();
        return { address, password, stop: close };
      },
    };
    for (const [protocol, start] of Object.entries(bmcs)) {
      const name = `bad-${protocol.toLowerCase()}`;
      it(`a missing Secret, then a wrong password (${protocol}), then the right one`, async () => {
        const bmc = await start();
        await cloud.apply(node(name, bmc.address, name));
        const missing = readyOf(await cloud.ready('bmn', name, 'False', 60, /Secret|Credentials/));
        expect(missing.message).to.include(name);
        await cloud.apply(secret(name, 'wrong'));
        const wrong = readyOf(await cloud.ready('bmn', name, 'False', 90, /Auth/));
        expect(wrong.message)
          .to.match(/password|user/i)
          .and.include(name);
        await cloud.apply(secret(name, bmc.password));
        await cloud.ready('bmn', name, 'True', 90);
        await cloud.kubectl(['delete', 'bmn', name, '-n', 'lab', '--timeout=60s']);
        await cloud.kubectl(['delete', 'secret', name, '-n', 'lab', '--timeout=60s']);
        await bmc.stop();
      });
    }

    it('a BMC that another node has already', async () => {
      await cloud.apply(
        node('bad-twin', bmcOf('overcloud-ctrl01'), 'bad-twin') + '---' + secret('bad-twin', 'x'),
      );
      const twin = readyOf(await cloud.ready('bmn', 'bad-twin', 'False', 60, /BMCShared/));
      expect(twin.message).to.match(
        /is that of BareMetalNode lab\/overcloud-ctrl01 already.*delete one of both/,
      );
      await cloud.kubectl(['delete', 'bmn/bad-twin', 'secret/bad-twin', '-n', 'lab', '--timeout=60s']);
    });

    it('a BMC that nobody answers at, and the node can still be deleted', async () => {
      await cloud.apply(
        node('bad-away', `ipmi://127.${String(cloud.lab.number)}.0.250`, 'bad-away') +
          '---' +
          secret('bad-away', 'x'),
      );
      const away = readyOf(await cloud.ready('bmn', 'bad-away', 'False', 120, /Unreachable/));
      expect(away.message).to.include(`127.${String(cloud.lab.number)}.0.250`);
      await cloud.kubectl(['delete', 'bmn/bad-away', 'secret/bad-away', '-n', 'lab', '--timeout=60s']);
    });

    it('an SSH host key that changed stops that host alone', async () => {
      const stranger = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEZpcnN0S2V5T2ZUaGVMYWJXaGljaElzTm90VGhlT25lIQ==';
      await cloud.patch('bmn', 'overcloud-cmpt01', { spec: { sshHostKeys: [stranger] } });
      await cloud.ssh('overcloud-cmpt01', 'systemctl restart ssh; pkill -u heat-admin sshd || true');
      const host = await hostOn('overcloud-cmpt01');
      const changed = readyOf(await cloud.ready('hosts', host, 'False', 120, /HostKey/));
      expect(changed.message).to.match(/sshHostKeys/);
      await cloud.patch('bmn', 'overcloud-cmpt01', { spec: { sshHostKeys: null } });
      await cloud.ready('hosts', host, 'True', 120);
    });
  });

  const hostOn = async (machine: string): Promise<string> => {
    const host = (await cloud.list('hosts')).find(({ spec }) => spec.nodeName === machine);
    if (host === undefined) throw new Error(`no host on ${machine}`);
    return host.metadata.name;
  };

  describe('in the cloud', () => {
    afterEach('the cloud mends itself', async () => {
      await cloud.ready('ovc', 'lab', 'True', 240);
    });

    it('a service that a role names and that does not exist', async () => {
      const { spec } = await cloud.get('ocrole', 'compute');
      await cloud.patch('ocrole', 'compute', {
        spec: { services: [...(spec.services as string[]), 'nonesuch'] },
      });
      const { message } = readyOf(await cloud.ready('ovc', 'lab', 'False', 60, /Service/));
      expect(message).to.include('nonesuch').and.include('compute');
      await cloud.patch('ocrole', 'compute', { spec: { services: spec.services } });
    });

    it('too few nodes', async () => {
      const { spec } = await cloud.get('ovc', 'lab');
      const roles = spec.roles as { role: string; count: number }[];
      const more = roles.map((role) => (role.role === 'compute' ? { ...role, count: 3 } : role));
      await cloud.patch('ovc', 'lab', { spec: { roles: more } });
      const { message } = readyOf(await cloud.ready('ovc', 'lab', 'False', 60, /Node/));
      expect(message)
        .to.include('compute')
        .and.match(/profile/);
      await cloud.patch('ovc', 'lab', { spec: { roles } });
    });

    it('an image that does not exist', async () => {
      const { spec } = await cloud.get('ocsvc', 'base');
      const [container] = spec.containers as Record<string, unknown>[];
      await cloud.patch('ocsvc', 'base', { spec: { containers: [{ ...container, image: 'nonesuch' }] } });
      const { message } = readyOf(await cloud.ready('cis', 'pike', 'False', 60, /Image/));
      expect(message).to.include('openstack-nonesuch');
      await cloud.ready('ovc', 'lab', 'False', 60, /Image/);
      await cloud.patch('ocsvc', 'base', { spec: { containers: [container] } });
      await cloud.ready('cis', 'pike', 'True', 90);
    });

    it('a container that exits at once: the old one is put back and the rest stays', async () => {
      const { spec } = await cloud.get('ocsvc', 'nova-libvirt');
      const before = await cloud.containers('overcloud-cmpt01');
      const [container] = spec.containers as Record<string, unknown>[];
      await cloud.patch('ocsvc', 'nova-libvirt', {
        spec: {
          containers: [
            { ...container, environment: { ...(container?.environment as object), FAIL: 'exit:3' } },
          ],
        },
      });
      await eventually('the cloud says which container failed, and how', 120, async () => {
        const { status, message } = readyOf(await cloud.get('ovc', 'lab'));
        return status === 'False' && /nova_libvirt .*exits 3/.test(message) ? true : undefined;
      });
      await eventually('nova_libvirt runs as before', 120, async () => {
        const [environment, containers] = await Promise.all([
          cloud.ssh('overcloud-cmpt01', 'podman inspect nova_libvirt --format "{{.Config.Env}}"'),
          cloud.containers('overcloud-cmpt01'),
        ]);
        return containers.get('nova_libvirt')?.state === 'running' && !environment.includes('FAIL')
          ? true
          : undefined;
      });
      expect((await cloud.containers('overcloud-cmpt01')).get('nova_compute')?.id).to.equal(
        before.get('nova_compute')?.id,
      );
      await cloud.patch('ocsvc', 'nova-libvirt', { spec: { containers: [container] } });
    });
  });

  const refusals: readonly (readonly [string, string, RegExp])[] = [
    ['a BMC address of an unknown kind', node('x', 'telnet://10.0.0.1', 'x'), /spec\.bmc\.address/],
    [
      'a MAC that is none',
      `${node('x', 'ipmi://10.0.0.1', 'x')}  bootMACAddress: nonsense\n`,
      /spec\.bootMACAddress/,
    ],
    [
      'an installed machine that is to be cleaned',
      `${node('x', 'ipmi://10.0.0.1', 'x')}  automatedCleaningMode: Full\n`,
      /externallyProvisioned/,
    ],
    [
      'a step that does not exist',
      'apiVersion: undercloud.dev/v1alpha1\nkind: OvercloudService\nmetadata: { name: x }\nspec: { containers: [{ name: a, image: a, step: 9 }] }',
      /spec\.containers\[0\]\.step/,
    ],
  ];
  for (const [what, yaml, path] of refusals) {
    it(`the API server refuses ${what}, with the field’s path`, async () => {
      const { code, stderr } = await cloud.controlPlane.kubectl(['apply', '-n', 'lab', '-f', '-'], yaml);
      expect(code).to.not.equal(0);
      expect(stderr).to.match(path);
    });
  }
});
