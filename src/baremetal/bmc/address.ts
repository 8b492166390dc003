// Reads a BMC's address: a URL whose scheme picks the driver, as in metal3 (BMO pkg/hardwareutils/bmc).
import { terminal } from '../../kernel/errors.ts';

interface Place {
  /** As it was written, for messages. */
  readonly text: string;
  /** A name or an IP address, an IPv6 one without brackets. */
  readonly host: string;
  readonly port: number;
}

export type BmcAddress =
  | (Place & { readonly driver: 'ipmi' })
  | (Place & { readonly driver: 'ipmitool' })
  | (Place & {
      readonly driver: 'redfish';
      /** `https://host:port` */
      readonly origin: string;
      readonly encrypted: boolean;
      /** Path of the ComputerSystem; undefined: the only one that the BMC has. */
      readonly systemPath: string | undefined;
    });

const schemes: Readonly<Record<string, 'ipmi' | 'ipmitool' | 'https' | 'http'>> = {
  ipmi: 'ipmi',
  // The same protocol through the program of that name, for a BMC that our own driver cannot talk to.
  ipmitool: 'ipmitool',
  redfish: 'https',
  'redfish+https': 'https',
  'redfish+http': 'http',
  'redfish-virtualmedia': 'https',
  'redfish-virtualmedia+https': 'https',
  'redfish-virtualmedia+http': 'http',
};
const ipmiPort = 623;

/** Throws terminal BMCAddressInvalid. The schema refuses most of what this refuses. */
export function parseBmcAddress(text: string): BmcAddress {
  const [, scheme = '', rest = ''] = /^([a-z+-]+):\/\/(.*)$/.exec(text) ?? [];
  const protocol = schemes[scheme];
  if (protocol === undefined) {
    throw invalid(text, `its scheme must be one of ${Object.keys(schemes).join(', ')}`);
  }
  const isIpmi = protocol === 'ipmi' || protocol === 'ipmitool';
  const url = locate(text, isIpmi ? 'http' : protocol, rest);
  const place = { text, host: url.hostname.replaceAll(/[[\]]/g, '') };
  const path = url.pathname.replace(/\/+$/, '');
  if (isIpmi) {
    if (path !== '') throw invalid(text, 'an IPMI address has no path');
    return { ...place, port: ipmiPortOf(rest), driver: protocol };
  }
  const encrypted = protocol === 'https';
  const port = Number(url.port) || (encrypted ? 443 : 80);
  const systemPath = path === '' || path === '/redfish/v1' ? undefined : path;
  return { ...place, port, driver: 'redfish', origin: url.origin, encrypted, systemPath };
}

function locate(text: string, protocol: string, rest: string): URL {
  // URL would take the first part of the path for the host.
  const url = rest.startsWith('/') ? null : URL.parse(`${protocol}://${rest}`);
  if (url === null || url.hostname === '') throw invalid(text, 'it must be SCHEME://HOST[:PORT][/PATH]');
  if (`${url.username}${url.password}${url.search}${url.hash}` === '') return url;
  throw invalid(text, 'it must not have a user, a query or a fragment');
}

/** URL drops port 80 as http's own, so the port is read from the text. */
const ipmiPortOf = (rest: string): number =>
  Number(/:(\d+)\/?$/.exec(rest.replace(/^\[.*\]/, ''))?.[1] ?? ipmiPort);

const invalid = (text: string, why: string) =>
  terminal('BMCAddressInvalid', `BMC address ${text} cannot be used: ${why}`);
