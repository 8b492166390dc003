// What a role's services ask for and this release does not do: said in a condition, never passed over in silence. Pure.
import type { OvercloudServiceSpec } from '../../api/overcloudservice.gen.ts';

/** One sentence each. */
export function unsupportedOf(service: string, spec: OvercloudServiceSpec): readonly string[] {
  const { beforeUpdate = [], afterUpdate = [], drain = [] } = spec.hooks ?? {};
  return [
    ...left(service, 'units', spec.units, 'start them by other means'),
    ...left(service, 'bundles', spec.bundles, 'create them with pcs'),
    ...left(service, 'pacemakerResources', spec.pacemakerResources, 'create them with pcs'),
    ...left(service, 'constraints', spec.constraints, 'create them with pcs'),
    ...left(service, 'hooks', [...beforeUpdate, ...afterUpdate, ...drain], 'run them by hand'),
    ...(spec.configFiles ?? [])
      .filter(({ onChange }) => onChange.action === 'Signal' || onChange.action === 'Exec')
      .map(
        ({ path, onChange }) =>
          `service ${service}: onChange ${onChange.action} of ${path} is not in this release, so its containers keep the former content until they are restarted: use Restart, or restart them by hand.`,
      ),
  ];
}

const left = (
  service: string,
  what: string,
  list: readonly { readonly name: string }[] | undefined,
  remedy: string,
): readonly string[] =>
  list === undefined || list.length === 0
    ? []
    : [
        `service ${service}: ${what} ${list.map(({ name }) => name).join(', ')} are not managed in this release: ${remedy}.`,
      ];
