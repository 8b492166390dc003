// A cluster in memory for the commands about image sets: what is applied is merged, and what was applied can be looked at.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Cluster, Draft } from '../../../src/cli/cluster.ts';
import type { Outside } from '../../../src/cli/outside/port.ts';
import { run } from '../../../src/cli/run.ts';
import { terminal } from '../../../src/kernel/errors.ts';
import type { KubeObject, Resource } from '../../../src/kube/objects.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface World {
  /** Files by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** What is typed at the terminal; undefined: there is none. */
  readonly answer?: string;
  /** Objects by `Kind name`; changed by what is applied. */
  readonly objects?: Map<string, Json>;
  /** Thrown for an object, by `Kind name`. */
  readonly refused?: ReadonlyMap<string, Error>;
}

const fixtures = path.resolve(import.meta.dirname, '../../fixtures/images/tripleo');

/** A file of TripleO's, as it stands. */
export const fixture = (name: string): string => readFileSync(path.join(fixtures, name), 'utf8');

/** Runs the command line `args` in `world`, in namespace lab. */
export async function runIn(world: World, ...args: readonly string[]): Promise<Outcome> {
  let out = '';
  let err = '';
  const outside: Outside = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    progress: () => undefined,
    ask: () => Promise.resolve(world.answer),
    readText(name) {
      const text = world.files?.[name];
      if (text === undefined) throw terminal('FileUnreadable', `cannot read ${name}: it is not there`);
      return Promise.resolve(text);
    },
    openFile: () => Promise.reject(new Error('no files are opened')),
    openUrl: () => Promise.reject(new Error('no URLs are opened')),
    sizeOfUrl: () => Promise.resolve(undefined),
    connect: () => ({ ...clusterOf(world), close: () => Promise.resolve() }),
  };
  const code = await run(args, outside);
  return { code, out, err };
}

function clusterOf({ objects = new Map(), refused }: World): Cluster {
  const keyFor = ({ kind }: Resource, name: string): string => `${kind} ${name}`;
  return {
    namespace: 'lab',
    get: <T extends KubeObject>(resource: Resource<T>, { name }: { readonly name: string }) =>
      Promise.resolve(objects.get(keyFor(resource, name)) as unknown as T | undefined),
    list: <T extends KubeObject>(resource: Resource<T>) => {
      const all = [...objects].filter(([key]) => key.startsWith(`${resource.kind} `));
      return Promise.resolve(all.map(([, object]) => object) as unknown as readonly T[]);
    },
    apply<T extends KubeObject>(...[resource, draft, { dryRun }]: Parameters<Cluster['apply']>) {
      const key = keyFor(resource, draft.metadata.name);
      const error = refused?.get(key);
      if (error !== undefined) return Promise.reject(error);
      const after = mergedInto(objects.get(key), draft);
      if (!dryRun) objects.set(key, after);
      return Promise.resolve(after as unknown as T);
    },
  };
}

/** As far as these tests need it: top-level members are replaced, metadata is merged. */
function mergedInto(before: Json | undefined, draft: Draft): Json {
  const metadata = { ...(before?.metadata as object | undefined), ...draft.metadata };
  return { ...before, ...draft, metadata };
}
