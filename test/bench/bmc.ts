// The power state of a fleet, cold (with logins) and warm (in kept sessions): IPMI beside ipmitool, Redfish beside curl.
import { spawn } from 'node:child_process';
import { createBmcConnector } from '../../src/baremetal/bmc/connect.ts';
import { parseBmcAddress } from '../../src/baremetal/bmc/address.ts';
import { createBmcPool, type BmcPool } from '../../src/baremetal/bmc/pool.ts';
import type { BmcTarget } from '../../src/baremetal/bmc/port.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { startIpmiFleet } from '../simulators/ipmi-fleet.ts';
import { startRedfishFleet } from '../simulators/redfish-fleet.ts';
import { inParallel } from './raw.ts';
import { quantile, report } from './report.ts';

const fleetSize = 2000;
/** Of the baseline, which runs a process for each. */
const sampleSize = 100;
/** How many of them run at once: of ipmitool, by the pool's own bound. */
const processes = 32;
const commandMs = 60_000;
/** Longer than a Redfish connection is kept: the operator's next poll comes when they are closed, and so does the warm pass. */
const keptOverMs = 2_000;
const { signal } = new AbortController();

interface Pass {
  readonly seconds: number;
  /** Milliseconds of each command, without the wait for its turn. */
  readonly commands: readonly number[];
}

async function timed(work: (commands: number[]) => Promise<void>): Promise<Pass> {
  const commands: number[] = [];
  const start = performance.now();
  await work(commands);
  return { seconds: (performance.now() - start) / 1000, commands };
}

/** Asks every target for its power at once, as the operator's poll does; the pool decides how many are under way. */
const pollAll = (pool: BmcPool, targets: readonly BmcTarget[]): Promise<Pass> =>
  timed(async (commands) => {
    await Promise.all(
      targets.map(async (target, index) => {
        const state = await pool.run(String(index), target, commandMs, signal, async (bmc, bounded) => {
          const start = performance.now();
          const power = await bmc.power(bounded);
          commands.push(performance.now() - start);
          return power;
        });
        if (state === 'Unknown') throw new Error(`${target.address.text} does not say`);
      }),
    );
  });

interface Measured {
  readonly cold: Pass;
  readonly warm: Pass;
  readonly rssMb: number;
  readonly rssGrowthMb: number;
}

const rssMb = (): number => process.memoryUsage().rss / 1e6;

/** `restMs`: between the two passes. */
async function measure(targets: readonly BmcTarget[], restMs = 0): Promise<Measured> {
  const pool = createBmcPool({ clock: systemClock, connect: createBmcConnector(systemClock) });
  const before = rssMb();
  const cold = await pollAll(pool, targets);
  await systemClock.sleep(restMs);
  const warm = await pollAll(pool, targets);
  const after = rssMb();
  await pool.close();
  return { cold, warm, rssMb: after, rssGrowthMb: after - before };
}

const targetOf = (address: string, username: string, password: string): BmcTarget => ({
  address: parseBmcAddress(address),
  username,
  password,
  trust: { kind: 'system' },
});

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

function figuresOf(name: string, pass: Pass, count: number): Record<string, number> {
  return {
    [`${name} all, s`]: (pass.seconds / pass.commands.length) * count,
    [`${name} a second`]: pass.commands.length / pass.seconds,
    [`${name} p50 ms`]: quantile(pass.commands, 0.5),
    [`${name} p99 ms`]: quantile(pass.commands, 0.99),
  };
}

function tell(
  what: string,
  ours: Measured,
  baseline: Readonly<Record<string, number>>,
  target: string,
): void {
  const figures: Readonly<Record<string, number>> = {
    ...figuresOf('cold', ours.cold, fleetSize),
    ...figuresOf('warm', ours.warm, fleetSize),
    'RSS, MB': ours.rssMb,
    'RSS growth, MB': ours.rssGrowthMb,
  };
  const ratio = Object.fromEntries(
    ['cold a second', 'warm a second'].map((name) => [
      name,
      (figures[name] ?? NaN) / (baseline[name] ?? NaN),
    ]),
  );
  report({ bench: `bmc, ${what}`, unit: `${fleetSize} BMCs`, figures, baseline, ratio, target });
}

async function ipmi(): Promise<void> {
  const fleet = await startIpmiFleet(fleetSize);
  try {
    const targets = (scheme: string, count: number) =>
      range(count).map((index) =>
        targetOf(`${scheme}://${fleet.place(index)}`, fleet.username, fleet.password),
      );
    const ours = await measure(targets('ipmi', fleetSize));
    // The same pool and the same BMCs; only the driver differs. ipmitool has no sessions to keep: it is always cold.
    const connect = createBmcConnector(systemClock);
    const pool = createBmcPool({ clock: systemClock, connect });
    const theirs = await pollAll(pool, targets('ipmitool', sampleSize));
    await pool.close();
    const baseline = { ...figuresOf('cold', theirs, fleetSize), ...figuresOf('warm', theirs, fleetSize) };
    const target = `cold all <= 5 s, 20 times ipmitool (${sampleSize} BMCs, ${processes} at a time; its "all" is extrapolated)`;
    tell('IPMI, cipher suite 17', ours, baseline, target);
  } finally {
    await fleet.stop();
  }
}

/** One process of curl for each machine: the same documents, with Basic authentication in the place of a session. */
function curl(urls: readonly string[], username: string, password: string): Promise<void> {
  const config = [
    `user = "${username}:${password}"`,
    ...urls.map((url) => `url = "${url}"\noutput = "/dev/null"`),
  ];
  const child = spawn('curl', ['--silent', '--fail', '--config', '-'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(config.join('\n'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`curl exits ${String(code)}`))));
  });
}

async function redfish(): Promise<void> {
  const fleet = await startRedfishFleet();
  try {
    const members = range(fleetSize).map((index) => fleet.member(index));
    const ours = await measure(
      members.map(({ address, username, password }) => targetOf(address, username, password)),
      keptOverMs,
    );
    const curlPass = (paths: readonly string[]) =>
      timed((commands) =>
        inParallel(members.slice(0, sampleSize), processes, async ({ address, username, password }) => {
          const { origin } = new URL(address.replace('redfish+http', 'http'));
          const start = performance.now();
          await curl(
            paths.map((path) => `${origin}${path}`),
            username,
            password,
          );
          commands.push(performance.now() - start);
        }),
      );
    const system = '/redfish/v1/Systems/1';
    const baseline = {
      ...figuresOf('cold', await curlPass(['/redfish/v1/', system]), fleetSize),
      ...figuresOf('warm', await curlPass([system]), fleetSize),
    };
    const target = `cold all <= 5 s, 20 times curl (${sampleSize} BMCs, ${processes} at a time; its "all" is extrapolated)`;
    tell('Redfish, plain HTTP', ours, baseline, target);
  } finally {
    await fleet.stop();
  }
}

export async function bmc(): Promise<void> {
  await ipmi();
  await redfish();
}
