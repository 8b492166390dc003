// The operator may die, freeze or be away at any moment; the hosts must not notice.
import { expect } from 'chai';
import { startOperator } from '../support/operator.ts';
import { setPower } from '../support/lab.ts';
import { eventually, pause } from '../support/wait.ts';
import { controlPlaneName, type RunningCloud, theCloud } from './shared.ts';

describe('the operator', function () {
  this.timeout(600_000);
  let cloud: RunningCloud;
  const machine = 'overcloud-ctrl01';

  before(async () => {
    cloud = await theCloud();
    await cloud.ready('ovc', 'lab', 'True', 400);
  });

  const setEnvironment = async (value: string): Promise<void> => {
    const service = await cloud.get('ocsvc', 'memcached');
    const [container] = service.spec.containers as Record<string, unknown>[];
    await cloud.patch('ocsvc', 'memcached', {
      spec: {
        containers: [{ ...container, environment: { ...(container?.environment as object), ROUND: value } }],
      },
    });
  };
  const environmentOf = (of: string): Promise<string> =>
    cloud.ssh(of, 'podman inspect memcached --format "{{.Config.Env}}"').catch(() => '');
  const reached = (value: string): Promise<unknown> =>
    eventually(`memcached has ROUND=${value} on every controller`, 300, async () => {
      for (const controller of ['overcloud-ctrl01', 'overcloud-ctrl02', 'overcloud-ctrl03']) {
        if (!(await environmentOf(controller)).includes(`ROUND=${value}`)) return undefined;
      }
      return true;
    });

  for (const delay of [0, 300, 1500, 4000]) {
    it(`killed ${String(delay)} ms into a change, and started again, ends in the same state`, async () => {
      const before = await cloud.containers(machine);
      await setEnvironment(`killed-${String(delay)}`);
      await pause(delay);
      await cloud.operator.signal('SIGKILL');
      await cloud.restartOperator();
      await reached(`killed-${String(delay)}`);
      await cloud.ready('ovc', 'lab', 'True', 120);
      const after = await cloud.containers(machine);
      const moved = [...after].filter(([name, { id }]) => before.get(name)?.id !== id).map(([name]) => name);
      expect(moved).to.deep.equal(['memcached']);
      expect([...after.keys()].sort()).to.deep.equal([...before.keys()].sort());
    });
  }

  it('frozen in mid-work and thawed after a takeover, changes nothing more on any host', async () => {
    const second = await startOperator(controlPlaneName);
    const first = cloud.operator;
    await setEnvironment('frozen');
    await pause(700);
    await first.signal('SIGSTOP');
    await reached('frozen');
    cloud.operator = second;
    await cloud.ready('ovc', 'lab', 'True', 120);
    const before = await Promise.all(
      ['overcloud-ctrl01', 'overcloud-ctrl02', 'overcloud-ctrl03'].map(cloud.containers),
    );
    await first.signal('SIGCONT');
    const code = await first.exited;
    await pause(10_000);
    const after = await Promise.all(
      ['overcloud-ctrl01', 'overcloud-ctrl02', 'overcloud-ctrl03'].map(cloud.containers),
    );
    expect(code, 'the old leader ends with an error').to.not.equal(0);
    expect(after.map((containers) => [...containers])).to.deep.equal(
      before.map((containers) => [...containers]),
    );
  });

  it('is not needed for a host to come back after a reboot', async () => {
    await cloud.operator.signal('SIGTERM');
    const before = await cloud.containers(machine);
    await setPower(cloud.lab, machine, 'off');
    await setPower(cloud.lab, machine, 'on');
    await eventually('the containers run again', 120, async () => {
      const after = await cloud.containers(machine);
      const stopped = [...before].filter(
        ([name, { state }]) => state === 'running' && after.get(name)?.state !== 'running',
      );
      return stopped.length === 0 ? true : undefined;
    });
    const after = await cloud.containers(machine);
    expect([...after].map(([name, { id }]) => [name, id])).to.deep.equal(
      [...before].map(([name, { id }]) => [name, id]),
    );
    await cloud.restartOperator();
    await cloud.ready('ovc', 'lab', 'True', 120);
  });
});
