// How this room finds objects in the cache without going through all of them.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import type { Index } from '../kube/index.ts';

/** `namespace/name` of the node that a Host asks for. */
export const hostsByNode: Index<Host> = ({ metadata, spec }) => `${metadata.namespace}/${spec.nodeName}`;

export const nodesByUid: Index<BareMetalNode> = ({ metadata }) => metadata.uid;

/** In lower case. */
export const nodesByMac: Index<BareMetalNode> = ({ spec }) => spec.bootMACAddress?.toLowerCase();

/** Host and port of the BMC; undefined for an address that cannot be read. */
export function bmcKeyOf({ spec }: BareMetalNode): string | undefined {
  const rest = /^[a-z+-]+:\/\/([^/]+)/.exec(spec.bmc.address)?.[1];
  const scheme = spec.bmc.address.split(':')[0] ?? '';
  if (rest === undefined) return undefined;
  const usual = scheme.startsWith('ipmi') ? 623 : scheme.endsWith('+http') ? 80 : 443;
  return /:\d+$/.test(rest.replace(/^\[.*\]/, '')) ? rest : `${rest}:${usual}`;
}

export const nodesByBmc: Index<BareMetalNode> = (node) => bmcKeyOf(node);
