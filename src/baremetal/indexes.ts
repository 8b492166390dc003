// How this room finds objects in the cache without going through all of them.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import type { Index } from '../kube/index.ts';

/** `namespace/name` of the node that a Host asks for. */
export const hostsByNode: Index<Host> = ({ metadata, spec }) => `${metadata.namespace}/${spec.nodeName}`;

export const nodesByUid: Index<BareMetalNode> = ({ metadata }) => metadata.uid;

/** In lower case. */
export const nodesByMac: Index<BareMetalNode> = ({ spec }) => spec.bootMACAddress?.toLowerCase();
