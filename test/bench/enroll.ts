// How many nodes a minute get from enroll to available: simulated Redfish BMCs, a real API server, the operator as a user runs it.
// What is enrolled stands in the API server before the operator starts, so that creating it takes no part in the time.
import { startRedfishFleet } from '../simulators/redfish-fleet.ts';
import { enrollRound, type Round } from './enroll-round.ts';
import { report } from './report.ts';

const sizes = [500, 2_000, 5_000];
/** metal3-io/baremetal-operator pull request 3489: 800 hosts in 328.3 s. Its authors' figure on their machine, not measured here. */
const quotedHostsPerMinute = 146.2;

export async function enroll(): Promise<void> {
  const chosen = (process.argv[3] ?? sizes.join(',')).split(',').map(Number);
  const rounds: Round[] = [];
  for (const size of chosen) {
    // Each with its own fleet and API server: nothing of one size is in the way of the next.
    const fleet = await startRedfishFleet();
    try {
      rounds.push(await enrollRound(size, fleet));
    } finally {
      await fleet.stop();
    }
    print(rounds.at(-1));
  }
  const figures = Object.fromEntries(
    rounds.flatMap((round) => [
      [`nodes/min at ${String(round.size)}`, perMinute(round)],
      [`seconds at ${String(round.size)}`, round.seconds],
      [`peak RSS MB at ${String(round.size)}`, round.peakMegabytes],
      [`API requests a node, ${String(round.size)}`, round.requests / round.size],
    ]),
  );
  const slope = exponent(rounds);
  report({
    bench: 'enroll',
    unit: 'nodes from enroll to available; the baseline is quoted from metal3, not measured',
    figures: { ...figures, ...(slope === undefined ? {} : { 'exponent of time': slope }) },
    baseline: { 'nodes/min at 800 (quoted)': quotedHostsPerMinute },
    ratio: {},
    target: '600 nodes/min or more at each size, exponent 1.1 or less',
  });
}

const perMinute = ({ size, seconds }: Round): number => (size / seconds) * 60;

function print(round: Round | undefined): void {
  if (round === undefined) return;
  const {
    size,
    seconds,
    half,
    peakMegabytes,
    endMegabytes,
    cpuSeconds,
    machineSeconds,
    requests,
    byMethod,
    conflicts,
    bmcRequests,
  } = round;
  const methods = Object.entries(byMethod).map(([method, count]) => `${method} ${(count / size).toFixed(2)}`);
  console.log(
    `${String(size)} nodes: ${seconds.toFixed(1)} s (half of them ${half.toFixed(1)} s), ${perMinute(round).toFixed(0)} a minute; ` +
      `operator ${cpuSeconds.toFixed(1)} s of CPU (all on the machine ${machineSeconds.toFixed(1)} s), ${peakMegabytes.toFixed(0)} MB at most, ${endMegabytes.toFixed(0)} MB at the end; ` +
      `a node: ${(requests / size).toFixed(2)} API requests (${methods.join(', ')}; ${(conflicts / size).toFixed(2)} of them conflicts), ${(bmcRequests / size).toFixed(1)} to its BMC`,
  );
}

/** Of the fit of time over nodes, both as logarithms, by least squares; undefined for less than two sizes. */
function exponent(rounds: readonly Round[]): number | undefined {
  if (rounds.length < 2) return undefined;
  const points = rounds.map(({ size, seconds }) => [Math.log(size), Math.log(seconds)] as const);
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
