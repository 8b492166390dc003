// The config drive, read by programs that we did not write: Debian's ISO tools and cloud-init's own code.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { configDriveImage, type ConfigDriveInput } from '../../../src/baremetal/boot/config-drive.ts';
import { generateHostKey, publicKeyOf } from '../../../src/baremetal/boot/ssh-keys.ts';
import { cloudInit } from './boot-cloud-init.ts';

const run = promisify(execFile);
const input: ConfigDriveInput = {
  uuid: '7b2a3d8c-8b0f-4d52-9d6c-0a6d1f2f9a11',
  hostname: 'lab-ctrl-0',
  user: 'cloud',
  sshPublicKeys: [publicKeyOf(generateHostKey('x').privateKey, 'x')],
  hostKeys: [generateHostKey('lab-ctrl-0')],
  network: {
    mac: '52:54:00:12:34:56',
    address: { address: '172.16.0.22', prefixLength: 24, gateway: '172.16.0.1', dnsServers: ['172.16.0.1'] },
    mtu: 1450,
  },
  installedFor: { namespace: 'lab', node: 'n0', host: 'h0', uid: 'u0', owner: 'lab/cloud/h0' },
};
const names = ['meta_data.json', 'network_data.json', 'user_data'].map((name) => `openstack/latest/${name}`);

/** What cloud-init makes of a directory that was on a config drive. */
interface Understood {
  readonly instanceId: string;
  readonly hostname: string;
  readonly publicKeys: readonly string[];
  readonly network: readonly {
    readonly name: string;
    readonly mtu?: number;
    readonly subnets: readonly unknown[];
  }[];
  readonly nameservers: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly scripts: readonly string[];
}

const reader = `
import json, sys, tempfile, os
from cloudinit import handlers, helpers, user_data, util
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
from cloudinit.handlers.shell_script import ShellScriptPartHandler
from cloudinit.net import network_state
from cloudinit.sources.helpers import openstack

found = openstack.ConfigDriveReader(sys.argv[1]).read_v2()
mac = '52:54:00:12:34:56'
network = openstack.convert_net_json(found['networkdata'], known_macs={mac: 'ens3'})
state = network_state.parse_net_config_data(network)
work = tempfile.mkdtemp(dir=sys.argv[1])
paths = helpers.Paths({'cloud_dir': work, 'run_dir': work})
for name in ('cloud_config', 'scripts'):
    os.makedirs(os.path.dirname(paths.get_ipath_cur(name) or work), exist_ok=True)
message = user_data.UserDataProcessor(paths).process(found['userdata'])
class Config(CloudConfigPartHandler):
    def __init__(self, paths):
        super().__init__(paths)
        self.cloud_fn = os.path.join(work, 'cloud-config.txt')
    def _write_cloud_config(self):
        self.merged = self.cloud_buf
config = Config(paths)
scripts = []
config.handle_part(None, handlers.CONTENT_START, None, None, None, {})
for part in message.walk():
    if part.get_content_maintype() == 'multipart':
        continue
    payload = util.fully_decoded_payload(part)
    if part.get_content_type() == 'text/cloud-config':
        config.handle_part(None, 'text/cloud-config', part.get_filename() or 'part', payload, None, dict(part))
    else:
        scripts.append(payload)
config.handle_part(None, handlers.CONTENT_END, None, None, None, {})
print(json.dumps({
    'instanceId': found['metadata']['instance-id'],
    'hostname': found['metadata']['local-hostname'],
    'publicKeys': list(found['metadata']['public_keys'].values()),
    'network': list(state.iter_interfaces()),
    'nameservers': list(state.dns_nameservers),
    'config': config.merged,
    'scripts': scripts,
}))
`;

describe('the config drive', function () {
  this.timeout(120_000);
  let directory = '';
  let packages = '';
  before(async () => {
    packages = await cloudInit();
    directory = await mkdtemp(path.join(tmpdir(), 'config-drive-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const write = async (change: Partial<ConfigDriveInput> = {}): Promise<string> => {
    const image = path.join(directory, 'config-drive.iso');
    await writeFile(image, configDriveImage({ ...input, ...change }));
    return image;
  };

  /** The drive's files are taken out of the image by bsdtar, which is libarchive. */
  async function understood(change: Partial<ConfigDriveInput> = {}): Promise<Understood> {
    const image = await write(change);
    const files = path.join(directory, 'files');
    await rm(files, { recursive: true, force: true });
    await mkdir(files);
    await run('bsdtar', ['-xf', image, '--no-same-permissions', '-C', files]);
    await run('chmod', ['-R', 'u+w', files]);
    const env = { PATH: process.env.PATH ?? '', PYTHONPATH: packages };
    const { stdout } = await run('/usr/bin/python3', ['-c', reader, files], { env });
    return JSON.parse(stdout) as Understood;
  }

  it('is found by its label, as cloud-init finds it', async () => {
    const { stdout } = await run('blkid', ['-p', '-o', 'export', await write()]);
    expect(stdout).to.contain('LABEL=config-2').and.contain('TYPE=iso9660');
  });

  it('has the same files to isoinfo, bsdtar and xorriso', async () => {
    const image = await write();
    const isoinfo = await run('isoinfo', ['-R', '-f', '-i', image]);
    const bsdtar = await run('bsdtar', ['-tf', image]);
    const xorriso = await run('xorriso', ['-indev', image, '-find', '/', '-type', 'f']);
    expect(isoinfo.stdout.split('\n').filter((line) => names.includes(line.slice(1)))).to.have.length(3);
    expect(bsdtar.stdout.split('\n').filter((line) => names.includes(line))).to.have.length(3);
    expect(xorriso.stdout.match(/'[^']+'/g)).to.have.members(names.map((name) => `'/${name}'`));
  });

  it('lets only root read what holds a private key', async () => {
    const { stdout } = await run('bsdtar', ['-tvf', await write()]);
    expect(stdout).to.match(/^-r--------\s.*\s0\s+0\s.*openstack\/latest\/user_data$/m);
  });

  it('tells cloud-init who the machine is, and its fixed address on the NIC of that MAC', async () => {
    const { instanceId, hostname, publicKeys, network, nameservers } = await understood();
    expect({ instanceId, hostname, publicKeys, nameservers }).to.deep.equal({
      instanceId: input.uuid,
      hostname: 'lab-ctrl-0',
      publicKeys: input.sshPublicKeys,
      nameservers: ['172.16.0.1'],
    });
    expect(network[0]).to.deep.include({ name: 'ens3', mtu: 1450, mac_address: '52:54:00:12:34:56' });
    expect(network[0]?.subnets[0]).to.deep.include({
      type: 'static',
      address: '172.16.0.22',
      prefix: 24,
    });
    expect(network[0]?.subnets[0])
      .to.have.nested.property('routes[0]')
      .that.deep.includes({ network: '0.0.0.0', prefix: 0, gateway: '172.16.0.1' });
  });

  it('tells cloud-init of a VLAN with an IPv6 address, and of DHCP', async () => {
    const address = { address: '2001:db8::16', prefixLength: 64, gateway: '2001:db8::1' };
    const vlan = await understood({ network: { mac: '52:54:00:12:34:56', address, vlan: 20 } });
    expect(vlan.network.map(({ name }) => name)).to.deep.equal(['ens3', 'ens3.20']);
    expect(vlan.network[1]).to.deep.include({ vlan_id: 20, 'vlan-raw-device': 'ens3' });
    expect(vlan.network[1]?.subnets[0]).to.deep.include({ address: '2001:db8::16', prefix: 64 });
    const dhcp = await understood({ network: { mac: '52:54:00:12:34:56' } });
    expect(dhcp.network[0]?.subnets[0]).to.have.property('type', 'dhcp4');
  });

  it('gives cloud-init the user, the host key and the owner file', async () => {
    const { config } = await understood();
    const [hostKey] = input.hostKeys;
    expect(config).to.deep.include({
      hostname: 'lab-ctrl-0',
      ssh_pwauth: false,
      disable_root: true,
      ssh_keys: { ed25519_private: hostKey?.privateKey, ed25519_public: hostKey?.publicKey },
      users: [
        {
          name: 'cloud',
          lock_passwd: true,
          ssh_authorized_keys: input.sshPublicKeys,
          shell: '/bin/bash',
          sudo: 'ALL=(ALL) NOPASSWD:ALL',
        },
      ],
    });
    expect(config.write_files).to.deep.include({
      path: '/var/lib/undercloud/owner',
      content: 'lab/cloud/h0\n',
      owner: 'root:root',
      permissions: '0644',
    });
  });

  it('a host key that OpenSSH takes, and whose public half is the one that we know', async () => {
    const { config } = await understood();
    const keys = config.ssh_keys as Readonly<Record<string, string>>;
    const file = path.join(directory, 'host-key');
    await writeFile(file, keys.ed25519_private ?? '', { mode: 0o600 });
    const { stdout } = await run('ssh-keygen', ['-y', '-f', file]);
    expect(stdout.trim()).to.equal(keys.ed25519_public);
  });

  it('lets root in where root is the user', async () => {
    const { config } = await understood({ user: 'root' });
    expect(config).to.have.property('disable_root', false);
    expect(config).to.have.nested.property('users[0]').that.does.not.have.property('sudo');
  });

  it('adds the user’s own cloud-config to ours, and never instead of it', async () => {
    const extraUserData =
      '#cloud-config\nssh_pwauth: true\npackages: [vim]\nusers: [{name: anna}]\nwrite_files: [{path: /x, content: y}]\n';
    const { config } = await understood({ extraUserData });
    expect(config).to.deep.include({ ssh_pwauth: false, packages: ['vim'] });
    const named = (config.users as readonly { readonly name: string }[]).map(({ name }) => name);
    expect(named).to.deep.equal(['cloud', 'anna']);
    expect(config.write_files).to.have.length(3);
  });

  it('brings the user’s script', async () => {
    const { scripts, config } = await understood({ extraUserData: '#!/bin/sh\necho "Grüße"\n' });
    expect(scripts).to.deep.equal(['#!/bin/sh\necho "Grüße"\n']);
    expect(config).to.have.property('hostname', 'lab-ctrl-0');
  });
});
