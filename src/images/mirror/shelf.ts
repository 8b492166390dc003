// Bounds what a copy holds in memory: the manifests that it has read and not put yet.
import { transient } from '../../kernel/errors.ts';

const mostBytes = 64 * 1024 * 1024;

/** Counts so many bytes more; none only asks whether there is room. Throws transient ManifestTooLarge where there is none. */
export type Take = (bytes: number) => void;

export interface Shelf {
  /** What `work` takes stays there, unless it fails: then nobody holds it. `name` says in messages what it is for. */
  use<T>(name: string, work: (take: Take) => Promise<T>): Promise<T>;
}

export function createShelf(): Shelf {
  let held = 0;
  return {
    async use(name, work) {
      let own = 0;
      const take: Take = (bytes) => {
        own += bytes;
        held += bytes;
        if (held > mostBytes) throw noRoom(name);
      };
      try {
        return await work(take);
      } catch (thrown) {
        held -= own;
        throw thrown;
      }
    },
  };
}

/** Transient, unlike what is too large by itself: in the next copy there is room again. */
const noRoom = (name: string) =>
  transient(
    'ManifestTooLarge',
    `the manifests of ${name} and of what is copied with it have more than ${mostBytes} bytes: it is copied after the others`,
  );
