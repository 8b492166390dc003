// How hosts are called: Role.spec.hostnameFormat, as TripleO's HostnameFormatDefault with padding added.

export interface NameParts {
  readonly overcloud: string;
  readonly role: string;
  readonly index: number;
}

/**
 * `%overcloud%` and `%role%` stand for those names, `%index%` counts from 0, `%index1%` from 1, and `:02` pads with zeros to
 * two digits.
 */
export function formatHostname(format: string, { overcloud, role, index }: NameParts): string {
  return format
    .replaceAll('%overcloud%', overcloud)
    .replaceAll('%role%', role)
    .replaceAll(/%index(1?)(?::0(\d))?%/g, (_, fromOne: string, digits?: string) =>
      String(fromOne === '' ? index : index + 1).padStart(Number(digits ?? 0), '0'),
    );
}
