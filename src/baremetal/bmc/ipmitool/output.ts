// What ipmitool prints, read: power, `mc info`, `fru print`, and what went wrong. Texts are those of ipmitool 1.8.18 and 1.8.19.
import { present } from '../present.ts';
import type { Inventory, PowerState } from '../port.ts';

/** `suite`: this cipher suite is not spoken there; another may be. */
export type IpmiFailure = 'suite' | 'auth' | 'privilege' | 'busy' | 'unreachable' | 'refused';

/** The first that matches names the failure. All but the last need `-v`: without it ipmitool only says that there is no session. */
const symptoms: readonly (readonly [RegExp, IpmiFailure])[] = [
  [/invalid (authentication|integrity|confidentiality) algorithm/i, 'suite'],
  [/unsupported cipher suite|no matching cipher suite|no cipher suite match/i, 'suite'],
  [
    /RAKP 2 HMAC is invalid|RAKP 4 (message has )?invalid|unauthorized name|invalid (user|integrity check)/i,
    'auth',
  ],
  [/(password|username) is longer than/i, 'auth'],
  [/invalid role|unauthorized role|insufficient privilege/i, 'privilege'],
  [/insufficient resources|node busy|initialization in progress|out of space/i, 'busy'],
  [/unable to establish|could not open socket|timeout|no response|address lookup/i, 'unreachable'],
];

export const failureOf = (output: string): IpmiFailure =>
  symptoms.find(([pattern]) => pattern.test(output))?.[1] ?? 'refused';

/** The lines that say why, on one line; ipmitool's chatter and its summary are left out where there is better. */
export function explanation(output: string): string {
  const lines = output.split('\n').map((line) => line.replace(/^[>\s]+/, '').trim());
  const said = lines.filter(
    (line) => line !== '' && !/^Loading IANA|^Running Get|^Discovered IPMB/.test(line),
  );
  const precise = said.filter((line) => !line.startsWith('Error: Unable to establish'));
  return (precise.length > 0 ? precise : said).slice(0, 3).join('; ').slice(0, 300) || 'it printed nothing';
}

export function powerIn(output: string): PowerState {
  const state = /Chassis Power is (on|off)/i.exec(output)?.[1]?.toLowerCase();
  if (state === undefined) return 'Unknown';
  return state === 'on' ? 'On' : 'Off';
}

/** What `raw` prints: two hexadecimal digits a byte. */
export const bytesIn = (output: string): Buffer =>
  Buffer.from([...output.matchAll(/\b[0-9a-f]{2}\b/g)].map(([byte]) => Number.parseInt(byte, 16)));

/** `mcInfo` and `fru` as printed; an empty `fru` is a machine without one. */
export function inventoryIn(mcInfo: string, fru: string, cipherSuite: number): Inventory {
  const mc = fieldsIn(mcInfo);
  const unit = fieldsIn(fru);
  return present<Inventory>({
    bmc: present<Inventory['bmc']>({
      protocol: 'IPMI',
      protocolVersion: mc['IPMI Version'],
      vendor: known(mc['Manufacturer Name']),
      model: known(mc['Product Name']),
      firmwareVersion: mc['Firmware Revision'],
      cipherSuite,
    }),
    vendor: unit['Product Manufacturer'] ?? unit['Board Mfg'],
    model: unit['Product Name'] ?? unit['Board Product'],
    serial: unit['Product Serial'] ?? unit['Chassis Serial'] ?? unit['Board Serial'],
    biosVersion: undefined,
    cpu: undefined,
    memoryMebibytes: undefined,
    disks: [],
    nics: [],
  });
}

/** ipmitool prints `Unknown (0x…)` for a number that has no name. */
const known = (value: string | undefined): string | undefined =>
  /^(Unknown|Unspecified)\b/i.test(value ?? '') ? undefined : value;

/** `Name : value` lines; the first of a name counts, empty values do not. */
function fieldsIn(text: string): Partial<Record<string, string>> {
  const pairs = text.split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^\s*([^:]+?)\s*: +(.*\S)\s*$/.exec(line) ?? [];
    return name === '' ? [] : [[name, value] as const];
  });
  return Object.fromEntries(pairs.reverse());
}
