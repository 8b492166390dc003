// Keeps requests away from addresses that are no registry's: this machine itself, its link, and what nobody can be reached at.
import { lookup as systemLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** What an address is that no request goes to, and the ranges that are so (RFC 6890, RFC 5771, RFC 4291). */
const forbidden: readonly {
  readonly what: string;
  readonly ranges: readonly (readonly [string, number])[];
}[] = [
  {
    what: 'a loopback address',
    ranges: [
      ['127.0.0.0', 8],
      ['::1', 128],
    ],
  },
  {
    what: 'a link-local address',
    ranges: [
      ['169.254.0.0', 16],
      ['fe80::', 10],
    ],
  },
  // Linux connects to this machine when it is told 0.0.0.0 or ::.
  {
    what: 'an unspecified address',
    ranges: [
      ['0.0.0.0', 8],
      ['::', 128],
    ],
  },
  {
    what: 'a multicast address',
    ranges: [
      ['224.0.0.0', 4],
      ['255.255.255.255', 32],
      ['ff00::', 8],
    ],
  },
];

/** What a socket's error says when DNS has answered with such an address: its message tells which. */
export const forbiddenCode = 'ADDRESS_FORBIDDEN';

export interface AddressGuard {
  /** Why this host is not spoken to, as far as its name or literal tells; undefined: it may be. */
  readonly reasonAgainst: (url: URL) => string | undefined;
  /** For sockets. Fails with `forbiddenCode` for a name that stands for such an address, whatever else it stands for. */
  readonly lookup: LookupFunction;
}

/** As node:dns has it. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[] | undefined) => void,
) => void;

/** `allowLocal`: for laboratories, where registries run on the operator's own machine. */
export function createAddressGuard({
  allowLocal,
  resolve = systemLookup,
}: {
  readonly allowLocal: boolean;
  readonly resolve?: Resolve;
}): AddressGuard {
  return {
    reasonAgainst(url) {
      if (allowLocal) return undefined;
      // The URL parser has written 0x7f.1 and the like as 127.0.0.1 already (WHATWG URL, "IPv4 parser").
      const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
      if (/(^|\.)localhost$/i.test(host)) return `${host}, this machine itself`;
      return isIP(host) === 0 ? undefined : reasonAgainstAddress(host);
    },
    lookup(hostname, options, callback) {
      resolve(hostname, { ...options, all: true }, (error, addresses) => {
        const first = addresses?.[0];
        if (error !== null || addresses === undefined || first === undefined) {
          callback(
            error ?? Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' }),
            [],
          );
          return;
        }
        const reason = allowLocal
          ? undefined
          : addresses.map(({ address }) => reasonAgainstAddress(address)).find(Boolean);
        if (reason !== undefined) {
          callback(
            Object.assign(new Error(`${reason} (says DNS of ${hostname})`), { code: forbiddenCode }),
            [],
          );
        } else if (options.all === true) {
          callback(null, addresses);
        } else {
          callback(null, first.address, first.family);
        }
      });
    },
  };
}

/** Node's BlockList knows that ::ffff:127.0.0.1 is 127.0.0.1. */
function reasonAgainstAddress(address: string): string | undefined {
  const bare = address.replace(/%.*$/, '');
  const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4';
  const found = lists.find(({ list }) => list.check(bare, family));
  return found && `${bare}, ${found.what}`;
}

const lists = forbidden.map(({ what, ranges }) => {
  const list = new BlockList();
  for (const [net, prefix] of ranges) list.addSubnet(net, prefix, isIP(net) === 6 ? 'ipv6' : 'ipv4');
  return { what, list };
});
