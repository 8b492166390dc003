// Runs one benchmark by name. Each sets up what it needs, and takes it down again.
// usage: npm run bench -- bmc|controller|enroll|mirror|swap
import { bmc } from './bmc.ts';
import { controller } from './controller.ts';
import { enroll } from './enroll.ts';
import { mirror } from './mirror.ts';
import { swap } from './swap.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = { bmc, controller, enroll, mirror, swap };
const name = process.argv[2] ?? '';
const bench = benches[name];
if (bench === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join('|')}`);
  process.exit(2);
}
await bench();
