// pm_addr, pm_port and pm_system_id as the URL of BareMetalNode.spec.bmc.address, and whether two URLs mean one BMC.
import type { RawNode } from './document.ts';
import type { Driver } from './driver.ts';
import type { Findings } from './findings.ts';

/** Where a BMC is, for comparing. */
export interface BmcPlace {
  /** Protocol, host and port: `redfish 172.16.0.133:443`. */
  readonly endpoint: string;
  /** Path of the system behind it; undefined: its only one. */
  readonly system: string | undefined;
}

const ipmiPort = 623;
const systemPath = /^\/redfish\/v1\/[^\s?#]+$/;

/** The URL; undefined after a problem was reported. */
export function readBmcAddress(node: RawNode, driver: Driver, findings: Findings): string | undefined {
  const address = node.pm_addr;
  if (typeof address !== 'string' || address === '') {
    const isMissing = address === undefined || address === null || address === '';
    findings.problem('pm_addr', isMissing ? 'is missing' : 'must be text: put it in quotes');
    return undefined;
  }
  const system = readSystem(node.pm_system_id, driver, findings);
  const port = readPort(node.pm_port, findings);
  const url = driver === 'ipmi' ? locateIpmi(address) : locateRedfish(address);
  if (url === undefined) {
    const form = driver === 'ipmi' ? 'HOST or HOST:PORT' : 'HOST, HOST:PORT or https://HOST[:PORT]';
    findings.problem('pm_addr', `must be ${form}`);
    return undefined;
  }
  const given = portOf(address.replace(/^https?:\/\//i, ''));
  if (given !== '' && port !== '' && given !== port) {
    findings.problem('pm_port', `is ${port}, but pm_addr has port ${given}`);
    return undefined;
  }
  const authority = withPort(url.hostname, given || port);
  if (driver === 'ipmi') return `ipmi://${authority.replace(/:623$/, '')}`;
  if (url.protocol === 'http:') return `redfish+http://${authority}${system}`;
  return `redfish://${authority.replace(/:443$/, '')}${system}`;
}

/** Undefined for what is no BMC's address. */
export function placeOf(address: string): BmcPlace | undefined {
  const [, scheme = '', rest = ''] = /^(ipmi|redfish[a-z+-]*):\/\/(.+)$/.exec(address) ?? [];
  const protocol = scheme.endsWith('+http') ? 'http' : 'https';
  const url = scheme === '' ? undefined : locate(`${protocol}://${rest}`);
  if (url === undefined) return undefined;
  if (scheme === 'ipmi') {
    return {
      endpoint: `ipmi ${withPort(url.hostname, portOf(rest) || String(ipmiPort))}`,
      system: undefined,
    };
  }
  const path = url.pathname.replace(/\/+$/, '');
  const port = url.port || (protocol === 'http' ? '80' : '443');
  return {
    endpoint: `redfish ${withPort(url.hostname, port)}`,
    system: path === '' || path === '/redfish/v1' ? undefined : path,
  };
}

/** Where one names no system, it means the only one, which then is the other's too. */
export const isSamePlace = (one: BmcPlace, other: BmcPlace): boolean =>
  one.endpoint === other.endpoint &&
  (one.system === undefined || other.system === undefined || one.system === other.system);

function readSystem(value: unknown, driver: Driver, findings: Findings): string {
  if (value === undefined || value === null || value === '') return '';
  if (driver === 'ipmi') findings.problem('pm_system_id', 'is for Redfish only: remove it');
  else if (typeof value !== 'string' || !systemPath.test(value)) {
    findings.problem('pm_system_id', 'must be the path of the system, as /redfish/v1/Systems/1');
  } else return value.replace(/\/+$/, '');
  return '';
}

function readPort(value: unknown, findings: Findings): string {
  if (value === undefined || value === null || value === '') return '';
  const port = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  if (/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535) return port;
  findings.problem('pm_port', 'must be a number from 1 to 65535');
  return '';
}

const locateIpmi = (address: string): URL | undefined =>
  address.includes('/') ? undefined : locate(`http://${bracketed(address)}`);

/** TripleO's redfish takes a host, or a URL that says whether there is TLS. */
function locateRedfish(address: string): URL | undefined {
  const [, protocol = 'https', rest = ''] = /^(?:(https?):\/\/)?(.*)$/i.exec(address) ?? [];
  const url = locate(`${protocol.toLowerCase()}://${bracketed(rest)}`);
  return url !== undefined && /^\/(redfish\/v1\/?)?$/.test(url.pathname) ? url : undefined;
}

function locate(text: string): URL | undefined {
  const url = /^https?:\/\/[^/\s]\S*$/.test(text) ? URL.parse(text) : null;
  return url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '' ? url : undefined;
}

/** A bare IPv6 address cannot have a port, and needs brackets in a URL. */
const bracketed = (host: string): string =>
  /^[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*$/i.test(host) ? `[${host}]` : host;

/** As it is written: URL drops the port that it takes for the protocol's own, and IPMI has another. */
const portOf = (authority: string): string =>
  /^(?:\[[^\]]*\]|[^:/]*):(\d+)(?:\/|$)/.exec(authority)?.[1] ?? '';

const withPort = (host: string, port: string): string => (port === '' ? host : `${host}:${port}`);
