// The ledger's file: what is read back, and what is refused.
import { expect } from 'chai';
import type { Ledger } from '../../../../src/host/ports.ts';
import { ledgerFile, parseLedger } from '../../../../src/host/session/ledger.ts';

const empty: Ledger = { version: 1, files: {}, jobs: {}, pendingRestarts: [], replaced: {} };

describe('the ledger', () => {
  it('is empty where there is none', () => {
    expect(parseLedger('', 'ctrl01')).to.deep.equal(empty);
  });

  it('comes back as it was written, for root alone', () => {
    const ledger: Ledger = {
      ...empty,
      files: { '/etc/x': 'abc' },
      jobs: { 'nova/db_sync': { hash: 'h', exitCode: 0, finishedAt: '2026-01-01T00:00:00Z' } },
      pendingRestarts: ['nova_api'],
    };
    const file = ledgerFile(ledger);
    expect(parseLedger(new TextDecoder().decode(file.content), 'ctrl01')).to.deep.equal(ledger);
    expect(file).to.include({ path: '/var/lib/undercloud/ledger.json', mode: '0600', owner: 'root:root' });
  });

  it('reads one that lacks what came later', () => {
    expect(parseLedger('{"version": 1, "files": {"/a": "b"}}', 'ctrl01')).to.deep.equal({
      ...empty,
      files: { '/a': 'b' },
    });
  });

  for (const text of ['{', 'null', '[1]', '{"version": 2}', '{}']) {
    it(`refuses ${text}, and says where it is and what to do`, () => {
      expect(() => parseLedger(text, 'ctrl01')).to.throw(
        /ctrl01: cannot read \/var\/lib\/undercloud\/ledger.json: .*; bring it back/,
      );
    });
  }
});
