// Compiles a revision, the facts of the cloud and of this host into everything that should be on it. Pure: same input, same
// manifest.
import type { Host } from '../api/host.gen.ts';
import type { RevisionPayload } from '../api/revision.ts';
import type { Topology } from '../api/topology.ts';
import { terminal } from '../kernel/errors.ts';
import { manifestContainer, type ContainerContext } from './manifest/containers.ts';
import { kollaVolumes, serviceDirectories, serviceFiles, type LooseFile } from './manifest/files.ts';
import { manifestJob } from './manifest/jobs.ts';
import { volumeSource } from './manifest/paths.ts';
import { templateScope, type SecretValues } from './manifest/scope.ts';
import { byPlace, type Manifest, type ManifestFile } from './manifest/types.ts';
import { unsupportedOf } from './manifest/unsupported.ts';
import { registriesFor, registryFiles, type RegistryCertificates } from './registries.ts';

export interface ManifestInput {
  /** The ControllerRevision's name. */
  readonly revision: string;
  readonly payload: RevisionPayload;
  readonly topology: Topology;
  readonly host: Host;
  /** By `<secret>/<key>`, decoded: all that `secretsOf(payload)` names. */
  readonly secrets: SecretValues;
  /** Of the registries of the revision and of those that images are pulled ahead from. */
  readonly certificates: RegistryCertificates;
}

/** What we write on a host and on its containers to know them again. */
export const ownerOf = (host: Host): string =>
  `${host.metadata.namespace}/${host.spec.overcloudName}/${host.metadata.name}`;

/** Throws terminal OperatorErrors that name the service and the thing in it that cannot be compiled. */
export function compileManifest(input: ManifestInput): Manifest {
  const { payload, host, secrets } = input;
  const scope = templateScope(payload, input.topology, host, secrets);
  const containers = payload.services.flatMap((service) =>
    (service.spec.containers ?? []).map((item) => manifestContainer(contextOf(input, service), item)),
  );
  const jobs = payload.services.flatMap((service) =>
    (service.spec.jobs ?? []).map((item) =>
      manifestJob(contextOf(input, service), item, host, input.revision),
    ),
  );
  refuseDuplicates([...containers, ...jobs.filter(({ work }) => work.kind === 'container')]);
  const jobSpecs = jobs.flatMap(({ work }) => (work.kind === 'container' ? [work.spec] : []));
  const sources = [...containers.map(({ spec }) => spec), ...jobSpecs].flatMap(({ volumes }) =>
    volumes.map(volumeSource),
  );
  const files = [
    ...registryFiles(
      payload.engine,
      registriesFor(payload.registries, host.spec.prePull?.registries),
      input.certificates,
    ),
    ...serviceFiles({ payload, scope, secrets }),
  ];
  return {
    owner: ownerOf(host),
    revision: input.revision,
    imagesTag: payload.imagesTag,
    directories: serviceDirectories(payload),
    files: files.map((file) => placed(file, sources)),
    containers: containers.toSorted(byPlace),
    jobs: jobs.toSorted(byPlace),
    unsupported: payload.services.flatMap(({ name, spec }) => unsupportedOf(name, spec)),
  };
}

const contextOf = (input: ManifestInput, service: RevisionPayload['services'][number]): ContainerContext => ({
  payload: input.payload,
  service: service.name,
  owner: ownerOf(input.host),
  secrets: input.secrets,
  kollaVolumes: (container) => kollaVolumes(service, container),
});

/** A file that is mounted by itself keeps its inode: the mount would go on showing the old one. */
const placed = (file: LooseFile, sources: readonly string[]): ManifestFile => ({
  ...file,
  inPlace: sources.includes(file.path),
});

function refuseDuplicates(named: readonly { readonly name: string; readonly service: string }[]): void {
  const services = new Map<string, string>();
  for (const { name, service } of named) {
    const former = services.get(name);
    if (former !== undefined) {
      throw terminal(
        'DuplicateContainer',
        `services ${former} and ${service} both have a container or job ${name}: rename one of them, or take one service off the role`,
      );
    }
    services.set(name, service);
  }
}
