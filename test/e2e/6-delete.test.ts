// `kubectl delete namespace` with a running cloud in it ends by itself and destroys nothing that deletionPolicy keeps.
import { expect } from 'chai';
import { type RunningCloud, theCloud } from './shared.ts';

describe('deleting the namespace of a running cloud', function () {
  this.timeout(600_000);
  let cloud: RunningCloud;
  const machines = ['overcloud-ctrl01', 'overcloud-cmpt01', 'overcloud-ceph01'];

  before(async () => {
    cloud = await theCloud();
    await cloud.ready('ovc', 'lab', 'True', 400);
  });

  it('with deletionPolicy Retain leaves every container running, and ends', async () => {
    const look = () => Promise.all(machines.map(async (machine) => [...(await cloud.containers(machine))]));
    const before = await look();
    await cloud.kubectl(['delete', 'namespace', 'lab', '--timeout=180s']);
    expect(await look()).to.deep.equal(before);
  });

  it('the same file brings the cloud back to the same containers', async () => {
    const look = () =>
      Promise.all(machines.map(async (machine) => [...(await cloud.containers(machine)).keys()].sort()));
    const before = await look();
    await cloud.apply(await cloud.example());
    await cloud.ready('ovc', 'lab', 'True', 400);
    expect(await look()).to.deep.equal(before);
  });

  it('with deletionPolicy Delete removes our containers, and nothing else', async () => {
    await cloud.ssh(
      'overcloud-cmpt01',
      'podman run -d --name foreign $(podman images -q | head -n 1) sleep 600',
    );
    await cloud.patch('ovc', 'lab', { spec: { deletionPolicy: 'Delete' } });
    await cloud.ready('ovc', 'lab', 'True', 60);
    await cloud.kubectl(['delete', 'overcloud', 'lab', '-n', 'lab', '--timeout=180s']);
    expect([...(await cloud.containers('overcloud-cmpt01')).keys()]).to.deep.equal(['foreign']);
    const states = (await cloud.list('bmn')).map(({ status }) => status?.state);
    expect(
      states.every((state) => state === 'available'),
      String(states),
    ).to.equal(true);
    await cloud.ssh('overcloud-cmpt01', 'podman rm -f -t 0 foreign');
  });
});
