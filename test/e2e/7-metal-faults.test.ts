// What goes wrong while a machine is installed, over the wire: each is said in words, nothing wrong is written, and each recovers.
import { expect } from 'chai';
import { startNetwork } from '../integration/baremetal/ipmi-network.ts';
import { createMachineWeb } from '../simulators/machine-web.ts';
import { enrolIpmi, type IpmiMachine } from './bare-metal/machines.ts';
import { bmcSecret } from './bare-metal/manifests.ts';
import { type Site, theSite } from './bare-metal/site.ts';
import * as walk from './bare-metal/walk.ts';

const never = new AbortController().signal;
/** Boots slowly enough for what is said meanwhile to be seen. */
const slow = { boot: 9000, step: 300, heartbeat: 1000 };

interface Story {
  readonly what: string;
  readonly options?: Parameters<typeof enrolIpmi>[2];
  /** What goes wrong once the machine was inspected. */
  readonly faults?: IpmiMachine['machine']['faults'];
  /** From the moment on when a host asks for it. */
  tell(site: Site, of: IpmiMachine): Promise<void>;
}

/** By the name of the node; all are told at the same time, because some take a minute. */
const stories: Readonly<Record<string, Story>> = {
  forged: {
    what: 'a forged heartbeat is turned away and said, and the deployment goes on',
    options: { speed: slow },
    async tell(site, of) {
      const node = await says(site, of, /boots, and waits for its firmware/);
      const forged = await ask(site, '127.0.71.2', 'POST', `/v1/heartbeat/${node.metadata.uid}`, {
        callback_url: 'https://127.0.71.2:9999',
        agent_token: 'x'.repeat(43),
        agent_version: '10.2.0',
        agent_verify_ca: '-----BEGIN CERTIFICATE-----',
      });
      expect(forged.status).to.equal(401);
      await says(site, of, /an agent at 127\.0\.71\.2 beats with a wrong token/);
    },
  },
  second: {
    what: 'a second agent with the same MAC address gets no token, and is said; a machine that is switched off meanwhile is booted anew',
    faults: { diesAfterLookup: true },
    async tell(site, of) {
      const { machine } = of;
      await says(site, of, /was looked up by its agent, and waits for the first heartbeat/);
      const lookup = `/v1/lookup?addresses=${machine.macs[0] ?? ''}`;
      const second = await ask(site, '127.0.71.3', 'GET', lookup);
      expect(second.status).to.equal(409);
      expect(second.text).to.not.contain('token');
      const node = await says(
        site,
        of,
        /a second agent with a MAC address of second speaks from 127\.0\.71\.3/,
      );
      expect(node.status?.state).to.equal('deploying');
      machine.faults.diesAfterLookup = false;
      machine.powerOff();
      expect((await failure(site, of, 100)).reason).to.equal('PowerLost');
    },
  },
  token: {
    what: 'an agent with a wrong token is said, and heard once it has the right one',
    faults: { wrongToken: true },
    async tell(site, of) {
      const node = await says(site, of, /agent at 127\.0\.70\.\d+ beats with a wrong token/);
      expect(node.status?.state).to.equal('deploying');
      expect(of.machine.commands).to.deep.equal([]);
      of.machine.faults.wrongToken = false;
    },
  },
  damaged: {
    what: 'an image with the wrong checksum is never started',
    faults: { checksumWrong: true },
    async tell(site, of) {
      await isNotStarted(site, of, 'ImageChecksumWrong', /checksum/);
      of.machine.faults.checksumWrong = false;
    },
  },
  small: {
    what: 'an image that is too large for the disk is never started',
    faults: { diskTooSmall: true },
    async tell(site, of) {
      await isNotStarted(site, of, 'DiskTooSmall', /no room for the image/);
      of.machine.faults.diskTooSmall = false;
    },
  },
  dead: {
    what: 'an agent that dies half-way, and its machine with it, is booted anew',
    faults: { diesInWrite: 500 },
    async tell(site, of) {
      const { machine } = of;
      await says(site, of, /waits for its agent to answer/);
      expect(machine.disk.image).to.equal(undefined);
      delete machine.faults.diesInWrite;
      machine.powerOff();
      expect((await failure(site, of, 100)).reason).to.equal('PowerLost');
    },
  },
  lossy: {
    what: 'a BMC of whose packets 30 % are lost does what it should all the same',
    options: { port: throughLosses },
    async tell(_site, of) {
      await walk.becomesActive(of, 'lossy-0');
      expect(lost()).to.be.at.least(20);
      expect(walk.writesOf(of.machine)).to.equal(1);
    },
  },
};

let lost: () => number = () => 0;

async function throughLosses(real: number): Promise<number> {
  const network = await startNetwork(real, { loses: 0.3, seed: 7 });
  (await theSite()).onEnd(() => {
    network.close();
    return Promise.resolve();
  });
  lost = () => network.lost();
  return network.port;
}

const says = (site: Site, { name }: IpmiMachine, what: RegExp) =>
  site.watched.until(name, `says ${what.source}`, 60, ({ status }) => what.test(status?.stateReason ?? ''));

/** Why its state became error. */
async function failure(site: Site, { name }: IpmiMachine, seconds: number) {
  const node = await site.watched.untilState(name, 'error', seconds);
  expect(node.status).to.include({ errorFrom: 'deploying', errorCount: 1 });
  expect(node.status?.stateReason).to.match(/try 2 begins at 20\d\d-/);
  const stalled = walk.conditionOf(node, 'Stalled');
  expect(stalled?.status).to.equal('True');
  return { reason: stalled?.reason, message: stalled?.message };
}

async function isNotStarted(site: Site, of: IpmiMachine, reason: string, words: RegExp): Promise<void> {
  const said = await failure(site, of, 60);
  expect(said.reason).to.equal(reason);
  expect(said.message).to.match(words);
  expect(of.machine.log.join('\n')).to.not.contain('runs the system');
  expect(of.machine.log.join('\n')).to.not.contain('boots from Disk');
}

/** Of a node whose Secret has the wrong password when it is enrolled. */
async function wrongPassword(site: Site): Promise<void> {
  const of = await enrolIpmi(site, 'password', { password: 'wrong' });
  const node = await site.watched.untilState('password', 'error', 60);
  expect(walk.conditionOf(node, 'Manageable')).to.include({ status: 'False', reason: 'BMCAuthFailed' });
  expect(node.status?.stateReason).to.match(/correct username or password in Secret password-bmc/);
  expect(of.bmc.presses).to.deep.equal([]);
  await site.apply(bmcSecret('password', of.bmc.username, of.bmc.password));
  await walk.becomesAvailable(of);
}

/** As another machine on the same network. */
async function ask(site: Site, from: string, method: 'GET' | 'POST', path: string, body?: object) {
  const web = createMachineWeb(from);
  try {
    return await web.call(method, `${site.agentUrl}${path}`, { body, signal: never });
  } finally {
    await web.close();
  }
}

describe('what goes wrong with a machine that we install', function () {
  this.timeout(150_000);
  let site: Site;
  const told = new Map<string, Promise<void>>();

  before(async () => {
    site = await theSite();
    const named = Object.entries(stories);
    remember('password', wrongPassword(site));
    const machines = await Promise.all(named.map(([name, { options }]) => enrolIpmi(site, name, options)));
    await Promise.all(machines.map((machine) => walk.becomesAvailable(machine)));
    for (const machine of machines) {
      const story = stories[machine.name];
      if (story === undefined) continue;
      Object.assign(machine.machine.faults, story.faults);
      remember(machine.name, begin(machine, story));
    }
  });

  /** Its own test waits for it. */
  const remember = (name: string, ending: Promise<void>): void => {
    ending.catch(() => undefined);
    told.set(name, ending);
  };
  const begin = async (of: IpmiMachine, story: Story): Promise<void> => {
    await walk.isAskedFor(of, `${of.name}-0`);
    await story.tell(site, of);
    await walk.becomesActive(of, `${of.name}-0`);
  };

  it('a machine that nobody awaits gets nothing, and learns of no other', async () => {
    const lookup = await ask(site, '127.0.71.1', 'GET', '/v1/lookup?addresses=52:54:00:99:99:99');
    expect(lookup.status).to.equal(404);
    expect(lookup.text).to.not.match(new RegExp(`token|${Object.keys(stories).join('|')}`));
    const beat = await ask(
      site,
      '127.0.71.1',
      'POST',
      '/v1/heartbeat/00000000-0000-4000-8000-000000000000',
      {},
    );
    expect(beat.status).to.equal(404);
  });

  for (const [name, { what }] of Object.entries(stories)) {
    it(what, async () => {
      await told.get(name);
    });
  }

  it('a wrong password is said, nothing is powered, and the right one is taken by itself', async () => {
    await told.get('password');
  });
});
