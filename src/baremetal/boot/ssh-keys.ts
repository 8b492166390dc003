// SSH keys: a new host key for a machine that we install, and the public half of a private key from a Secret.
import ssh2 from 'ssh2';
import { terminal } from '../../kernel/errors.ts';

export interface HostKey {
  readonly type: 'ed25519';
  /** OpenSSH's own format (PROTOCOL.key of OpenSSH). A secret. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA… comment`, as in a .pub file. */
  readonly publicKey: string;
}

/**
 * Never the same twice: what was made for a machine is kept in a Secret. One in 256 that ssh2 makes cannot be read, by sshd neither: it
 * strips zero bytes from the beginning of the public half (ssh2 1.17, lib/keygen.js).
 */
export function generateHostKey(comment: string): HostKey {
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    if (ssh2.utils.parseKey(made.private) instanceof Error) continue;
    return { type: 'ed25519', privateKey: made.private, publicKey: made.public };
  }
}

/**
 * The line for authorized_keys. `where` names the Secret for the error: terminal SSHKeyUnusable, where there is no key that can
 * be read without a passphrase. Nothing of the key is in it.
 */
export function publicKeyOf(privateKey: string, where: string): string {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error || !parsed.isPrivateKey()) {
    const remedy = 'make one with: ssh-keygen -t ed25519 -N ""';
    throw terminal(
      'SSHKeyUnusable',
      `${where} has no private SSH key that can be read without a passphrase: ${remedy}`,
    );
  }
  return `${parsed.type} ${parsed.getPublicSSH().toString('base64')}`;
}
