// Shows a cloud coming up, a line for each thing that moved, and ends when it is Ready (exit 0) or out of time (exit 1).
// usage: node hack/progress.ts --namespace lab --overcloud lab [--timeout 900]
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';

interface Seen {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message: string;
    }[];
    readonly state?: string;
    readonly power?: string;
    readonly images?: string;
    readonly progress?: { readonly step?: number };
    readonly containers?: { readonly summary?: string };
    readonly hosts?: { readonly summary?: string };
    readonly step?: string;
  };
}

const { values } = parseArgs({
  options: {
    namespace: { type: 'string', default: 'lab' },
    overcloud: { type: 'string', default: 'lab' },
    timeout: { type: 'string', default: '900' },
  },
});

const run = promisify(execFile);
const began = performance.now();
const seconds = (): number => Math.round((performance.now() - began) / 1000);

type Status = NonNullable<Seen['status']>;

/** What a person wants to know of each kind while it moves. */
const facts: Readonly<Record<string, (status: Status) => readonly (string | undefined)[]>> = {
  BareMetalNode: ({ state, power }) => [state, power && `power ${power}`],
  ContainerImageSet: ({ images }) => [images && `${images} images`],
  Host: ({ progress, containers }) => [
    progress?.step === undefined ? undefined : `step ${String(progress.step)}/5`,
    containers?.summary && `${containers.summary} containers`,
  ],
  Overcloud: ({ hosts, step }) => [hosts?.summary && `${hosts.summary} hosts`, step && `step ${step}`],
};

/** One line. */
function describe({ kind, status = {} }: Seen): string {
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  const verdict = ready?.status === 'True' ? 'ready' : ready?.message;
  return [...(facts[kind]?.(status) ?? []), verdict].filter(Boolean).join(', ');
}

async function look(): Promise<readonly Seen[]> {
  const what = ['bmn,cis,hosts.undercloud.dev,ovc', '-n', values.namespace, '-o', 'json'];
  const { stdout } = await run('kubectl', ['get', ...what, '--request-timeout=30s'], { maxBuffer: 2 ** 26 });
  return (JSON.parse(stdout) as { readonly items: readonly Seen[] }).items;
}

/** What `kubectl` says now, or why it says nothing: one answer that fails is no reason to stop looking. */
async function lookOrSay(): Promise<readonly Seen[]> {
  try {
    return await look();
  } catch (error) {
    const why = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    show('kubectl', why.replaceAll(/\s+/g, ' ').trim());
    return [];
  }
}

const isReady = (object: Seen): boolean =>
  object.kind === 'Overcloud' &&
  object.metadata.name === values.overcloud &&
  (object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false);

const last = new Map<string, string>();

function report(object: Seen): void {
  const name = `${object.kind}/${object.metadata.name}`;
  show(name, describe(object));
}

/** The same text again is not news. */
function show(name: string, text: string): void {
  if (text === '' || last.get(name) === text) return;
  last.set(name, text);
  const columns = process.stdout.isTTY ? process.stdout.columns : 160;
  console.log(`${String(seconds()).padStart(4)}s  ${name.padEnd(36)} ${text}`.slice(0, columns));
}

while (seconds() < Number(values.timeout)) {
  const objects = await lookOrSay();
  objects.forEach(report);
  if (objects.some(isReady)) {
    console.log(`${String(seconds()).padStart(4)}s  the cloud is Ready`);
    process.exit(0);
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
console.error(
  `overcloud ${values.overcloud} is not Ready after ${values.timeout} s: ${last.get(`Overcloud/${values.overcloud}`) ?? 'nothing is known of it'}`,
);
process.exit(1);
