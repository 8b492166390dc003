// A real machine, in qemu without KVM: inspected by the real ironic-python-agent, installed with Debian, logged in to, cleaned.
// It takes a quarter of an hour and needs root, so it is not among the end-to-end tests.
import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { finalizers } from '../../src/api/names.ts';
import {
  bareNode,
  bmcSecret,
  bootImages,
  hostFor,
  loginSecret,
  namespace,
} from '../e2e/bare-metal/manifests.ts';
import { partitionTablesOf } from './disk.ts';
import { logIn } from './login.ts';
import { type Rig, startRig, takeDown } from './rig.ts';

const network = 50;
const address = `10.77.${network}.50`;
const [nodeName, hostName] = ['metal-0', 'metal-compute-0'];
/** A system of 170 MB unpacks and boots without KVM. In s. */
const patience = 900;

describe('a real machine without KVM, with the real agent', function () {
  this.timeout(40 * 60_000);
  this.bail(true);
  let rig: Rig;
  before(async () => {
    rig = await startRig(network, nodeName);
  });
  afterEach('keep the logs of a failure', async function () {
    if (this.currentTest?.state === 'failed') rig.say(`console and log: ${await rig.keepLogs()}`);
  });
  after('take the rig down', () => takeDown());

  it('boots the agent from the network and tells its inventory', async () => {
    const { facts } = rig;
    const password = await readFile(facts.bmcPasswordFile, 'utf8');
    await rig.apply(
      bootImages({ ...rig.images, close: () => Promise.resolve() }),
      loginSecret,
      bmcSecret(nodeName, facts.bmcUser, password),
      bareNode(nodeName, facts.bmcAddress, facts.mac, {
        rootDeviceHints: { serialNumber: facts.diskSerial },
      }),
    );
    const { status } = await rig.watched.untilState(nodeName, 'available', patience);
    expect(status?.power).to.equal('Off');
    expect(status?.hardware).to.include({ vendor: 'Undercloud', serial: facts.diskSerial });
    expect(status?.hardware?.memoryMebibytes).to.equal(4096);
    expect(status?.hardware?.disks?.map(({ serial }) => serial)).to.deep.equal([facts.diskSerial]);
    expect(status?.hardware?.nics?.map(({ mac }) => mac)).to.deep.equal([facts.mac]);
    expect(await partitionTablesOf(facts.disk)).to.deep.equal({ mbr: false, gpt: false, gptCopy: false });
  });

  it('is installed for the host that asks for it', async () => {
    await rig.apply(
      hostFor(hostName, nodeName, {
        addresses: [{ network: 'ctlplane', address, prefixLength: 24 }],
        ssh: { user: 'heat-admin', keyName: loginSecret.metadata.name, port: 22 },
      }),
    );
    const { status } = await rig.watched.untilState(nodeName, 'active', patience);
    expect(status).to.include({ power: 'On' });
    expect(status?.hostRef?.name).to.equal(hostName);
    expect(status?.image).to.include({ name: 'debian', checksum: rig.images.disk.checksum });
    expect(await partitionTablesOf(rig.facts.disk)).to.include({ mbr: true, gpt: true });
  });

  it('answers on SSH at its address, with the name and the keys that its config drive brought', async () => {
    const { sshHostKeys = [] } = rig.watched.node(nodeName)?.status ?? {};
    expect(sshHostKeys).to.have.length.of.at.least(1);
    const shell = await logIn(
      {
        ...{ address, user: 'heat-admin', hostKeys: sshHostKeys },
        privateKey: loginSecret.stringData['ssh-privatekey'],
      },
      patience,
    );
    rig.say('logged in over SSH');
    expect(await shell.run('hostname')).to.equal(hostName);
    const installedFor: unknown = JSON.parse(await shell.run('cat /etc/undercloud/node.json'));
    expect(installedFor).to.include({
      ...{ namespace, node: nodeName, host: hostName },
      uid: rig.watched.host(hostName)?.metadata.uid,
    });
    expect(await shell.run('ip -4 -oneline address show')).to.contain(` ${address}/24 `);
    expect(await shell.run('sudo -n id -u')).to.equal('0');
    shell.close();
  });

  it('is cleaned and free again when the host goes', async () => {
    await rig.kubectl(['delete', 'host', hostName, '-n', namespace, '--wait=false']);
    // There is no engine in the image: the test drains it, as the host room would.
    const patch = JSON.stringify({ metadata: { finalizers: [finalizers.hostRelease] } });
    await rig.kubectl(['patch', 'host', hostName, '-n', namespace, '--type=merge', '-p', patch]);
    await rig.watched.untilGone(hostName, patience);
    const { status } = await rig.watched.untilState(nodeName, 'available', patience);
    expect(status).to.include({ power: 'Off' }).and.not.have.any.keys('hostRef', 'image', 'work');
    expect(await partitionTablesOf(rig.facts.disk)).to.deep.equal({ mbr: false, gpt: false, gptCopy: false });
    const states = rig.watched.history(nodeName).map(({ status: then }) => then?.state);
    expect(states).to.include('cleaning').and.not.include('error');
  });
});
