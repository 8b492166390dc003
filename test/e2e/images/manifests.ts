// The objects that people write: a cloud whose roles need the seed's images, and image sets.
import type { ContainerImageSetSpec } from '../../../src/api/containerimageset.gen.ts';
import { roles } from './seed.ts';

export const namespace = 'images';
const apiVersion = 'undercloud.dev/v1alpha1';

export interface Named {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** What may be left to the API server to fill in. */
type Draft<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Draft<T[K]> }
    : T;

export const imageSet = <S extends Draft<ContainerImageSetSpec>>(
  name: string,
  spec: S,
): Named & { readonly spec: S } => ({
  apiVersion,
  kind: 'ContainerImageSet',
  metadata: { name },
  spec,
});

export const secret = (name: string, type: string, stringData: Readonly<Record<string, string>>): Named => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type },
  ...{ stringData },
});

export const configMap = (name: string, data: Readonly<Record<string, string>>): Named => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } },
  ...{ data },
});

/** There are no machines for it: which images it needs is known all the same. */
export const cloudOf = (imageSetName: string): readonly Named[] => [
  ...roles.map(({ name, services }) => ({
    apiVersion,
    kind: 'Role',
    metadata: { name },
    spec: { services, networks: ['ctlplane'], hostnameFormat: `%overcloud%-${name}-%index%` },
  })),
  {
    apiVersion,
    kind: 'Overcloud',
    metadata: { name: 'overcloud' },
    spec: {
      imageSetName,
      deletionPolicy: 'Retain',
      roles: roles.map(({ name, count }) => ({ role: name, count })),
      ssh: { user: 'heat-admin', keyName: 'overcloud-ssh' },
    },
  } as Named,
];
