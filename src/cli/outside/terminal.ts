// The real outside: this process's streams, its files, the web, and the cluster of its kubeconfig.
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { systemClock } from '../../kernel/clock.ts';
import { isAbort, messageOf, terminal } from '../../kernel/errors.ts';
import { loadAccess } from '../../kube/access.ts';
import { createApiServer } from '../../kube/http.ts';
import { createCluster } from '../cluster.ts';
import type { Outside, Source } from './port.ts';
import { openUrl, sizeOfUrl } from './web.ts';

export function createTerminal(): Outside {
  return {
    out: (line) => void process.stdout.write(line),
    err: (line) => void process.stderr.write(line),
    progress(line) {
      // To the line's start, and what is to the right of it cleared (ECMA-48: CR, EL).
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
    },
    ask,
    readText: (path) => reading(path, () => (path === '-' ? text(process.stdin) : readFile(path, 'utf8'))),
    openFile,
    openUrl,
    sizeOfUrl,
    connect(kubeconfig) {
      const access = loadAccess(kubeconfig === undefined ? {} : { kubeconfig }, systemClock);
      const cluster = createCluster(createApiServer(access), access.namespace);
      return { ...cluster, close: () => access.close() };
    },
  };
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } catch (error) {
    // Ctrl-C and Ctrl-D: nothing was typed.
    if (!isAbort(error)) throw error;
    process.stderr.write('\n');
    return '';
  } finally {
    lines.close();
  }
}

async function openFile(path: string): Promise<Source> {
  const { size } = await reading(path, () => stat(path));
  return { size, chunks: chunksOf(path) };
}

async function* chunksOf(path: string): AsyncIterable<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, error: unknown) =>
  terminal(
    'FileUnreadable',
    `cannot read ${path === '-' ? 'standard input' : path}: ${messageOf(error)}`,
    error,
  );
