// root_device: Ironic's hints as ours. Source: Ironic, doc/source/install/advanced.rst, "Specifying the disk for deployment".
import type { BareMetalNodeSpecRootDeviceHints } from '../../api/baremetalnode.gen.ts';
import { isMap, type RawNode } from './document.ts';
import type { Findings } from './findings.ts';

type Hints = BareMetalNodeSpecRootDeviceHints;

/** Undefined when there are none, or after a problem was reported. */
export function readRootDevice(node: RawNode, findings: Findings): Hints | undefined {
  const value = node.root_device;
  if (value === undefined || value === null) return undefined;
  if (!isMap(value)) {
    findings.problem('root_device', 'must be a map as {"serial": "…"}');
    return undefined;
  }
  const hints = Object.entries(value).map(([name, hint]) => {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) {
      findings.problem(`root_device.${name}`, `is unknown, it knows ${Object.keys(readers).join(', ')}`);
      return {};
    }
    const found = read(hint);
    if (typeof found !== 'string') return found;
    findings.problem(`root_device.${name}`, found);
    return {};
  });
  const all = hints.reduce<Hints>((sum, hint) => ({ ...sum, ...hint }), {});
  return Object.keys(all).length === 0 ? undefined : all;
}

/** The hint, or what is wrong with it. */
type Reader = (value: unknown) => Hints | string;

const readers: Readonly<Record<string, Reader>> = {
  name: text((deviceName) => ({ deviceName })),
  by_path: text((deviceName) => ({ deviceName })),
  hctl: text((hctl) => ({ hctl })),
  model: text((model) => ({ model }), '<in>'),
  vendor: text((vendor) => ({ vendor }), '<in>'),
  serial: text((serialNumber) => ({ serialNumber })),
  wwn: text((wwn) => ({ wwn })),
  wwn_with_extension: text((wwnWithExtension) => ({ wwnWithExtension })),
  wwn_vendor_extension: text((wwnVendorExtension) => ({ wwnVendorExtension })),
  size: readSize,
  rotational: readRotational,
};

/** Ironic's hints may begin with an operator; `s==` is what is meant without one. */
function text(make: (value: string) => Hints, alsoTakes = 's=='): Reader {
  return (value) => {
    if (typeof value !== 'string' || value.trim() === '') return 'must be text: put it in quotes';
    const [, operator = 's==', rest = ''] =
      /^(s==|s!=|s>=?|s<=?|<in>|<all-in>|<or>|==|!=|>=|<=)?\s*(.*)$/.exec(value.trim()) ?? [];
    if (operator === 's==' || operator === alsoTakes) return make(rest.trim());
    return `has the operator ${operator}, which is not known here: give the value alone`;
  };
}

/** Gibibytes there, gigabytes here: "at least" holds for the disk that was meant. `=` reads "at least" in Ironic too. */
function readSize(value: unknown): Hints | string {
  const plain = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  const digits = /^(?:>=|=|==)?\s*([1-9]\d{0,6})$/.exec(plain.trim())?.[1];
  return digits === undefined
    ? 'must be a whole number of gigabytes, or ">= NUMBER"'
    : { minSizeGigabytes: Number(digits) };
}

function readRotational(value: unknown): Hints | string {
  const word = typeof value === 'boolean' || typeof value === 'string' ? String(value).toLowerCase() : '';
  return word === 'true' || word === 'false' ? { rotational: word === 'true' } : 'must be true or false';
}
