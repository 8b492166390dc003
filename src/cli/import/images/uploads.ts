// local_registry_images.yaml: which images were copied from where, and to which registry.
// Source: openstack/tripleo-common, tripleo_common/image/image_uploader.py (ImageUploadManager.upload).
import { isMap, type RawNode } from '../document.ts';
import type { Collected, Findings } from '../findings.ts';
import { isWrong, type Place, placeText, readPlace, readReference, type Reference } from './reference.ts';
import { checkKeys, type Ignored, truthOf } from './values.ts';

export interface Upload {
  readonly reference: Reference;
  /** `imagename` without its host: the path and tag below the destination. */
  readonly below: string;
  readonly findings: Findings;
}

export interface Uploads {
  readonly images: readonly Upload[];
  /** `true`: the registry of an undercloud, which the file does not name. */
  readonly destination: Place | true | undefined;
}

const documentKeys = ['container_images'];
const itemKeys = ['imagename', 'push_destination', 'pull_source', 'modify_role'];
const ignored: readonly Ignored[] = [
  { pattern: /^(uploader|image_source|services|params)$/, why: 'it changes nothing of what is copied' },
  {
    pattern: /^multi_arch$/,
    why: 'what the registry has under a tag is taken whole, with all its platforms',
  },
  { pattern: /^modify_/, why: 'without modify_role it changes nothing' },
];

/** Problems are reported. */
export function readUploads(document: RawNode, collected: Collected): Uploads {
  const whole = collected.of('container_images');
  checkKeys(document, documentKeys, [], whole);
  const list = document.container_images;
  if (!Array.isArray(list) || list.length === 0) {
    whole.problem('', 'must be a list of images, each with - imagename');
    return { images: [], destination: undefined };
  }
  const items = list.map((raw: unknown, index) => readItem(raw, collected.of(`image ${index + 1}`)));
  const destinations = items.flatMap((item) => (item === undefined ? [] : [item.destination]));
  const texts = new Set(destinations.map((place) => (typeof place === 'object' ? placeText(place) : place)));
  if (texts.size > 1) {
    whole.problem(
      'push_destination',
      'differs among the images, and a set has one destination: make them alike',
    );
  }
  return { images: items.flatMap((item) => item?.upload ?? []), destination: destinations[0] };
}

function readItem(raw: unknown, findings: Findings) {
  if (!isMap(raw)) {
    findings.problem('', 'must be a map with imagename');
    return undefined;
  }
  checkKeys(raw, itemKeys, ignored, findings);
  if (raw.pull_source !== undefined)
    findings.problem('pull_source', 'is not known here: put it before imagename, as REGISTRY/NAME:TAG');
  if (raw.modify_role !== undefined)
    findings.problem('modify_role', 'is not done here: push the changed image under a tag of its own');
  const { imagename } = raw;
  const reference =
    typeof imagename === 'string' ? readReference(imagename) : { wrong: 'is missing, or no text' };
  if (isWrong(reference)) findings.problem('imagename', reference.wrong);
  const destination = readDestination(raw.push_destination, findings);
  if (isWrong(reference) || typeof imagename !== 'string') return { destination };
  return { destination, upload: { reference, below: imagename.slice(imagename.indexOf('/') + 1), findings } };
}

function readDestination(value: unknown, findings: Findings): Place | true | undefined {
  const truth = truthOf(value);
  if (truth === true) return true;
  if (truth === false || value === undefined || value === null || value === '') return undefined;
  const place = typeof value === 'string' ? readPlace(value) : { wrong: 'must be HOST:PORT' };
  if (!isWrong(place)) return place;
  findings.problem('push_destination', place.wrong);
  return undefined;
}
