// capabilities and profile: TripleO's "profile:compute,boot_option:local,boot_mode:uefi", or the same as a map.
import { isMap, type RawNode } from './document.ts';
import type { Findings } from './findings.ts';

export interface Capabilities {
  readonly profile?: string;
  readonly bootMode?: 'UEFI' | 'UEFISecureBoot' | 'Legacy';
  /** Those that no field of ours stands for. */
  readonly capabilities?: Readonly<Record<string, string>>;
}

/** The key `profile` wins over the capability of that name, as in TripleO. */
export function readCapabilities(node: RawNode, findings: Findings): Capabilities {
  const all = split(node.capabilities, findings);
  const { profile: capability, boot_option: bootOption, boot_mode: mode, secure_boot: secure, ...rest } = all;
  const profile = readProfile(node.profile, findings) ?? capability;
  const bootMode = readBootMode(mode, secure, findings);
  if (bootOption !== undefined && bootOption !== 'local') {
    const what = `capability boot_option:${bootOption} is ignored`;
    findings.remark('note', `${what}: machines that are deployed boot from their disk`);
  }
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(bootMode === undefined ? {} : { bootMode }),
    ...(Object.keys(rest).length === 0 ? {} : { capabilities: rest }),
  };
}

function split(value: unknown, findings: Findings): Readonly<Record<string, string>> {
  if (value === undefined || value === null || value === '') return {};
  const pairs = isMap(value) ? Object.entries(value) : typeof value === 'string' ? pairsOf(value) : undefined;
  const found: Record<string, string> = {};
  for (const [name, item] of pairs ?? []) {
    const isPlain = typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean';
    if (name === '' || !isPlain) return refuse(findings);
    // TripleO's own files have True and False here, as Python writes them.
    found[name] = typeof item === 'boolean' ? String(item) : String(item).trim();
  }
  return pairs === undefined ? refuse(findings) : found;
}

function pairsOf(text: string): readonly (readonly [string, string | undefined])[] {
  return text
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const [, name = '', value] = /^\s*([^:\s]+)\s*:(.*)$/.exec(pair) ?? [];
      return [name, value] as const;
    });
}

function refuse(findings: Findings): Readonly<Record<string, string>> {
  findings.problem(
    'capabilities',
    'must be text as "profile:compute,boot_mode:uefi", or a map of name to value',
  );
  return {};
}

function readProfile(value: unknown, findings: Findings): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  findings.problem('profile', 'must be text: put it in quotes');
  return undefined;
}

function readBootMode(
  mode: string | undefined,
  secure: string | undefined,
  findings: Findings,
): Capabilities['bootMode'] {
  const isSecure = secure?.toLowerCase() === 'true';
  if (mode !== undefined && mode !== 'uefi' && mode !== 'bios') {
    findings.problem('capabilities', `have boot_mode:${mode}, it must be uefi or bios`);
  }
  if (mode === 'bios' && isSecure) {
    findings.problem('capabilities', 'have secure_boot with boot_mode:bios, it needs boot_mode:uefi');
  }
  if (isSecure) return 'UEFISecureBoot';
  return mode === undefined ? undefined : mode === 'bios' ? 'Legacy' : 'UEFI';
}
