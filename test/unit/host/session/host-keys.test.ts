// Which host keys are accepted, and what is asked of the server.
import { expect } from 'chai';
import ssh2 from 'ssh2';
import { createHostKeyCheck } from '../../../../src/host/session/host-keys.ts';
import { keyPair } from './ssh-host.ts';

function wire(line: string): Buffer {
  const key = ssh2.utils.parseKey(line);
  if (key instanceof Error) throw key;
  return key.getPublicSSH();
}

describe('host keys', () => {
  const one = keyPair().public;
  const two = keyPair().public;

  it('accepts each pinned key and no other', () => {
    const check = createHostKeyCheck([`${one} a comment`, `  ${two}  `]);
    expect([one, two, keyPair().public].map((key) => check.accept(wire(key)))).to.deep.equal([
      true,
      true,
      false,
    ]);
  });

  it('accepts the first key where none is pinned, and no other after it', () => {
    const check = createHostKeyCheck([]);
    expect([one, two, one].map((key) => check.accept(wire(key)))).to.deep.equal([true, false, true]);
    expect(check.shown()).to.equal(one.split(' ').slice(0, 2).join(' '));
  });

  const offers = [
    { pinned: [], offers: undefined },
    { pinned: ['ssh-ed25519 AAAA'], offers: ['ssh-ed25519'] },
    { pinned: ['ssh-rsa AAAA'], offers: ['rsa-sha2-512', 'rsa-sha2-256'] },
    {
      pinned: ['ssh-rsa AAAA', 'ecdsa-sha2-nistp256 AAAA'],
      offers: ['ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256'],
    },
  ];
  for (const { pinned, offers: wanted } of offers) {
    it(`asks for ${wanted?.join() ?? 'anything'} with ${pinned.length === 0 ? 'nothing' : pinned.join()} pinned`, () => {
      expect(createHostKeyCheck(pinned).algorithms).to.deep.equal(wanted);
    });
  }
});
