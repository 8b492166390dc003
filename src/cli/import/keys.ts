// Which keys a node of instackenv.json may have: those we use, those we pass over, and the nearest to one we do not know.
// Source: openstack/tripleo-common, tripleo_common/utils/nodes.py (validate_nodes).
import type { RawNode } from './document.ts';
import type { Findings } from './findings.ts';
import type { Driver } from './driver.ts';

const used = [
  ...['name', 'pm_type', 'pm_addr', 'pm_user', 'pm_password', 'pm_port', 'pm_system_id'],
  ...['ports', 'mac', 'capabilities', 'profile', 'root_device', 'resource_class', 'redfish_verify_ca'],
  '_comment',
];
const expectations = ['cpu', 'memory', 'disk', 'arch'];
const interfaces = [
  ...['bios', 'boot', 'console', 'deploy', 'firmware', 'inspect', 'management', 'network', 'power', 'raid'],
  ...['rescue', 'storage', 'vendor'],
].map((name) => `${name}_interface`);
const ironics = ['conductor_group', 'platform', 'uuid', ...interfaces];
const ramdisks = ['kernel_id', 'ramdisk_id'];
const known = [...used, ...expectations, ...ironics, ...ramdisks];

/** Further away it is another word. */
const mostEdits = 3;

/** Keys that begin so are options of the driver in Ironic. */
const prefixes: Readonly<Record<Driver, readonly string[]>> = {
  ipmi: ['ipmi_'],
  redfish: ['redfish_'],
  idrac: ['drac_', 'idrac_', 'redfish_'],
  ilo: ['ilo_', 'redfish_'],
};

/** Reports unknown keys, and remarks on what is passed over. */
export function checkKeys(node: RawNode, driver: Driver, findings: Findings): void {
  for (const key of Object.keys(node)) {
    if (used.includes(key)) continue;
    if (expectations.includes(key)) {
      findings.remark(
        'note',
        'cpu, memory, disk and arch are ignored: inspection finds what is really there',
      );
    } else if (ramdisks.includes(key)) {
      findings.remark('note', 'kernel_id and ramdisk_id are ignored: see kubectl undercloud image --help');
    } else if (ironics.includes(key)) {
      findings.remark('note', `${key} is ignored: it is for Ironic, which is not here`);
    } else if (prefixes[driver].some((prefix) => key.startsWith(prefix))) {
      findings.remark('note', `${key} is ignored: it is an option of Ironic's driver`);
    } else findings.problem(key, `is unknown${hintFor(key, known)}`);
  }
}

/** What to say after "is unknown". */
export function hintFor(key: string, candidates: readonly string[]): string {
  const nearest = nearestTo(key, candidates);
  return nearest === undefined ? ': remove it' : `: is ${nearest} meant?`;
}

/** The candidate that `key` may be a slip of. */
export function nearestTo(key: string, candidates: readonly string[]): string | undefined {
  const nearest = candidates
    .map((candidate) => ({ candidate, edits: editsBetween(key, candidate) }))
    .reduce((best, next) => (next.edits < best.edits ? next : best));
  return nearest.edits <= mostEdits ? nearest.candidate : undefined;
}

/** The Levenshtein distance: how many letters must be added, removed or changed. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(from).entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const changed = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
