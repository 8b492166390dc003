// pm_type: which of TripleO's drivers we speak, and what to do about those we do not.
// Source: openstack/tripleo-common, tripleo_common/utils/nodes.py (DRIVER_INFO), old names included.
import type { Findings } from './findings.ts';

/** idrac and ilo are spoken as Redfish. */
export type Driver = 'ipmi' | 'redfish' | 'idrac' | 'ilo';

const drivers: readonly (readonly [RegExp, Driver])[] = [
  [/^(ipmi|.+_ipmitool)$/, 'ipmi'],
  [/^redfish$/, 'redfish'],
  [/^(idrac|.+_drac)$/, 'idrac'],
  [/^(ilo5?|.+_ilo)$/, 'ilo'],
];

const speakOther = 'is not supported: if its BMC speaks Redfish or IPMI too, use redfish or ipmi';
const noBmc = 'is not supported: a machine needs a BMC that powers it, over redfish or ipmi';

const refused: readonly (readonly [RegExp, string])[] = [
  [/^(irmc|.+_irmc|xclarity)$/, speakOther],
  [/^(staging-.+|.+_iboot|.*wol|.+_amt)$/, noBmc],
  [
    /^(manual-management|fake_pxe|fake_agent)$/,
    `${noBmc}; make its BareMetalNode by hand when it has got one`,
  ],
  [/^fake(-hardware)?$/, 'is for tests of Ironic only: leave the node out'],
];

/** Undefined after a problem was reported. */
export function readDriver(value: unknown, findings: Findings): Driver | undefined {
  if (typeof value !== 'string' || value === '') {
    findings.problem('pm_type', 'is missing: use ipmi or redfish');
    return undefined;
  }
  const driver = drivers.find(([pattern]) => pattern.test(value))?.[1];
  if (driver === 'idrac' || driver === 'ilo') {
    findings.remark('note', `${value} is spoken as Redfish: it must be switched on in the BMC`);
  }
  if (driver === undefined) {
    const why = refused.find(([pattern]) => pattern.test(value))?.[1];
    findings.problem('pm_type', `${value} ${why ?? 'is unknown: use ipmi or redfish'}`);
  }
  return driver;
}
