// Drift is mended, by whichever hand it came; what is not ours is left alone.
import { expect } from 'chai';
import { isOn, setPower } from '../support/lab.ts';
import { eventually, pause } from '../support/wait.ts';
import { type RunningCloud, theCloud } from './shared.ts';

describe('drift', function () {
  this.timeout(600_000);
  let cloud: RunningCloud;
  const machine = 'overcloud-cmpt01';

  before(async () => {
    cloud = await theCloud();
    await cloud.ready('ovc', 'lab', 'True', 400);
  });

  const running = (name: string, seconds: number, not?: string) =>
    eventually(`${name} runs on ${machine}`, seconds, async () => {
      const container = (await cloud.containers(machine)).get(name);
      return container?.state === 'running' && container.id !== not ? container : undefined;
    });

  it('a container removed by hand is made again, and an event says why', async () => {
    const before = await running('nova_compute', 10);
    await cloud.ssh(machine, 'podman rm -f -t 0 nova_compute');
    await running('nova_compute', 20, before.id);
    await eventually('an event names nova_compute', 20, async () => {
      const events = await cloud.kubectl([
        'get',
        'events',
        '-n',
        'lab',
        '-o',
        'jsonpath={range .items[*]}{.message}{"\\n"}{end}',
      ]);
      return /nova_compute.*(removed|gone|missing)/i.test(events) ? true : undefined;
    });
  });

  it('a container stopped by hand is started again', async () => {
    const before = await running('nova_compute', 10);
    await cloud.ssh(machine, 'podman stop -t 1 nova_compute');
    const after = await running('nova_compute', 20);
    expect(after.id).to.equal(before.id);
  });

  it('a container that we did not make is never touched', async () => {
    const [, known] =
      [...(await cloud.containers(machine))].find(([name]) => name === 'logrotate_crond') ?? [];
    await cloud.ssh(
      machine,
      `podman run -d --name foreign ${known?.image ?? ''} sleep 600 && podman stop -t 0 foreign`,
    );
    const before = (await cloud.containers(machine)).get('foreign');
    await pause(5_000);
    await cloud.ssh(machine, 'podman rm -f -t 0 nova_compute');
    await running('nova_compute', 20);
    const after = (await cloud.containers(machine)).get('foreign');
    expect(after).to.deep.equal(before);
    await cloud.ssh(machine, 'podman rm -f foreign');
  });

  it('a file changed by hand is written again', async () => {
    const file = '/var/lib/config-data/puppet-generated/nova/etc/nova/nova.conf';
    await cloud.ssh(machine, `echo broken > ${file}; podman rm -f -t 0 nova_compute`);
    await eventually('the file is as it should be', 60, async () =>
      (await cloud.ssh(machine, `cat ${file}`)).includes('my_ip') ? true : undefined,
    );
  });

  it('a machine turned off behind our back is powered on again, and its containers come back', async () => {
    await setPower(cloud.lab, machine, 'off');
    await eventually('the machine is on again', 180, async () =>
      (await isOn(cloud.lab, machine)) ? true : undefined,
    );
    await running('nova_compute', 120);
    await cloud.ready('ovc', 'lab', 'True', 120);
  });

  it('in maintenance it is left off, until maintenance ends', async () => {
    await cloud.patch('bmn', machine, { spec: { maintenance: true, maintenanceReason: 'changing a fan' } });
    await eventually('the host says which brake holds it', 30, async () => {
      const host = (await cloud.list('hosts')).find(({ spec }) => spec.nodeName === machine);
      return /maintenance/i.test(String(host?.status?.brake)) ? true : undefined;
    });
    await setPower(cloud.lab, machine, 'off');
    await pause(75_000);
    expect(await isOn(cloud.lab, machine)).to.equal(false);
    await cloud.patch('bmn', machine, { spec: { maintenance: false } });
    await eventually('the machine is on again', 120, async () =>
      (await isOn(cloud.lab, machine)) ? true : undefined,
    );
    await cloud.ready('ovc', 'lab', 'True', 180);
  });
});
