// The hash of a container's effective spec: a difference means replace, so nothing that does not matter may change it.
// test/fixtures/hashes-v1.json pins the outcome: an upgrade of the operator must restart nothing.
import { canonicalJson, hashOf } from '../api/canonical.ts';
import type { ContainerSpec } from './ports.ts';

/** By environment variable, for those whose values are secret: the HMAC that the revision froze. */
export type Mask = Readonly<Record<string, string>>;

/** A container as the hash and the `config_data` label see it: in one order, secrets as HMACs, the image by digest. */
export type EffectiveSpec = Readonly<Record<string, unknown>>;

export function effectiveSpec(spec: ContainerSpec, digest: string, mask: Mask): EffectiveSpec {
  return {
    digest,
    command: spec.command,
    entrypoint: spec.entrypoint,
    environment: maskedEnvironment(spec.environment, mask),
    volumes: spec.volumes
      .filter((volume) => volume !== '')
      .map(plainVolume)
      .sort(),
    volumesFrom: [...spec.volumesFrom].sort(),
    network: spec.network,
    pid: spec.pid,
    ipc: spec.ipc,
    user: spec.user,
    privileged: spec.privileged,
    restart: spec.restart,
    healthcheck: spec.healthcheck,
    stopGraceSeconds: spec.stopGraceSeconds,
    memoryBytes: spec.memoryBytes,
    cpus: spec.cpus,
    capAdd: [...spec.capAdd].sort(),
    capDrop: [...spec.capDrop].sort(),
    ulimits: [...spec.ulimits].sort((a, b) => (a.name < b.name ? -1 : 1)),
    hostname: spec.hostname,
  };
}

export const specHash = (effective: EffectiveSpec): string => `v1:${hashOf(effective)}`;

/** The label that people and paunch's tools read; `image` is for their eyes and no part of the hash. */
export const configData = (effective: EffectiveSpec, image: string): string =>
  canonicalJson({ ...effective, image });

/**
 * The revision's HMAC stands for a secret value, not the value that is read now: a Secret that changed makes a new revision,
 * which is rolled out, and never replaces containers before.
 */
const maskedEnvironment = (
  environment: Readonly<Record<string, string>>,
  mask: Mask,
): Readonly<Record<string, string>> => ({
  ...environment,
  ...Object.fromEntries(Object.entries(mask).map(([name, digest]) => [name, `hmac:${digest.slice(0, 32)}`])),
});

/** `/a/:/b:z,ro` and `/a:/b:ro,z` are one mount. */
function plainVolume(volume: string): string {
  const [source = '', target, options] = volume.split(':');
  const paths = [source, ...(target === undefined ? [] : [target])].map(withoutTrailingSlash);
  return [...paths, ...(options === undefined ? [] : [options.split(',').sort().join(',')])].join(':');
}

export const withoutTrailingSlash = (path: string): string =>
  path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
