// One node of the file as what we would make of it.
import type { BareMetalNodeSpec } from '../../api/baremetalnode.gen.ts';
import { type BmcPlace, placeOf, readBmcAddress } from './bmc.ts';
import { readCapabilities } from './capabilities.ts';
import type { RawNode } from './document.ts';
import { readDriver } from './driver.ts';
import type { Findings } from './findings.ts';
import { checkKeys } from './keys.ts';
import { readMacs } from './macs.ts';
import { readRootDevice } from './root-device.ts';

/** What the file says of a spec; the rest belongs to people, and to the schema's defaults. */
export type ImportedSpec = Pick<
  Partial<BareMetalNodeSpec>,
  'profile' | 'bootMode' | 'capabilities' | 'resourceClass' | 'bootMACAddress' | 'rootDeviceHints'
>;

/** What tells one node from another; a part that had a problem is undefined. */
export interface Identity {
  /** For messages: `node 3 (ctrl03)`. */
  readonly label: string;
  readonly findings: Findings;
  /** As in the file; undefined where it has none. */
  readonly givenName: string | undefined;
  /** Fit for an object; made from the MAC or the BMC's address where the file has none. */
  readonly name: string | undefined;
  readonly bmcAddress: string | undefined;
  readonly place: BmcPlace | undefined;
  /** All of them, in lower case. */
  readonly macs: readonly string[];
}

export interface ImportedNode extends Identity {
  readonly name: string;
  readonly bmcAddress: string;
  readonly place: BmcPlace;
  readonly insecure: boolean;
  readonly username: string;
  /** Never printed, and written to the Secret only. */
  readonly password: string;
  readonly spec: ImportedSpec;
}

/** `node` is undefined when there was a problem with what it cannot do without; every problem was reported. */
export interface Read {
  readonly identity: Identity;
  readonly node: ImportedNode | undefined;
}

const longestName = 63;

export function readNode(node: RawNode, label: string, findings: Findings): Read {
  const driver = readDriver(node.pm_type, findings);
  const macs = readMacs(node, findings);
  const givenName = readGivenName(node.name, findings);
  const bmcAddress = driver === undefined ? undefined : readBmcAddress(node, driver, findings);
  const place = bmcAddress === undefined ? undefined : placeOf(bmcAddress);
  const name = nameOf(givenName, macs[0], place, findings);
  const identity: Identity = { label, findings, givenName, name, bmcAddress, place, macs };
  // What the other keys may be depends on the driver.
  if (driver === undefined) return { identity, node: undefined };
  checkKeys(node, driver, findings);
  const username = readText(node, 'pm_user', findings);
  const password = readText(node, 'pm_password', findings);
  const spec = readSpec(node, macs[0], findings);
  const insecure = driver !== 'ipmi' && readInsecure(node.redfish_verify_ca, findings);
  if (bmcAddress === undefined || place === undefined || name === undefined)
    return { identity, node: undefined };
  if (username === undefined || password === undefined) return { identity, node: undefined };
  return { identity, node: { ...identity, name, bmcAddress, place, insecure, username, password, spec } };
}

function readSpec(node: RawNode, bootMACAddress: string | undefined, findings: Findings): ImportedSpec {
  const rootDeviceHints = readRootDevice(node, findings);
  const resourceClass = readResourceClass(node.resource_class, findings);
  return {
    ...readCapabilities(node, findings),
    ...(resourceClass === undefined ? {} : { resourceClass }),
    ...(bootMACAddress === undefined ? {} : { bootMACAddress }),
    ...(rootDeviceHints === undefined ? {} : { rootDeviceHints }),
  };
}

function readText(node: RawNode, key: string, findings: Findings): string | undefined {
  const value = node[key];
  if (typeof value === 'string' && value !== '') return value;
  const isMissing = value === undefined || value === null || value === '';
  findings.problem(key, isMissing ? 'is missing' : 'must be text: put it in quotes, or digits may be lost');
  return undefined;
}

/** TripleO's default class is what a node without one is counted in. */
function readResourceClass(value: unknown, findings: Findings): string | undefined {
  if (value === undefined || value === null || value === 'baremetal') return undefined;
  if (typeof value === 'string' && value !== '') return value;
  findings.problem('resource_class', 'must be text: put it in quotes');
  return undefined;
}

/** As Ironic's redfish driver reads it: a boolean, such a word, or the path of a CA. */
function readInsecure(value: unknown, findings: Findings): boolean {
  const word = typeof value === 'string' ? value.toLowerCase() : value;
  if (word === false || word === 'false') {
    findings.remark(
      'warning',
      'redfish_verify_ca is false: anyone on the way can read the BMC password; better set spec.bmc.tls.fingerprint',
    );
    return true;
  }
  if (typeof word === 'string' && word !== 'true') {
    const remedy = 'put that CA into a ConfigMap as ca.crt and name it in spec.bmc.tls.caName';
    findings.remark('warning', `redfish_verify_ca is a path on another machine and is ignored: ${remedy}`);
  }
  return false;
}

function readGivenName(value: unknown, findings: Findings): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  findings.problem('name', 'must be text: put it in quotes');
  return undefined;
}

/** An RFC 1123 label: TripleO allows capitals, dots and underscores. Undefined where there is nothing to make one of. */
function nameOf(
  given: string | undefined,
  mac: string | undefined,
  place: BmcPlace | undefined,
  findings: Findings,
): string | undefined {
  const known = mac ?? (place === undefined ? undefined : `${place.endpoint} ${place.system ?? ''}`);
  if (given === undefined && known === undefined) return undefined;
  const from = given ?? `node-${known ?? ''}`.replaceAll(/[^0-9A-Za-z]+/g, '-');
  const name = from
    .toLowerCase()
    .replaceAll(/[._]/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (name.length <= longestName && /^[a-z0-9-]+$/.test(name)) return name;
  const rule = `must have up to ${longestName} letters, digits, hyphens, dots and underscores`;
  findings.problem('name', given === undefined ? `is missing, and ${name} is too long for one` : rule);
  return undefined;
}
