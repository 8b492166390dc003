// What is applied for a node of the file: a Secret with the BMC's account, and a BareMetalNode.
import { bareMetalNodes } from '../../api/baremetalnode.gen.ts';
import { group } from '../../api/names.ts';
import type { Draft } from '../cluster.ts';
import type { ImportedNode } from './node.ts';

export interface Drafts {
  readonly secret: Draft;
  readonly node: Draft;
}

/** `name`: the object's, which is not the file's when the node was found by another. */
export function draftsOf(imported: ImportedNode, name: string, namespace: string): Drafts {
  const credentialsName = `${name}-bmc`;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    secret: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: credentialsName, namespace },
      type: 'Opaque',
      data: { username: base64(imported.username), password: base64(imported.password) },
    },
    node: {
      apiVersion: `${group}/${bareMetalNodes.version}`,
      kind: bareMetalNodes.kind,
      metadata: { name, namespace },
      spec: {
        bmc: {
          address: imported.bmcAddress,
          credentialsName,
          ...(imported.insecure ? { tls: { insecureSkipVerify: true } } : {}),
        },
        ...imported.spec,
      },
    },
  };
}
