// Whether what an image set has resolved is what its spec asks for. Pure.
import { hashOf } from './canonical.ts';
import type { ContainerImageSet, ContainerImageSetSpec } from './containerimageset.gen.ts';

const hashLength = 16;

/**
 * A hash of all in a spec that has a say in which digests images have. Whatever is not known to have none counts as having one:
 * a set is rather resolved once more than taken for what it is not.
 */
export function digestRules(spec: ContainerImageSetSpec): string {
  const { paused: _paused, mirror: _mirror, lookupIntervalSeconds: _interval, ...others } = spec;
  const { updatePolicy: _policy, ...rules } = others;
  return hashOf(rules).slice(0, hashLength);
}

/**
 * Whether status.resolved is of the spec as it stands now, as far as that decides digests. The generation is enough where
 * there is no hash, and where a newer API has filled in a default.
 */
export function isResolved({ metadata, spec, status }: ContainerImageSet): boolean {
  const { resolved } = status ?? {};
  if (resolved === undefined) return false;
  return resolved.generation === metadata.generation || resolved.of === digestRules(spec);
}
