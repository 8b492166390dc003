// A host changes while it is looked at: what the later look says counts.
import { expect } from 'chai';
import { createObserver } from '../../../src/host/observe.ts';
import type { HostSession } from '../../../src/host/ports.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeMachine, type FakeMachine } from '../../fakes/engine.ts';
import { createOperator } from './support/machine.ts';
import { manifestOf, service } from './support/objects.ts';

const manifest = manifestOf([service('nova', { containers: [{ name: 'api', image: 'nova-api', step: 1 }] })]);

describe('observing a host', () => {
  let machine: FakeMachine;

  /** The same host, where `change` happens between the list and the first inspection. */
  const changing = (change: () => void): HostSession => {
    const session = machine.connect();
    const list: HostSession['engine']['list'] = async (signal) => {
      const containers = await session.engine.list(signal);
      change();
      return containers;
    };
    return { ...session, engine: { ...session.engine, list } };
  };

  const statesSeen = async (session: HostSession) => {
    const { containers } = await createObserver(session).observe(
      manifest,
      machine.ledger,
      new Map(),
      new AbortController().signal,
    );
    return containers.map(({ name, state }) => `${name} ${state}`);
  };

  beforeEach(async () => {
    const clock = createManualClock();
    machine = createFakeMachine(clock);
    await createOperator(machine, clock).settle(manifest);
    machine.happens('die', 'api');
  });

  it('one that the engine started again meanwhile runs, and has not ended without an exit code', async () => {
    const api = machine.named('api');
    if (api === undefined) throw new Error('no api');
    const session = changing(() => Object.assign(api, { state: 'running', exitCode: 0 }));
    expect(await statesSeen(session)).to.deep.equal(['api running']);
  });

  it('one that was removed meanwhile is missing', async () => {
    const session = changing(() => {
      machine.happens('remove', 'api');
    });
    expect(await statesSeen(session)).to.deep.equal([]);
  });

  it('one that stays as it was is what the list says', async () => {
    expect(await statesSeen(machine.connect())).to.deep.equal(['api exited']);
  });
});
