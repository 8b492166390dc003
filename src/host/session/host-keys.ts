// Which SSH host keys we accept: the pinned ones, or, where none is, the first that we see and no other.
import type { ServerHostKeyAlgorithm } from 'ssh2';

export interface HostKeyCheck {
  /** What to offer in the handshake, so that a server with several keys shows one that we can check. */
  readonly algorithms: ServerHostKeyAlgorithm[] | undefined;
  /** Takes the key as it came over the wire (RFC 4253 section 6.6). */
  accept(key: Buffer): boolean;
  /** The key that the host showed last, as `ssh-ed25519 AAAA…`; empty before it showed one. */
  shown(): string;
}

/** `pinned` are lines as in a `.pub` or known_hosts file: type, base64, optionally a comment. */
export function createHostKeyCheck(pinned: readonly string[]): HostKeyCheck {
  const accepted = new Set(pinned.map(withoutComment));
  let shown = '';
  return {
    algorithms: pinned.length === 0 ? undefined : algorithmsOf(accepted),
    accept(key) {
      shown = `${keyType(key)} ${key.toString('base64')}`;
      if (accepted.size === 0) accepted.add(shown);
      return accepted.has(shown);
    },
    shown: () => shown,
  };
}

function withoutComment(line: string): string {
  return line.trim().split(/\s+/).slice(0, 2).join(' ');
}

function keyType(key: Buffer): string {
  return key.toString('latin1', 4, 4 + key.readUInt32BE(0));
}

function algorithmsOf(keys: ReadonlySet<string>): ServerHostKeyAlgorithm[] {
  const types = new Set([...keys].map((key) => key.split(' ')[0]));
  const known: readonly ServerHostKeyAlgorithm[] = [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
  ];
  const wanted = known.filter((type) => types.has(type));
  // An RSA key keeps its old name; what is negotiated is the hash of its signatures (RFC 8332). SHA-1 is not
  // offered.
  return types.has('ssh-rsa') ? [...wanted, 'rsa-sha2-512', 'rsa-sha2-256'] : wanted;
}
