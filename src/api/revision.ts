// The format of a revision: what a role should be, frozen by the overcloud room, compiled into a manifest by the host room.
// It lives in a ControllerRevision's `data` as { format, payload }, payload being base64 of gzipped canonical JSON.
import { gunzipSync, gzipSync } from 'node:zlib';
import { terminal } from '../kernel/errors.ts';
import { canonicalJson, hashOf, sha256 } from './canonical.ts';
import type { OvercloudServiceSpec } from './overcloudservice.gen.ts';

/** Raised when a reader of the old format could misread the new one; readers keep understanding every older number. */
const currentFormat = 1;
/** etcd takes 1.5 MiB per request; beyond this the API server may refuse the object together with its metadata. */
const largestPayload = 900 * 1024;

export interface RevisionImage {
  /** `registry[:port]/path`, without tag or digest. */
  readonly repository: string;
  readonly tag: string;
  /** `sha256:…`: what hosts run. */
  readonly digest: string;
}

/** How hosts reach one registry. */
export interface RevisionRegistry {
  /** `host[:port]` */
  readonly host: string;
  readonly insecure: boolean;
  /** ConfigMap with the key `ca.crt`. */
  readonly caName?: string;
  /** Secret of type kubernetes.io/dockerconfigjson or with the keys username and password. */
  readonly credentialsName?: string;
}

export interface RevisionPayload {
  readonly overcloud: string;
  readonly role: string;
  readonly engine: 'Podman' | 'Docker';
  /** In the order of the Role; specs as the user wrote them. */
  readonly services: readonly { readonly name: string; readonly spec: OvercloudServiceSpec }[];
  /** By the name that services use. */
  readonly images: Readonly<Record<string, RevisionImage>>;
  /** The tag that people know this revision by, for the IMAGES column. */
  readonly imagesTag: string;
  readonly registries: readonly RevisionRegistry[];
  /** The ConfigMap contents that the services' files are made from, by `<configMap>/<key>`. */
  readonly templates: Readonly<Record<string, string>>;
  /** HMACs of the Secret keys that services use, by `<secret>/<key>`: a new value makes a new revision. */
  readonly secrets: Readonly<Record<string, string>>;
  /** For templates: Overcloud.spec.values of ConfigMaps, merged. */
  readonly values: Readonly<Record<string, string>>;
}

export interface StoredRevision {
  readonly format: number;
  readonly payload: string;
}

/** `<overcloud>-<role>-<10 hex digits of the content's hash>`: the same input always has the same name. */
export const revisionName = (payload: RevisionPayload): string =>
  `${payload.overcloud}-${payload.role}-${hashOf(payload).slice(0, 10)}`;

/** Throws terminal RevisionTooLarge, naming the largest template. */
export function encodeRevision(payload: RevisionPayload): StoredRevision {
  const encoded = gzipSync(canonicalJson(payload), { level: 9 }).toString('base64');
  if (encoded.length > largestPayload) {
    const [name, content] = Object.entries(payload.templates).reduce(
      (largest, entry) => (entry[1].length > largest[1].length ? entry : largest),
      ['', ''],
    );
    throw terminal(
      'RevisionTooLarge',
      `role ${payload.role} of overcloud ${payload.overcloud} makes a revision of ${String(encoded.length)} bytes, ` +
        `more than ${String(largestPayload)}: make its templates smaller, the largest is ${name} (${String(content.length)} characters)`,
    );
  }
  return { format: currentFormat, payload: encoded };
}

/** Throws terminal RevisionUnreadable for what is damaged or was written by a newer operator. */
export function decodeRevision(name: string, stored: unknown): RevisionPayload {
  const { format, payload } = (stored ?? {}) as Partial<StoredRevision>;
  if (format !== currentFormat || typeof payload !== 'string') {
    throw terminal(
      'RevisionUnreadable',
      `revision ${name} has format ${String(format)}, this operator reads format ${String(currentFormat)}: run the operator that wrote it, or a newer one`,
    );
  }
  try {
    return JSON.parse(gunzipSync(Buffer.from(payload, 'base64')).toString('utf8')) as RevisionPayload;
  } catch (cause) {
    throw terminal(
      'RevisionUnreadable',
      `revision ${name} is damaged: delete it, a new one is cut from its role`,
      cause,
    );
  }
}

type Job = NonNullable<OvercloudServiceSpec['jobs']>[number];

/**
 * What a job's run is remembered by. `Once` depends on the name alone; otherwise the command, its image and all that it
 * is given count.
 */
export function jobHash(service: string, job: Job, digest: string | undefined): string {
  const identity = { service, name: job.name };
  return sha256(canonicalJson(job.runPolicy === 'Once' ? identity : { ...identity, job, digest })).slice(
    0,
    16,
  );
}
