// kolla's config.json: what a container copies where, and what it runs, each time it starts. Pure.
import type { OvercloudServiceSpecKollaItem } from '../../api/overcloudservice.gen.ts';

/** The format is kolla's (docker/base/set_configs.py): the fields that are absent there must be absent here. */
export function kollaConfig(item: OvercloudServiceSpecKollaItem): string {
  const config = {
    command: item.command,
    config_files: (item.configFiles ?? []).map((file) => ({
      source: file.source,
      dest: file.dest,
      ...(file.owner === undefined ? {} : { owner: file.owner }),
      ...(file.perm === undefined ? {} : { perm: file.perm }),
      merge: file.merge,
      preserve_properties: file.preserveProperties,
      optional: file.optional,
    })),
    permissions: (item.permissions ?? []).map((permission) => ({
      path: permission.path,
      owner: permission.owner,
      ...(permission.perm === undefined ? {} : { perm: permission.perm }),
      recurse: permission.recurse,
    })),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
