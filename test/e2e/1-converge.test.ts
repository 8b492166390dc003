// From `kubectl apply` to Ready, and what a person sees on the way and at rest.
import { expect } from 'chai';
import { pause } from '../support/wait.ts';
import { type RunningCloud, theCloud } from './shared.ts';

describe('a cloud of five machines', function () {
  this.timeout(600_000);
  let cloud: RunningCloud;

  before(async () => {
    cloud = await theCloud();
  });

  it('becomes Ready, as kubectl wait sees it', async () => {
    await cloud.kubectl(['wait', '-n', 'lab', '--for=condition=Ready', 'overcloud/lab', '--timeout=400s']);
  });

  const columns: Readonly<Record<string, string>> = {
    bmn: 'NAME HOST POWER STATE MAINTENANCE PROFILE AGE',
    cis: 'NAME TAG IMAGES PUSHED PROPOSED READY AGE',
    ovc: 'NAME HOSTS STEP IMAGES READY AGE',
    hosts: 'NAME ROLE NODE IP IMAGES STEP CONTAINERS BRAKE READY AGE',
  };
  for (const [kind, expected] of Object.entries(columns)) {
    it(`kubectl get ${kind} has the columns that the openstack command had`, async () => {
      const [header = ''] = (await cloud.kubectl(['get', kind, '-n', 'lab'])).split('\n');
      expect(header.trim().split(/\s+/).join(' ')).to.equal(expected);
    });
  }

  it('every node is active, powered on and held by the host that asked for it', async () => {
    const hosts = new Map((await cloud.list('hosts')).map((host) => [host.metadata.name, host]));
    const nodes = await cloud.list('bmn');
    expect(nodes).to.have.length(5);
    for (const node of nodes) {
      const { state, power, hostRef } = node.status as {
        state: string;
        power: string;
        hostRef: { name: string; uid: string };
      };
      expect({ state, power }, node.metadata.name).to.deep.equal({ state: 'active', power: 'On' });
      expect(hosts.get(hostRef.name)?.metadata.uid).to.equal(hostRef.uid);
      expect(hosts.get(hostRef.name)?.spec.nodeName).to.equal(node.metadata.name);
    }
  });

  it('the containers run on the machines, and a Cloud job ran exactly once', async () => {
    const controllers = ['overcloud-ctrl01', 'overcloud-ctrl02', 'overcloud-ctrl03'];
    const jobs = [];
    for (const machine of controllers) {
      const containers = await cloud.containers(machine);
      expect(containers.get('keystone')?.state).to.equal('running');
      expect(containers.get('nova_api')?.state).to.equal('running');
      jobs.push(...[...containers.keys()].filter((name) => name === 'nova_db_sync'));
    }
    expect(jobs).to.deep.equal(['nova_db_sync']);
  });

  it('templates are filled in for each host', async () => {
    const path = '/var/lib/config-data/puppet-generated/nova/etc/nova/nova.conf';
    const text = await cloud.ssh('overcloud-ctrl02', `cat ${path}`);
    const address = cloud.lab.machines.find(({ name }) => name === 'overcloud-ctrl02')?.address;
    expect(text).to.include(`my_ip = ${address ?? '?'}`);
  });

  it('at rest, 60 s pass in which nothing of ours changes but the Lease', async () => {
    const look = async (): Promise<Map<string, string>> => {
      const kinds =
        'bmn,cis,ovc,hosts.undercloud.dev,roles.undercloud.dev,ocsvc,configmaps,secrets,controllerrevisions,events';
      const objects = await cloud.list(kinds);
      return new Map(
        objects.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.resourceVersion]),
      );
    };
    await pause(20_000);
    const before = await look();
    await pause(60_000);
    expect(Object.fromEntries(await look())).to.deep.equal(Object.fromEntries(before));
  });
});
