// The files and directories of a role's services: rendered, placed, and refused where two services disagree. Pure.
import { sha256 } from '../../api/canonical.ts';
import { hostPaths } from '../../api/names.ts';
import type {
  OvercloudServiceSpec,
  OvercloudServiceSpecConfigFilesItem,
} from '../../api/overcloudservice.gen.ts';
import type { RevisionPayload } from '../../api/revision.ts';
import { terminal } from '../../kernel/errors.ts';
import { kollaConfig } from './kolla.ts';
import { configVolumePath, kollaConfigJson, kollaSource, targetPath } from './paths.ts';
import type { SecretValues } from './scope.ts';
import { render, type TemplateScope } from './templates.ts';
import type { ManifestDirectory, ManifestFile } from './types.ts';

type Service = RevisionPayload['services'][number];

/** Lists of peers change with every host that comes or goes: whoever reads them reads them again by himself. */
const neverRestart: ReadonlySet<string> = new Set([
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/ssh/ssh_known_hosts',
]);

export interface FileContext {
  readonly payload: RevisionPayload;
  readonly scope: TemplateScope;
  readonly secrets: SecretValues;
}

/** A file before it is known who mounts it. */
export type LooseFile = Omit<ManifestFile, 'inPlace'>;

const volumeOf = ({ name, spec }: Service): string => spec.configVolume ?? name;

/** Throws terminal TemplateInvalid, FileConflict, PathInvalid, naming the service and the file. */
export function serviceFiles(context: FileContext): readonly LooseFile[] {
  const byPath = new Map<string, { readonly service: string; readonly file: LooseFile }>();
  for (const service of context.payload.services) {
    const files = [
      ...(service.spec.configFiles ?? []).map((item) => configFile(context, service, item)),
      ...(service.spec.kolla ?? []).map((item) =>
        loose(`${hostPaths.kollaConfig}/${item.container}.json`, kollaConfig(item), 'root:root', '0644'),
      ),
    ];
    for (const file of files) {
      const former = byPath.get(file.path);
      if (former !== undefined && !isSame(former.file, file))
        throw conflict(file.path, former.service, service.name);
      if (former === undefined) byPath.set(file.path, { service: service.name, file });
    }
  }
  return [...byPath.values()].map(({ file }) => file);
}

/** What services list, and the config volumes that containers mount. Throws terminal FileConflict. */
export function serviceDirectories(payload: RevisionPayload): readonly ManifestDirectory[] {
  const byPath = new Map<string, { readonly service: string; readonly directory: ManifestDirectory }>();
  for (const service of payload.services) {
    const listed = (service.spec.directories ?? []).map(({ path, mode, owner }) => ({
      path: targetPath(service.name, volumeOf(service), path),
      mode,
      owner: fullOwner(owner),
    }));
    const volume = mountsConfig(service)
      ? [{ path: configVolumePath(volumeOf(service)), mode: '0755', owner: 'root:root' }]
      : [];
    for (const directory of [...listed, ...volume]) {
      const former = byPath.get(directory.path);
      if (former !== undefined && !sameOwnerAndMode(former.directory, directory)) {
        throw conflict(directory.path, former.service, service.name);
      }
      if (former === undefined) byPath.set(directory.path, { service: service.name, directory });
    }
  }
  return [...byPath.values()].map(({ directory }) => directory);
}

/** The mounts by which kolla_start finds its config.json and, where the service has one, its config volume. */
export function kollaVolumes(service: Service, container: string): readonly string[] {
  if (!(service.spec.kolla ?? []).some((item) => item.container === container)) return [];
  return [
    `${hostPaths.kollaConfig}/${container}.json:${kollaConfigJson}:ro`,
    ...(mountsConfig(service) ? [`${configVolumePath(volumeOf(service))}:${kollaSource}:ro`] : []),
  ];
}

/** A file of ours that no service asked for. */
export const loose = (path: string, content: string, owner: string, mode: string): LooseFile => ({
  path,
  content: Buffer.from(content),
  sha256: sha256(content),
  mode,
  owner,
  restarts: true,
  registry: false,
});

function configFile(
  context: FileContext,
  service: Service,
  item: OvercloudServiceSpecConfigFilesItem,
): LooseFile {
  const path = targetPath(service.name, volumeOf(service), item.path);
  const content = render(
    template(context, service, item),
    context.scope,
    `service ${service.name}, file ${item.path}`,
  );
  const restarts = item.onChange.action === 'Restart' && !neverRestart.has(path);
  return { ...loose(path, content, fullOwner(item.owner), item.mode), restarts };
}

function template(
  { payload, secrets }: FileContext,
  service: Service,
  { from, path }: OvercloudServiceSpecConfigFilesItem,
): string {
  if (from.inline !== undefined) return from.inline;
  const [kind, reference, found] =
    from.secret === undefined
      ? (['ConfigMap', `${from.configMap ?? ''}/${from.key ?? ''}`, payload.templates] as const)
      : (['Secret', `${from.secret}/${from.key ?? ''}`, secrets] as const);
  const content = found[reference];
  if (content !== undefined) return content;
  throw terminal(
    `${kind}KeyNotFound`,
    `service ${service.name}, file ${path}: there is no ${kind} key ${reference}: create it`,
  );
}

/** `nova` is short for `nova:nova`. */
const fullOwner = (owner: string): string => (owner.includes(':') ? owner : `${owner}:${owner}`);

const mountsConfig = ({ spec }: { readonly spec: OvercloudServiceSpec }): boolean =>
  (spec.kolla ?? []).length > 0 &&
  (spec.configVolume !== undefined || (spec.configFiles ?? []).some(({ path }) => !path.startsWith('/')));

const isSame = (a: LooseFile, b: LooseFile): boolean => a.sha256 === b.sha256 && sameOwnerAndMode(a, b);

const sameOwnerAndMode = (a: ManifestDirectory, b: ManifestDirectory): boolean =>
  a.owner === b.owner && a.mode === b.mode;

const conflict = (path: string, first: string, second: string) =>
  terminal(
    'FileConflict',
    `services ${first} and ${second} want ${path} with unlike content, owner or mode: give them different config volumes or one source`,
  );
