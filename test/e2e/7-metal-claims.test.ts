// Machines that must not be touched, or by one host only: what a Host that asks for them gets, and what their disks see.
import { expect } from 'chai';
import type { BareMetalNodeSpec } from '../../src/api/baremetalnode.gen.ts';
import { enrolIpmi, type IpmiMachine } from './bare-metal/machines.ts';
import { hostFor } from './bare-metal/manifests.ts';
import { type Site, theSite } from './bare-metal/site.ts';
import * as walk from './bare-metal/walk.ts';
import { eventually, pause } from '../support/wait.ts';

/** What keeps us from a machine, how it is lifted, and what status says meanwhile. */
const brakes: Readonly<
  Record<string, { readonly spec: Partial<BareMetalNodeSpec>; readonly lift: object; readonly says: RegExp }>
> = {
  claimed: {
    spec: { consumerRef: { kind: 'Server', name: 'web-1' } },
    lift: { consumerRef: null },
    says: /claimed is used by Server web-1, and left alone/,
  },
  maintained: {
    spec: { maintenance: true, maintenanceReason: 'a fan' },
    lift: { maintenance: false },
    says: /maintained is in maintenance \(a fan\)/,
  },
  paused: { spec: { paused: true }, lift: { paused: false }, says: /paused is paused/ },
};
const names = Object.keys(brakes);

/** Between power-on and its boot script there is time to say no. */
const speed = { boot: 1500, step: 300, heartbeat: 1000 };

describe('a machine that a Host asks for', function () {
  this.timeout(120_000);
  let site: Site;
  let machines: readonly IpmiMachine[];
  before(async () => {
    site = await theSite();
    machines = await Promise.all([...names, 'wanted'].map((name) => enrolIpmi(site, name, { speed })));
    await Promise.all(machines.map((machine) => walk.becomesAvailable(machine)));
  });
  const machineOf = (name: string): IpmiMachine => {
    const found = machines.find((machine) => machine.name === name);
    if (found === undefined) throw new Error(`no machine ${name}`);
    return found;
  };

  it('is left alone while it is claimed from outside, in maintenance, or paused', async () => {
    for (const name of names) await site.patch('bmn', name, { spec: brakes[name]?.spec });
    for (const name of names)
      await site.watched.until(
        name,
        'says why',
        20,
        ({ status }) => brakes[name]?.says.test(status?.stateReason ?? '') === true,
      );
    const before = names.map((name) => machineOf(name).bmc.presses.length);
    await site.apply(...names.map((name) => hostFor(`${name}-0`, name)));
    await pause(6000);
    for (const name of names) {
      expect(site.watched.node(name)?.status, name).to.include({ state: 'available' });
      expect(site.watched.node(name)?.status, name).to.not.have.property('hostRef');
    }
    expect(names.map((name) => machineOf(name).bmc.presses.length)).to.deep.equal(before);
  });

  it('is left as it is in the middle of its deployment, and goes on afterwards', async () => {
    for (const name of names) await site.patch('bmn', name, { spec: brakes[name]?.lift });
    // Each at the moment when its agent begins to boot.
    await Promise.all(
      names.map(async (name) => {
        await eventually('it boots', 30, () =>
          Promise.resolve(machineOf(name).machine.power === 'On' ? true : undefined),
        );
        await site.patch('bmn', name, { spec: brakes[name]?.spec });
      }),
    );
    await pause(6000);
    for (const name of names) {
      expect(site.watched.node(name)?.status, name).to.include({ state: 'deploying' });
      expect(machineOf(name).machine.disk.image, name).to.equal(undefined);
    }
    for (const name of names) await site.patch('bmn', name, { spec: brakes[name]?.lift });
    await Promise.all(names.map((name) => walk.becomesActive(machineOf(name), `${name}-0`)));
  });

  it('is given to one of two that ask at once, and written for that one', async () => {
    const wanted = machineOf('wanted');
    await site.apply(hostFor('wanted-1', 'wanted'), hostFor('wanted-0', 'wanted'));
    const node = await site.watched.untilState('wanted', 'active', 60);
    const winner = node.status?.hostRef?.name ?? 'nobody';
    await walk.becomesActive(wanted, winner);
    const loser = winner === 'wanted-0' ? 'wanted-1' : 'wanted-0';
    await eventually('the other waits', 20, () => {
      const ready = site.watched.host(loser)?.status?.conditions?.find(({ type }) => type === 'Ready');
      return Promise.resolve(ready?.message.includes(`belongs to host ${winner}`) === true || undefined);
    });
    expect(walk.writesOf(wanted.machine)).to.equal(1);
  });
});
