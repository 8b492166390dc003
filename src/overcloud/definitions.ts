// Whether a Role or an OvercloudService is fit for use: all that it refers to exists, and this release acts on all of it. Pure.
// What is missing here keeps clouds from cutting a revision. Secrets are left to the clouds, which read them: nobody watches them.
import type { OvercloudService, OvercloudServiceSpec } from '../api/overcloudservice.gen.ts';
import type { Role, RoleSpec } from '../api/role.gen.ts';
import { summarise, type ConditionInput, type Health } from '../kernel/conditions.ts';
import type { ConfigMap } from '../kube/objects.ts';
import { listed, problem, type Problem } from './problem.ts';
import { templatesOf, type KeyReference } from './references.ts';

/** A part of a spec that this release does not act on. */
interface Ignored {
  readonly field: string;
  /** What a person can do about it. */
  readonly remedy: string;
}

/** Ready, Stalled when a service does not exist, and Supported=False while the role asks for what is ignored. */
export const conditionsOfRole = (
  role: Role,
  hasService: (name: string) => boolean,
): readonly ConditionInput[] =>
  conditionsFor(
    unknownServices(role, hasService),
    ignoredByRole(role.spec),
    'every service that it lists exists',
  );

/** Ready, Stalled when a template does not exist, and Supported=False while the service asks for what is ignored. */
export const conditionsOfService = (
  service: OvercloudService,
  configMap: (name: string) => ConfigMap | undefined,
): readonly ConditionInput[] =>
  conditionsFor(
    missingTemplates(service, configMap),
    ignoredByService(service.spec),
    'every ConfigMap key that it uses exists',
  );

function conditionsFor(
  problems: readonly Problem[],
  ignored: readonly Ignored[],
  allIsThere: string,
): readonly ConditionInput[] {
  return [...summarise(healthOf(problems, ignored, allIsThere)), ...supported(ignored)];
}

function healthOf(problems: readonly Problem[], ignored: readonly Ignored[], allIsThere: string): Health {
  const [first] = problems;
  if (first !== undefined) {
    const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
    return { kind: 'stalled', reason: first.reason, message: `${first.message}${more}` };
  }
  const fields = ignored.map(({ field }) => field).join(', ');
  const reserve = ignored.length === 0 ? '' : `; without effect in this release: ${fields}`;
  return { kind: 'ready', message: `${allIsThere}${reserve}` };
}

function supported(ignored: readonly Ignored[]): readonly ConditionInput[] {
  if (ignored.length === 0) return [];
  const message = ignored
    .map(({ field, remedy }) => `${field} has no effect in this release: ${remedy}`)
    .join('; ');
  return [{ type: 'Supported', status: 'False', reason: 'NotInThisRelease', message }];
}

function unknownServices(
  { metadata, spec }: Role,
  hasService: (name: string) => boolean,
): readonly Problem[] {
  const missing = spec.services.filter((name) => !hasService(name));
  if (missing.length === 0) return [];
  const [services, are, them] =
    missing.length === 1
      ? ['service', 'does not exist: create OvercloudService', 'it']
      : ['services', 'do not exist: create OvercloudServices', 'them'];
  const names = listed(missing);
  const message = `role ${metadata.name} lists ${services} ${names}, which ${are} ${names}, or take ${them} out of spec.services`;
  return [problem('UnknownService', message)];
}

function missingTemplates(
  { metadata, spec }: OvercloudService,
  configMapOf: (name: string) => ConfigMap | undefined,
): readonly Problem[] {
  return templateUses(spec).flatMap(({ user, field, name, key }) => {
    const configMap = configMapOf(name);
    if (configMap?.data?.[key] !== undefined) return [];
    const what = `service ${metadata.name}: ${user} is made from key ${key} of ConfigMap ${name}`;
    return configMap === undefined
      ? [problem('ConfigMapNotFound', `${what}, which does not exist: create it, or correct ${field}`)]
      : [problem('ConfigMapKeyNotFound', `${what}, which has no such key: add it, or correct ${field}`)];
  });
}

interface TemplateUse extends KeyReference {
  /** What is made from it. */
  readonly user: string;
  /** Where that is said. */
  readonly field: string;
}

function templateUses({ configFiles = [], units = [] }: OvercloudServiceSpec): readonly TemplateUse[] {
  const files = configFiles.flatMap((file) =>
    templatesOf({ configFiles: [file] }).map((template) => ({
      ...template,
      user: `file ${file.path}`,
      field: 'spec.configFiles',
    })),
  );
  const ofUnits = units.flatMap((unit) =>
    templatesOf({ units: [unit] }).map((template) => ({
      ...template,
      user: `unit ${unit.name}`,
      field: 'spec.units',
    })),
  );
  return [...files, ...ofUnits];
}

type Candidate = readonly [isUsed: boolean, field: string, remedy: string];

const ignoredByRole = ({ networkConfig }: RoleSpec): readonly Ignored[] =>
  ignoredOf([
    [networkConfig !== undefined, 'spec.networkConfig', "set up its hosts' networks by other means"],
  ]);

function ignoredByService(spec: OvercloudServiceSpec): readonly Ignored[] {
  const { beforeUpdate = [], afterUpdate = [], drain = [] } = spec.hooks ?? {};
  const hooks = [...beforeUpdate, ...afterUpdate, ...drain];
  const actions = (spec.configFiles ?? []).map(({ onChange }) => onChange.action);
  return ignoredOf([
    [hasAny(spec.units), 'spec.units', 'set them up by other means'],
    [hasAny(spec.bundles), 'spec.bundles', 'create them with pcs'],
    [hasAny(spec.pacemakerResources), 'spec.pacemakerResources', 'create them with pcs'],
    [hasAny(spec.constraints), 'spec.constraints', 'create them with pcs'],
    [hasAny(hooks), 'spec.hooks', 'run them by hand'],
    [actions.includes('Signal'), 'onChange Signal in spec.configFiles', 'use Restart'],
    [actions.includes('Exec'), 'onChange Exec in spec.configFiles', 'use Restart'],
  ]);
}

const ignoredOf = (candidates: readonly Candidate[]): readonly Ignored[] =>
  candidates.filter(([isUsed]) => isUsed).map(([, field, remedy]) => ({ field, remedy }));

const hasAny = (list: readonly unknown[] | undefined): boolean => list !== undefined && list.length > 0;
