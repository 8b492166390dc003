// Nodes and Hosts as a client that we did not write sees them: @kubernetes/client-node's watch, with all that they were.
import { KubeConfig, Watch } from '@kubernetes/client-node';
import type { BareMetalNode } from '../../../src/api/baremetalnode.gen.ts';
import type { Host } from '../../../src/api/host.gen.ts';
import { eventually } from '../../support/wait.ts';
import { namespace } from './manifests.ts';

export interface Watched {
  node(name: string): BareMetalNode | undefined;
  host(name: string): Host | undefined;
  /** Every version of a node that was seen, the oldest first. */
  history(name: string): readonly BareMetalNode[];
  /** Until the node is like that; says how it is when it never comes. */
  until(
    name: string,
    what: string,
    seconds: number,
    so: (node: BareMetalNode) => boolean,
  ): Promise<BareMetalNode>;
  untilState(name: string, state: string, seconds: number): Promise<BareMetalNode>;
  untilGone(host: string, seconds: number): Promise<void>;
  close(): Promise<void>;
}

export function watchSite(kubeconfig: string): Watched {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const histories = new Map<string, BareMetalNode[]>();
  const nodes = new Map<string, BareMetalNode>();
  const hosts = new Map<string, Host>();
  const stop = new AbortController();

  const follow = async (plural: string, onEvent: (kind: string, object: unknown) => void): Promise<void> => {
    const path = `/apis/undercloud.dev/v1alpha1/namespaces/${namespace}/${plural}`;
    while (!stop.signal.aborted) {
      const ended = Promise.withResolvers<undefined>();
      const request = await new Watch(config).watch(path, {}, onEvent, () => ended.resolve(undefined));
      const stopped = AbortSignal.any([stop.signal, request.signal]);
      stopped.addEventListener('abort', () => ended.resolve(undefined));
      await ended.promise;
      request.abort();
    }
  };
  const done = Promise.all([
    follow('baremetalnodes', (kind, object) => {
      const node = object as BareMetalNode;
      const { name } = node.metadata;
      if (kind === 'DELETED') nodes.delete(name);
      else nodes.set(name, node);
      histories.set(name, [...(histories.get(name) ?? []), node]);
    }),
    follow('hosts', (kind, object) => {
      const host = object as Host;
      if (kind === 'DELETED') hosts.delete(host.metadata.name);
      else hosts.set(host.metadata.name, host);
    }),
  ]);

  const until: Watched['until'] = (name, what, seconds, so) =>
    eventually(
      `BareMetalNode ${name}: ${what}`,
      seconds,
      () => {
        const node = nodes.get(name);
        return Promise.resolve(node !== undefined && so(node) ? node : undefined);
      },
      () => Promise.resolve(JSON.stringify(nodes.get(name)?.status, undefined, 1)),
    );
  return {
    node: (name) => nodes.get(name),
    host: (name) => hosts.get(name),
    history: (name) => histories.get(name) ?? [],
    until,
    untilState: (name, state, seconds) =>
      until(name, `is ${state}`, seconds, ({ status }) => status?.state === state),
    async untilGone(host, seconds) {
      await eventually(`Host ${host} is gone`, seconds, () =>
        Promise.resolve(hosts.has(host) ? undefined : true),
      );
    },
    async close() {
      stop.abort();
      await done;
    },
  };
}
