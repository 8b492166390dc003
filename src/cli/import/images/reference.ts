// Registries, namespaces and references as TripleO's files write them, taken apart and checked before anything quotes them.

/** `registry/namespace/name:tag` in pieces. */
export interface Reference {
  readonly registry: string;
  /** '' for none. */
  readonly namespace: string;
  readonly name: string;
  readonly tag: string;
}

/** A registry and the path in it where images are. */
export interface Place {
  readonly registry: string;
  readonly namespace: string;
}

/** What is wrong, to go on after the key that has it. Quotes nothing: what is wrong may hold a password. */
export interface Wrong {
  readonly wrong: string;
}

/** As the ContainerImageSet has them, with its bounds. */
const registryPattern = /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?$/;
const pathPattern = /^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;
const namePattern = /^[a-z0-9]+([._-]+[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const longest = { registry: 260, namespace: 200, name: 128, tag: 128 };

export const isTag = (text: string): boolean => text.length <= longest.tag && tagPattern.test(text);
export const isName = (text: string): boolean => text.length <= longest.name && namePattern.test(text);

export const isWrong = (value: object): value is Wrong => 'wrong' in value;

/** `HOST[:PORT][/PATH]`, as namespace, push_destination and --destination have it; a slash at its end does no harm. */
export function readPlace(text: string): Place | Wrong {
  const whole = schemeOrLogin(text);
  if (whole !== undefined) return whole;
  const [registry = '', ...path] = text.replace(/\/+$/, '').split('/');
  const namespace = path.join('/');
  if (!isRegistry(registry)) {
    return {
      wrong: 'must begin with a registry, as in registry.access.redhat.com/rhosp13 or 192.0.2.1:8787',
    };
  }
  if (namespace !== '' && (namespace.length > longest.namespace || !pathPattern.test(namespace))) {
    return {
      wrong: 'has a path that no registry can have: small letters and digits, with single slashes and no ..',
    };
  }
  return { registry, namespace };
}

/** `REGISTRY/PATH:TAG`, as imagename and parameters have it. */
export function readReference(text: string): Reference | Wrong {
  if (/@sha(256|512):/.test(text)) return { wrong: 'names a digest: give the tag in its place, as NAME:TAG' };
  const whole = schemeOrLogin(text);
  if (whole !== undefined) return whole;
  const [, path = '', tag = ''] = /^(.*\/[^:/]*):([^:/]+)$/.exec(text) ?? [];
  if (path === '')
    return { wrong: 'must be REGISTRY/NAME:TAG, as 192.0.2.1:8787/rhosp13/openstack-nova-api:13.0-42' };
  const place = readPlace(path.slice(0, path.lastIndexOf('/')));
  if (isWrong(place)) return place;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!isName(name))
    return { wrong: 'has a name that no image can have: small letters, digits and single . _ -' };
  if (!isTag(tag)) return { wrong: 'has a tag that no image can have: letters, digits and . _ -, up to 128' };
  return { ...place, name, tag };
}

/** A host alone would be a path at docker.io for some programs, and a host for others. */
export function isRegistry(text: string): boolean {
  const looksLikeHost = /[.:]/.test(text) || text === 'localhost';
  return looksLikeHost && text.length <= longest.registry && registryPattern.test(text);
}

function schemeOrLogin(text: string): Wrong | undefined {
  if (text.includes('@')) {
    return { wrong: 'has a login in it: take it out, and put it into ContainerImageRegistryCredentials' };
  }
  return text.includes('://')
    ? { wrong: 'has a scheme: begin with the host, as in 192.0.2.1:8787' }
    : undefined;
}

export const placeText = ({ registry, namespace }: Place): string =>
  namespace === '' ? registry : `${registry}/${namespace}`;
