// Who runs a cloud's job, who waits for it, and when it is done.
import { expect } from 'chai';
import type { HostSpecJobsItem } from '../../../src/api/host.gen.ts';
import type { OvercloudServiceSpecJobsItem } from '../../../src/api/overcloudservice.gen.ts';
import { jobHash, type RevisionPayload } from '../../../src/api/revision.ts';
import { decideJobs, type JobHost, type Ledger, type LedgerEntry } from '../../../src/overcloud/jobs.ts';
import { readLedger } from '../../../src/overcloud/ledger.ts';
import { job, meta } from './support/objects.ts';

const sync = job('db_sync', { schemaChange: true, command: ['sync'] });
const newSync = job('db_sync', { schemaChange: true, command: ['sync', '--new'] });
const hashOf = (each: OvercloudServiceSpecJobsItem): string => jobHash('nova-api', each, undefined);

const payload = (role: string, jobs: readonly OvercloudServiceSpecJobsItem[]): RevisionPayload => ({
  overcloud: 'lab',
  role,
  engine: 'Podman',
  services: [{ name: 'nova-api', spec: { jobs } }],
  images: {},
  imagesTag: '',
  registries: [],
  templates: {},
  secrets: {},
  values: {},
});

const host = (
  name: string,
  more: Partial<JobHost> & { readonly jobs?: readonly OvercloudServiceSpecJobsItem[] } = {},
): JobHost => {
  const role = name.replace(/\d+$/, '');
  const { jobs = [sync], ...rest } = more;
  return {
    name,
    role,
    payload: payload(role, jobs),
    revision: { name: 'A', number: 1 },
    moving: true,
    available: true,
    assigned: [],
    assignedFor: 1,
    results: [],
    ...rest,
  };
};
const runs = (each: OvercloudServiceSpecJobsItem): Pick<JobHost, 'assigned'> => ({
  assigned: [{ service: 'nova-api', name: each.name, hash: hashOf(each), action: 'Run' }],
});
const finished = (
  each: OvercloudServiceSpecJobsItem,
  state: 'Succeeded' | 'Failed' | 'Running',
): Pick<JobHost, 'results'> => ({
  results: [
    {
      service: 'nova-api',
      name: each.name,
      hash: hashOf(each),
      state,
      exitCode: state === 'Failed' ? 1 : 0,
      message: 'no database',
    },
  ],
});
const entry = (each: OvercloudServiceSpecJobsItem, more: Partial<LedgerEntry> = {}): Ledger =>
  new Map([
    [
      'nova-api.db_sync',
      { hash: hashOf(each), host: 'ctrl0', exitCode: 0, finishedAt: '', revision: 1, ...more },
    ],
  ]);

const actions = (hosts: readonly JobHost[], ledger: Ledger = new Map()): readonly string[] =>
  [...decideJobs(hosts, ledger).jobs].map(
    ([name, items]) => `${name}: ${items.map(({ action }: HostSpecJobsItem) => action).join() || 'nothing'}`,
  );

describe("a cloud's job", () => {
  const cases: readonly {
    readonly name: string;
    readonly hosts: readonly JobHost[];
    readonly ledger?: Ledger;
    readonly actions: readonly string[];
  }[] = [
    {
      name: 'is run on the first host of the first role that carries it, and the others wait',
      hosts: [host('ctrl0'), host('ctrl1'), host('api0'), host('compute0', { jobs: [] })],
      actions: ['ctrl0: Run', 'ctrl1: Wait', 'api0: Wait', 'compute0: nothing'],
    },
    {
      name: 'is done for all when the ledger says so',
      hosts: [host('ctrl0'), host('ctrl1')],
      ledger: entry(sync),
      actions: ['ctrl0: Done', 'ctrl1: Done'],
    },
    {
      name: 'is done for all when the host that runs it says so',
      hosts: [host('ctrl0', { ...runs(sync), ...finished(sync, 'Succeeded') }), host('ctrl1')],
      actions: ['ctrl0: Done', 'ctrl1: Done'],
    },
    {
      name: 'is not done because of a host that was not told to run it',
      hosts: [host('ctrl0', finished(sync, 'Succeeded')), host('ctrl1')],
      actions: ['ctrl0: Run', 'ctrl1: Wait'],
    },
    {
      name: 'stays with the host that runs it',
      hosts: [host('ctrl0'), host('ctrl1', { ...runs(sync), ...finished(sync, 'Running') })],
      actions: ['ctrl0: Wait', 'ctrl1: Run'],
    },
    {
      name: 'goes to another host when the one that ran it is lost',
      hosts: [host('ctrl0', { ...runs(sync), available: false }), host('ctrl1')],
      actions: ['ctrl0: Wait', 'ctrl1: Run'],
    },
    {
      name: 'is not run again when it comes with a new revision and has not changed',
      hosts: [host('ctrl0', { revision: { name: 'B', number: 2 } })],
      ledger: entry(sync),
      actions: ['ctrl0: Done'],
    },
    {
      name: 'is run again when it has changed',
      hosts: [host('ctrl0', { revision: { name: 'B', number: 2 }, jobs: [newSync] })],
      ledger: entry(sync),
      actions: ['ctrl0: Run'],
    },
    {
      name: 'of a new revision is nothing to hosts that stay on the old one',
      hosts: [
        host('ctrl0', { revision: { name: 'B', number: 2 }, jobs: [newSync] }),
        host('ctrl1', { moving: false }),
        host('api0', { moving: false }),
      ],
      ledger: entry(sync),
      actions: ['ctrl0: Run', 'ctrl1: Done', 'api0: Done'],
    },
    {
      name: 'is run by the first host that moves, if that is not the first of its role',
      hosts: [
        host('ctrl0', { moving: false }),
        host('ctrl1', { revision: { name: 'B', number: 2 }, jobs: [newSync] }),
      ],
      ledger: entry(sync),
      actions: ['ctrl0: Done', 'ctrl1: Run'],
    },
    {
      name: 'that changes a schema is not run on the way back to an older revision',
      hosts: [host('ctrl0')],
      ledger: entry(newSync, { revision: 2 }),
      actions: ['ctrl0: Done'],
    },
    {
      name: 'that changes a schema is run for an older revision when it never was before',
      hosts: [host('ctrl0')],
      actions: ['ctrl0: Run'],
    },
    {
      name: 'is not run again because the ledger was lost, when a host has finished with it',
      hosts: [host('ctrl0', { moving: false }), host('ctrl1')],
      actions: ['ctrl0: Done', 'ctrl1: Done'],
    },
    {
      name: 'is left alone on a host whose revision cannot be read',
      hosts: [host('ctrl0', { payload: undefined, ...runs(sync) })],
      actions: ['ctrl0: Run'],
    },
    {
      name: 'is only what says so, or changes a schema',
      hosts: [
        host('ctrl0', {
          jobs: [
            job('local', { scope: 'Host' }),
            job('prepare', { scope: 'Host', schemaChange: true }),
            sync,
          ],
        }),
      ],
      actions: ['ctrl0: Run'],
    },
  ];
  for (const { name, hosts, ledger, actions: expected } of cases) {
    it(name, () => expect(actions(hosts, ledger)).to.deep.equal(expected));
  }

  it('goes into the ledger with who ran it for which revision', () => {
    const { ledger } = decideJobs(
      [host('ctrl0', { ...runs(sync), ...finished(sync, 'Succeeded'), assignedFor: 7 })],
      new Map(),
    );
    expect(ledger.get('nova-api.db_sync')).to.deep.equal({
      hash: hashOf(sync),
      host: 'ctrl0',
      exitCode: 0,
      finishedAt: '',
      revision: 7,
    });
  });

  it('that fails is said with its host, exit code and last words', () => {
    const { problems } = decideJobs(
      [host('ctrl0', { ...runs(sync), ...finished(sync, 'Failed') })],
      new Map(),
    );
    expect(problems.map(({ message }) => message)).to.deep.equal([
      'job db_sync of service nova-api failed on ctrl0 with exit code 1: no database; it is tried again, correct the service if that does not help',
    ]);
  });

  it('with runPolicy Always runs once for every revision', () => {
    const always = job('smoke', { runPolicy: 'Always' });
    const hashIn = (number: number) => {
      const { jobs } = decideJobs(
        [host('ctrl0', { jobs: [always], revision: { name: `R${String(number)}`, number } })],
        new Map(),
      );
      return jobs.get('ctrl0')?.[0]?.hash;
    };
    expect(hashIn(1)).to.not.equal(hashIn(2));
    expect(hashIn(1)).to.equal(hashIn(1));
  });

  it('counts as not done where the ledger cannot be read', () => {
    const data = {
      'a.b': 'nonsense',
      'a.c': '[]',
      'a.d': '{"hash":"h","host":"x","exitCode":0,"finishedAt":"","revision":3}',
    };
    const ledger = readLedger({ apiVersion: 'v1', kind: 'ConfigMap', metadata: meta('lab-jobs'), data });
    expect([...ledger.keys()]).to.deep.equal(['a.d']);
  });
});
