// An operator that ends in the middle: killed at three moments of a deployment, frozen, or gone with a node's status.
import { expect } from 'chai';
import { enrolIpmi, type IpmiMachine } from './bare-metal/machines.ts';
import { namespace } from './bare-metal/manifests.ts';
import { type Site, theSite } from './bare-metal/site.ts';
import * as walk from './bare-metal/walk.ts';
import { eventually, pause } from '../support/wait.ts';

describe('an operator that ends while it installs a machine', function () {
  this.timeout(180_000);
  const speed = { boot: 1500, step: 4000, heartbeat: 1000 };
  let site: Site;
  let killed: IpmiMachine;
  let frozen: IpmiMachine;
  before(async () => {
    site = await theSite();
    [killed, frozen] = await Promise.all([
      enrolIpmi(site, 'killed', { speed }),
      enrolIpmi(site, 'frozen', { speed: { ...speed, step: 12_000 } }),
    ]);
    await walk.becomesAvailable(killed);
    await walk.becomesAvailable(frozen);
  });

  it('and is killed three times: the machine is booted once and written once', async () => {
    await walk.isAskedFor(killed, 'killed-0');
    const phase = (wanted: string) =>
      site.watched.until('killed', `is in ${wanted}`, 60, ({ status }) => status?.work?.phase === wanted);
    await phase('AwaitingAgent');
    await eventually('the agent is loaded', 20, () =>
      Promise.resolve(walk.bootsOf(killed.machine) === 2 ? true : undefined),
    );
    await site.restart('SIGKILL');
    await phase('Working');
    await eventually('the image is written', 20, () =>
      Promise.resolve(walk.writesOf(killed.machine) === 1 || undefined),
    );
    await site.restart('SIGKILL');
    await phase('Finishing');
    await site.restart('SIGKILL');
    await walk.becomesActive(killed, 'killed-0');
    expect([walk.bootsOf(killed.machine), walk.writesOf(killed.machine)]).to.deep.equal([2, 1]);
    expect(walk.statesOf(site, 'killed').slice(-2)).to.deep.equal(['deploying', 'active']);
  });

  it('and stands still while another takes over: what wakes up does nothing more', async () => {
    const former = site.operator;
    await walk.isAskedFor(frozen, 'frozen-0');
    await eventually('the image is written', 30, () =>
      Promise.resolve(walk.writesOf(frozen.machine) === 1 || undefined),
    );
    await former.signal('SIGSTOP');
    await site.takeOver(await site.startReplica());
    await former.signal('SIGCONT');
    expect(await former.exited).to.not.equal(0);
    await walk.becomesActive(frozen, 'frozen-0');
    expect([walk.bootsOf(frozen.machine), walk.writesOf(frozen.machine)]).to.deep.equal([2, 1]);
    expect(walk.statesOf(site, 'frozen').slice(-2)).to.deep.equal(['deploying', 'active']);
  });

  it('and finds no status when it comes back: the machine keeps its host, and is not touched', async () => {
    const before = site.watched.node('killed');
    await site.operator.signal('SIGTERM');
    const presses = [...killed.bmc.presses];
    const commands = [...killed.machine.commands];
    const stored = await site.kubectl(['get', 'bmn', 'killed', '-n', namespace, '-o', 'json']);
    const wiped = { ...(JSON.parse(stored) as object), status: { observedGeneration: -1 } };
    await site.kubectl(['replace', '--subresource=status', '-f', '-'], JSON.stringify(wiped));
    await site.watched.until('killed', 'has no status', 10, ({ status }) => status?.state === undefined);
    await site.takeOver(await site.startReplica());
    const after = await site.watched.untilState('killed', 'active', 60);
    await pause(5000);
    expect(after.status?.hostRef).to.deep.equal(before?.status?.hostRef);
    expect(killed.bmc.presses).to.deep.equal(presses);
    expect(killed.machine.commands).to.deep.equal(commands);
    expect(killed.machine.running).to.equal('system');
    expect(walk.statesOf(site, 'killed').slice(-1)).to.deep.equal(['active']);
    const since = walk.statesOf(site, 'killed');
    expect(since.slice(since.lastIndexOf('new'))).to.not.include.members(['inspecting']);
  });
});
