// Reads what a registry says with a 401 about how it wants to be spoken to: the WWW-Authenticate header (RFC 9110 11.6.1).

export type Challenge =
  | { readonly kind: 'basic' }
  /** `realm` is the token server's URL; see the distribution project's "Token Authentication Specification". */
  | { readonly kind: 'bearer'; readonly realm: string; readonly service: string | undefined };

/** Undefined when the header offers no scheme that we speak. Bearer is preferred over Basic. */
export function parseChallenge(header: string): Challenge | undefined {
  const offers = splitSchemes(header);
  const realm = offers.get('bearer')?.get('realm');
  if (realm !== undefined) return { kind: 'bearer', realm, service: offers.get('bearer')?.get('service') };
  return offers.has('basic') ? { kind: 'basic' } : undefined;
}

/** A scheme is a word that no `=` follows; a parameter is `name=token` or `name="quoted \" text"`. */
const token = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g;

function splitSchemes(header: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const offers = new Map<string, Map<string, string>>();
  let parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare] of header.matchAll(token)) {
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare;
    if (value !== undefined) {
      parameters.set(name.toLowerCase(), value);
    } else {
      parameters = new Map();
      offers.set(name.toLowerCase(), parameters);
    }
  }
  return offers;
}
