// Judge Roles and OvercloudServices, so that people and GitOps tools see a mistake where it was made. They only write status.
import { overcloudServices, type OvercloudService } from '../api/overcloudservice.gen.ts';
import { roles, type Role } from '../api/role.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import { mergeConditions, type ConditionInput } from '../kernel/conditions.ts';
import { requeueAfter, settled, type Controller, type Watch } from '../kernel/controller.ts';
import type { StatusWriter } from '../kernel/status.ts';
import type { Cache } from '../kube/client.ts';
import { configMaps, keyOf, type Condition, type KubeObject, type Resource } from '../kube/objects.ts';
import { conditionsOfRole, conditionsOfService } from './definitions.ts';
import { templatesOf } from './references.ts';

export interface DefinitionDeps {
  readonly cache: Cache;
  readonly status: StatusWriter;
  readonly clock: Pick<Clock, 'now'>;
}

/** Tells of a Role whether the services that it lists exist. */
export function createRoleController(deps: DefinitionDeps): Controller {
  const { cache } = deps;
  const whoLists = ({ metadata: { namespace, name } }: KubeObject) =>
    cache
      .store(roles)
      .list(namespace)
      .filter(({ spec }) => spec.services.includes(name));
  return createDefinitionController<Role>(deps, {
    name: 'role',
    resource: roles,
    watches: [
      {
        resource: overcloudServices,
        // Only whether it exists counts.
        keys: (before, after) => {
          const [service, sameAsBefore] = [after, before].filter((version) => version !== undefined);
          return service === undefined || sameAsBefore !== undefined ? [] : whoLists(service).map(keyOf);
        },
      },
    ],
    judge: (role) => {
      const { namespace } = role.metadata;
      const services = cache.store(overcloudServices);
      return conditionsOfRole(role, (name) => services.get({ namespace, name }) !== undefined);
    },
  });
}

/** Tells of an OvercloudService whether the ConfigMap keys that its files and units are made from exist. */
export function createOvercloudServiceController(deps: DefinitionDeps): Controller {
  const { cache } = deps;
  const whoUses = ({ metadata: { namespace, name } }: KubeObject) =>
    cache
      .store(overcloudServices)
      .list(namespace)
      .filter(({ spec }) => templatesOf(spec).some((template) => template.name === name));
  return createDefinitionController<OvercloudService>(deps, {
    name: 'overcloudservice',
    resource: overcloudServices,
    watches: [
      {
        resource: configMaps,
        keys: (before, after) => {
          const configMap = after ?? before;
          return configMap === undefined ? [] : whoUses(configMap).map(keyOf);
        },
      },
    ],
    judge: (service) => {
      const { namespace } = service.metadata;
      return conditionsOfService(service, (name) => cache.store(configMaps).get({ namespace, name }));
    },
  });
}

/** A kind whose status says nothing but whether the object is fit for use. */
interface Definition<T extends KubeObject> {
  readonly name: string;
  readonly resource: Resource<T>;
  /** Of the kinds that it refers to. */
  readonly watches: readonly Watch[];
  readonly judge: (object: T) => readonly ConditionInput[];
}

function createDefinitionController<
  T extends KubeObject & { readonly status?: { readonly conditions?: readonly Condition[] } },
>({ cache, status, clock }: DefinitionDeps, { name, resource, watches, judge }: Definition<T>): Controller {
  return {
    name,
    workers: 1,
    watches: [{ resource, keys: (_, after) => (after === undefined ? [] : [keyOf(after)]) }, ...watches],
    async reconcile(_, key) {
      const object = cache.store(resource).get(key);
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) return settled;
      const { generation } = object.metadata;
      const written = await status.write(resource, object, {
        observedGeneration: generation,
        conditions: mergeConditions(object.status?.conditions, judge(object), generation, clock.now()),
      });
      return written.kind === 'deferred' ? requeueAfter(written.ms, 'status') : settled;
    },
  };
}
