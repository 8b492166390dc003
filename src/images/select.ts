// Which of the needed images a set is to have, by its includes and excludes. Pure.
import type { ContainerImageSet, ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
import type { Catalog } from './catalog.ts';
import { neededImages, type Clouds } from './needed.ts';
import { matchesGlob } from './tags.ts';

export interface Selection {
  /** As services use them, sorted, each once. */
  readonly names: readonly string[];
  /** What containers, jobs and bundles of the set's clouds run and the set leaves out: those hosts will miss it. Sorted. */
  readonly withheld: readonly string[];
}

/**
 * What spec.images lists is never left out. Of all else only what spec.includes matches, or, where that is empty, what spec.excludes
 * does not (tripleo-common, kolla_builder.py, container_images_prepare).
 */
export function selectImages(set: ContainerImageSet, clouds: Clouds, catalog?: Catalog): Selection {
  const listed = new Set(set.spec.images);
  const stays = (name: string) => listed.has(name) || passes(set.spec, name);
  return {
    names: neededImages(set, clouds, catalog).filter(stays),
    withheld: neededImages(set, clouds).filter((name) => !stays(name)),
  };
}

function passes({ includes = [], excludes = [] }: ContainerImageSetSpec, name: string): boolean {
  const matches = (glob: string) => matchesGlob(glob, name);
  return includes.length > 0 ? includes.some(matches) : !excludes.some(matches);
}
