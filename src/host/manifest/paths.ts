// Where things go on the host, and which mounts show them. Pure.
import { hostPaths } from '../../api/names.ts';
import { terminal } from '../../kernel/errors.ts';
import { withoutTrailingSlash } from '../hashes.ts';

/** kolla_start reads these two inside of a container (kolla docker/base/set_configs.py). */
export const kollaConfigJson = `${hostPaths.kollaConfig}/config.json`;
export const kollaSource = `${hostPaths.kollaConfig}/src`;

/** The directory that the services of one config volume share. */
export const configVolumePath = (volume: string): string => `${hostPaths.configData}/${volume}`;

/**
 * Where a file of `service` goes: into its config volume, unless the path is absolute. Throws terminal PathInvalid for a path
 * that leads elsewhere than it says, or into our own state.
 */
export function targetPath(service: string, volume: string, path: string): string {
  const target = path.startsWith('/') ? path : `${configVolumePath(volume)}/${path}`;
  const plain = target
    .slice(1)
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..');
  if (!plain || target === hostPaths.state || target.startsWith(`${hostPaths.state}/`)) {
    throw terminal(
      'PathInvalid',
      `service ${service}: ${path} is no path that a service may have: write it without "." and ".." and outside of ${hostPaths.state}`,
    );
  }
  return target;
}

/** The host's side of a volume, empty for one that the engine keeps under a name. */
export function volumeSource(volume: string): string {
  const source = volume.split(':', 1)[0] ?? '';
  return source.startsWith('/') ? withoutTrailingSlash(source) : '';
}

/** Whether `path` can be seen through one of `volumes`. */
export const isMounted = (path: string, volumes: readonly string[]): boolean =>
  volumes
    .map(volumeSource)
    .some((source) => source !== '' && (source === path || path.startsWith(`${source}/`)));
