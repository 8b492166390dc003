// What an import makes of a file: TripleO's keys as ours, and every mistake named with its node and key.
import { expect } from 'chai';
import { draftsOf } from '../../../src/cli/import/manifests.ts';
import { readFile } from '../../../src/cli/import/read.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';

type Json = Readonly<Record<string, unknown>>;

const ipmi = { name: 'a', pm_type: 'ipmi', pm_addr: '10.0.0.1', pm_user: 'root', pm_password: 'Zecret-1' };
const redfish = { ...ipmi, pm_type: 'redfish' };

const read = (...nodes: readonly unknown[]) => readFile(JSON.stringify({ nodes }), 'env.json');

/** What would be applied for one node. */
function draftsFor(node: Json) {
  const [imported] = read(node).nodes;
  if (imported === undefined) throw new Error('there is no node');
  return draftsOf(imported, imported.name, 'lab');
}

const specOf = (node: Json): Json => draftsFor(node).node.spec as Json;
const addressOf = (node: Json): unknown => (specOf(node).bmc as Json).address;

function problemsIn(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof OperatorError && error.reason === 'ImportRefused') return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a file of nodes', () => {
  it('becomes a node and a Secret, each value in its place', () => {
    const { node, secret } = draftsFor({
      ...redfish,
      name: 'ctrl01',
      pm_system_id: '/redfish/v1/Systems/1',
      ports: [
        { address: '2C:C2:60:01:02:04', physical_network: 'ctlplane' },
        { address: '2c:c2:60:01:02:05' },
      ],
      cpu: '4',
      capabilities: 'profile:control,boot_option:local,boot_mode:bios,rack:a1',
      root_device: { serial: 'S3Z1NX0K', size: '>= 40', rotational: 'False' },
      resource_class: 'baremetal.gold',
    });
    expect(node).to.deep.equal({
      apiVersion: 'undercloud.dev/v1alpha1',
      kind: 'BareMetalNode',
      metadata: { name: 'ctrl01', namespace: 'lab' },
      spec: {
        bmc: { address: 'redfish://10.0.0.1/redfish/v1/Systems/1', credentialsName: 'ctrl01-bmc' },
        profile: 'control',
        bootMode: 'Legacy',
        capabilities: { rack: 'a1' },
        resourceClass: 'baremetal.gold',
        bootMACAddress: '2c:c2:60:01:02:04',
        rootDeviceHints: { serialNumber: 'S3Z1NX0K', minSizeGigabytes: 40, rotational: false },
      },
    });
    expect(secret.metadata.name).to.equal('ctrl01-bmc');
    expect(secret.data).to.deep.equal({ username: 'cm9vdA==', password: 'WmVjcmV0LTE=' });
  });

  it('says of a bare node no more than it must', () => {
    expect(specOf({ ...ipmi, resource_class: 'baremetal', _comment: 'x' })).to.deep.equal({
      bmc: { address: 'ipmi://10.0.0.1', credentialsName: 'a-bmc' },
    });
  });

  it('may be YAML, or a list alone', () => {
    const yaml = `
nodes:
- name: a
  pm_type: ipmi
  pm_addr: 10.0.0.1
  pm_user: root
  pm_password: "0123"
  mac: [52:54:00:12:34:56]
`;
    expect(readFile(yaml, 'x').nodes[0]).to.include({ password: '0123' });
    expect(readFile(yaml, 'x').nodes[0]?.macs).to.deep.equal(['52:54:00:12:34:56']);
    expect(readFile(JSON.stringify([ipmi]), 'x').nodes).to.have.length(1);
  });

  const addresses: readonly (readonly [what: string, node: Json, address: string])[] = [
    ['IPMI at its own port', { ...ipmi, pm_port: 623 }, 'ipmi://10.0.0.1'],
    ['IPMI at another port', { ...ipmi, pm_port: '6230' }, 'ipmi://10.0.0.1:6230'],
    ['IPMI at port 80, which is HTTP’s own', { ...ipmi, pm_addr: '10.0.0.1:80' }, 'ipmi://10.0.0.1:80'],
    ['a port in the address', { ...ipmi, pm_addr: '10.0.0.1:6230', pm_port: 6230 }, 'ipmi://10.0.0.1:6230'],
    ['IPv6', { ...ipmi, pm_addr: 'fd00::1', pm_port: 6230 }, 'ipmi://[fd00::1]:6230'],
    ['the old name of ipmi', { ...ipmi, pm_type: 'pxe_ipmitool' }, 'ipmi://10.0.0.1'],
    ['Redfish without a system', redfish, 'redfish://10.0.0.1'],
    ['Redfish by URL', { ...redfish, pm_addr: 'https://bmc.lab:8443/' }, 'redfish://bmc.lab:8443'],
    ['Redfish without TLS', { ...redfish, pm_addr: 'http://10.0.0.1:8000' }, 'redfish+http://10.0.0.1:8000'],
    ['Redfish by its root', { ...redfish, pm_addr: 'https://h:443/redfish/v1' }, 'redfish://h'],
    [
      'a system with a slash at its end',
      { ...redfish, pm_system_id: '/redfish/v1/Systems/1/' },
      'redfish://10.0.0.1/redfish/v1/Systems/1',
    ],
    ['idrac', { ...ipmi, pm_type: 'idrac' }, 'redfish://10.0.0.1'],
    ['ilo5', { ...ipmi, pm_type: 'ilo5' }, 'redfish://10.0.0.1'],
  ];
  for (const [what, node, address] of addresses) {
    it(`takes ${what}`, () => {
      expect(addressOf(node)).to.equal(address);
    });
  }

  const specs: readonly (readonly [what: string, members: Json, spec: Json])[] = [
    [
      'the key profile wins over the capability',
      { profile: 'x', capabilities: 'profile:y' },
      { profile: 'x' },
    ],
    [
      'capabilities may be a map',
      { capabilities: { a: 1, b: true } },
      { capabilities: { a: '1', b: 'true' } },
    ],
    ['a capability may have a colon', { capabilities: 'a:b:c' }, { capabilities: { a: 'b:c' } }],
    [
      'secure boot is a boot mode',
      { capabilities: 'boot_mode:uefi,secure_boot:True' },
      { bootMode: 'UEFISecureBoot' },
    ],
    [
      'hints by name, WWN and operator',
      { root_device: { name: '/dev/sda', wwn: 's== 0x1', model: '<in> SSD' } },
      { rootDeviceHints: { deviceName: '/dev/sda', wwn: '0x1', model: 'SSD' } },
    ],
    ['a size as a number', { root_device: { size: 200 } }, { rootDeviceHints: { minSizeGigabytes: 200 } }],
    ['hyphens in a MAC', { mac: ['2C-C2-60-01-02-04'] }, { bootMACAddress: '2c:c2:60:01:02:04' }],
  ];
  for (const [what, members, spec] of specs) {
    it(`in a spec, ${what}`, () => {
      const { bmc: _, ...rest } = specOf({ ...ipmi, ...members });
      expect(rest).to.deep.equal(spec);
    });
  }

  const names: readonly (readonly [given: string | undefined, name: string])[] = [
    ['Ctrl_01.lab', 'ctrl-01-lab'],
    ['_x_', 'x'],
    [undefined, 'node-2c-c2-60-01-02-04'],
  ];
  for (const [given, name] of names) {
    it(`names a node ${name} that is ${given ?? 'nameless'} there`, () => {
      const { metadata } = draftsFor({ ...ipmi, name: given, mac: ['2c:c2:60:01:02:04'] }).node;
      expect(metadata.name).to.equal(name);
    });
  }

  it('names a node without MAC after its BMC', () => {
    expect(draftsFor({ ...ipmi, name: undefined }).node.metadata.name).to.equal('node-ipmi-10-0-0-1-623');
  });

  for (const word of [false, 'False']) {
    it(`may switch verification off with ${JSON.stringify(word)}, which is warned of`, () => {
      const node = { ...redfish, redfish_verify_ca: word };
      expect((specOf(node).bmc as Json).tls).to.deep.equal({ insecureSkipVerify: true });
      expect(read(node).findings.remarks().join()).to.include('warning: redfish_verify_ca is false');
    });
  }

  for (const word of [true, 'true', '/etc/ssl/ca.crt']) {
    it(`keeps verification on with ${JSON.stringify(word)}`, () => {
      expect(specOf({ ...redfish, redfish_verify_ca: word }).bmc).not.to.have.property('tls');
    });
  }

  it('has what is ignored said once for all nodes', () => {
    const nodes = [1, 2, 3, 4, 5, 6, 7].map((n) => ({
      ...ipmi,
      name: `n${n}`,
      pm_addr: `10.0.0.${n}`,
      cpu: 4,
      arch: 'x',
    }));
    const remarks = read(...nodes).findings.remarks();
    expect(remarks.filter((remark) => remark.includes('cpu'))).to.have.length(1);
    expect(remarks.find((remark) => remark.includes('cpu'))).to.match(/node 5 \(n5\) and 2 more\)$/);
  });

  const port = (address: string) => ({ ports: [{ address }] });
  const refused: readonly (readonly [what: string, nodes: readonly Json[], ...says: string[]])[] = [
    ['no address', [{ ...ipmi, pm_addr: undefined }], 'node 1 (a): pm_addr is missing'],
    ['no user', [{ ...ipmi, pm_user: '' }], 'node 1 (a): pm_user is missing'],
    ['no password', [{ ...ipmi, pm_password: null }], 'node 1 (a): pm_password is missing'],
    ['a password of bare digits', [{ ...ipmi, pm_password: 12 }], 'node 1 (a): pm_password must be text'],
    ['no type', [{ ...ipmi, pm_type: undefined }], 'pm_type is missing: use ipmi or redfish'],
    ['an unknown type', [{ ...ipmi, pm_type: 'quux' }], 'pm_type quux is unknown: use ipmi or redfish'],
    ['irmc', [{ ...ipmi, pm_type: 'irmc' }], 'pm_type irmc is not supported: if its BMC'],
    ['xclarity', [{ ...ipmi, pm_type: 'xclarity' }], 'pm_type xclarity is not supported: if its BMC'],
    [
      'a staging driver',
      [{ ...ipmi, pm_type: 'staging-wol' }],
      'staging-wol is not supported: a machine needs',
    ],
    [
      'no BMC',
      [{ ...ipmi, pm_type: 'manual-management' }],
      'manual-management is not supported: a machine needs',
    ],
    ['a fake', [{ ...ipmi, pm_type: 'fake-hardware' }], 'fake-hardware is for tests of Ironic only'],
    ['a misspelt key', [{ ...ipmi, pm_adr: 'x' }], 'pm_adr is unknown: is pm_addr meant?'],
    ['a key like no other', [{ ...ipmi, quuxquuxquux: 1 }], 'quuxquuxquux is unknown: remove it'],
    ["another driver's option", [{ ...ipmi, drac_port: 1 }], 'drac_port is unknown'],
    ['a port too high', [{ ...ipmi, pm_port: 65536 }], 'pm_port must be a number from 1 to 65535'],
    ['two ports', [{ ...ipmi, pm_addr: 'h:1', pm_port: 2 }], 'pm_port is 2, but pm_addr has port 1'],
    ['a path for IPMI', [{ ...ipmi, pm_addr: 'h/x' }], 'pm_addr must be HOST or HOST:PORT'],
    ['a user in the address', [{ ...redfish, pm_addr: 'https://u:p@h' }], 'pm_addr must be HOST'],
    ['a system for IPMI', [{ ...ipmi, pm_system_id: '/redfish/v1/Systems/1' }], 'is for Redfish only'],
    ['a system that is no path', [{ ...redfish, pm_system_id: '1' }], 'pm_system_id must be the path'],
    ['a MAC that is none', [{ ...ipmi, ...port('x') }], 'ports[0].address must be a MAC address'],
    ['a port without MAC', [{ ...ipmi, ports: [{}] }], 'ports[0].address is missing'],
    ['a name with other letters', [{ ...ipmi, name: 'ä' }], 'name must have up to 63 letters'],
    ['a name that is too long', [{ ...ipmi, name: 'a'.repeat(64) }], 'name must have up to 63 letters'],
    ['capabilities without values', [{ ...ipmi, capabilities: 'x' }], 'capabilities must be text as'],
    ['an unknown boot mode', [{ ...ipmi, capabilities: 'boot_mode:x' }], 'have boot_mode:x'],
    ['an unknown hint', [{ ...ipmi, root_device: { quux: 1 } }], 'root_device.quux is unknown'],
    [
      'an operator',
      [{ ...ipmi, root_device: { model: '<or> a' } }],
      'root_device.model has the operator <or>',
    ],
    ['a serial of bare digits', [{ ...ipmi, root_device: { serial: 1 } }], 'root_device.serial must be text'],
    ['a name twice', [ipmi, { ...ipmi, pm_addr: 'h' }], 'node 2 (a): name is also that of node 1 (a)'],
    [
      'names that become one',
      [
        { ...ipmi, name: 'a.b' },
        { ...ipmi, name: 'a-b', pm_addr: 'h' },
      ],
      'node 2 (a-b): name becomes a-b, as that of node 1 (a.b) does',
    ],
    [
      'a MAC twice, in capitals or not',
      [
        { ...ipmi, ...port('2c:c2:60:01:02:0a') },
        { ...ipmi, name: 'b', pm_addr: 'h', ...port('2C:C2:60:01:02:0A') },
      ],
      'node 2 (b): ports have 2c:c2:60:01:02:0a, as node 1 (a) does',
    ],
    ['a BMC twice', [ipmi, { ...ipmi, name: 'b', pm_port: 623 }], 'pm_addr is the BMC of node 1 (a) too'],
    [
      'a system twice',
      [
        { ...redfish, pm_system_id: '/redfish/v1/Systems/1' },
        { ...redfish, name: 'b', pm_addr: 'https://10.0.0.1:443', pm_system_id: '/redfish/v1/Systems/1/' },
      ],
      'node 2 (b): pm_addr is the BMC of node 1 (a) too: give each its own pm_system_id',
    ],
    [
      'a BMC twice where one node names no system',
      [
        { ...redfish, pm_system_id: '/redfish/v1/Systems/1' },
        { ...redfish, name: 'b' },
      ],
      'node 2 (b): pm_addr is the BMC of node 1 (a) too',
    ],
    [
      'several mistakes, all of them',
      [{ ...ipmi, pm_user: undefined, ...port('x') }, { pm_type: 'x' }],
      'node 1 (a): pm_user is missing',
      'node 1 (a): ports[0].address must be',
      'node 2: pm_type x is unknown',
    ],
  ];
  for (const [what, nodes, ...says] of refused) {
    it(`is refused for ${what}`, () => {
      const problems = problemsIn(() => read(...nodes));
      expect(problems).to.have.length(says.length);
      for (const sentence of says) expect(problems.join('\n')).to.include(sentence);
      expect(problems.every((problem) => problem.startsWith('env.json: node '))).to.equal(true);
    });
  }

  it('may have two systems behind one BMC, and two BMCs at one address', () => {
    const system = (name: string, id: number) => ({
      ...redfish,
      name,
      pm_system_id: `/redfish/v1/Systems/${id}`,
    });
    expect(read(system('a', 1), system('b', 2), { ...ipmi, name: 'c' }).nodes).to.have.length(3);
    expect(read(ipmi, { ...ipmi, name: 'b', pm_port: 624 }).nodes).to.have.length(2);
  });

  const unreadable: readonly (readonly [what: string, text: string, says: string])[] = [
    ['empty', ' \n', 'env.json: is empty'],
    ['without nodes', '{}', 'env.json: has no nodes'],
    ['with an empty list', '{"nodes": []}', 'env.json: has no nodes'],
    ['with a node that is none', '{"nodes": ["x"]}', 'env.json: node 1 must be a map'],
    ['with other keys', '{"nodes": [], "node": 1}', 'env.json: has the unknown keys node'],
    ['JSON that breaks off', '{"nodes": [{"pm_password": "Zecret', 'line 1, column'],
    ['JSON with a comma missing', '{"pm_password": "Zecret" "x": 1}', 'missed comma'],
    ['YAML with a bare asterisk', 'nodes:\n- pm_password: *Zecret', 'line 2, column'],
    ['YAML with a bare exclamation mark', 'nodes:\n- pm_password: !Zecret x', 'line 2, column'],
  ];
  for (const [what, text, says] of unreadable) {
    it(`is refused when it is ${what}, without a word of what is in it`, () => {
      const [problem = '', ...more] = problemsIn(() => readFile(text, 'env.json'));
      expect(problem).to.include(says);
      expect(problem).not.to.include('Zecret');
      expect(more).to.deep.equal([]);
    });
  }
});
