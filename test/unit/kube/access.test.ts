// How credentials become connections and headers.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { OperatorError } from '../../../src/kernel/errors.ts';
import { loadAccess } from '../../../src/kube/access.ts';
import { createManualClock } from '../../fakes/clock.ts';

describe('access to the API server', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'undercloud-access-'));
  });
  after(() => rm(folder, { recursive: true }));

  const kubeconfig = async (user: object, cluster: object = {}): Promise<string> => {
    const file = path.join(folder, 'kubeconfig');
    const config = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'lab' } }],
      clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:6443/', ...cluster } }],
      users: [{ name: 'u', user }],
    };
    await writeFile(file, JSON.stringify(config));
    return file;
  };

  it('takes server, namespace and token from the kubeconfig', async () => {
    const access = loadAccess({ kubeconfig: await kubeconfig({ token: 't0ken' }) }, createManualClock());
    expect([access.server, access.namespace]).to.deep.equal(['https://127.0.0.1:6443', 'lab']);
    expect((await access.current()).headers).to.deep.include({
      Authorization: 'Bearer t0ken',
      'User-Agent': 'undercloud',
    });
    await access.close();
  });

  it('uses one pool of connections for all requests, and a new one when the certificates change', async () => {
    const ca = path.join(folder, 'ca.crt');
    await writeFile(ca, 'first');
    const clock = createManualClock();
    const access = loadAccess(
      { kubeconfig: await kubeconfig({ token: 't' }, { 'certificate-authority': ca }) },
      clock,
    );
    const [first, same] = await Promise.all([access.current(), access.current()]);
    expect(same.dispatcher).to.equal(first.dispatcher);
    await writeFile(ca, 'second');
    expect((await access.current()).dispatcher).to.equal(first.dispatcher);
    await clock.advance(60_000);
    const second = await access.current();
    expect(second.dispatcher).not.to.equal(first.dispatcher);
    await writeFile(ca, 'third');
    access.refused();
    expect((await access.current()).dispatcher).not.to.equal(second.dispatcher);
    await access.close();
  });

  it('refuses a file that is not there', () => {
    const kubeconfig = path.join(folder, 'none');
    expect(() => loadAccess({ kubeconfig }, createManualClock())).to.throw(
      OperatorError,
      `cannot load the kubeconfig ${kubeconfig}`,
    );
  });

  it('refuses a context that names no cluster', async () => {
    const file = path.join(folder, 'empty');
    await writeFile(file, '{"current-context": "lost", "contexts": [], "clusters": [], "users": []}');
    expect(() => loadAccess({ kubeconfig: file }, createManualClock())).to.throw(
      OperatorError,
      "'lost' names no cluster",
    );
  });
});
