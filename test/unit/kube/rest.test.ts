// The client over HTTP against a small server of our own that misbehaves on demand. (The real API server: test/integration.)
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Agent } from 'undici';
import type { ApiServerAccess } from '../../../src/kube/access.ts';
import { createApiServer } from '../../../src/kube/http.ts';
import { createListWatch } from '../../../src/kube/list-watch.ts';
import { configMaps, controllerRevisions, secrets } from '../../../src/kube/objects.ts';
import { createKubeClient } from '../../../src/kube/rest.ts';
import type { OperatorError } from '../../../src/kernel/errors.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly contentType: string;
  readonly body: unknown;
}

describe('client over HTTP', () => {
  let answer: (response: ServerResponse, seen: Seen) => void;
  const requests: Seen[] = [];
  const observed: string[] = [];
  let refused = 0;
  const dispatcher = new Agent();
  const server = createServer((request, response) => void serve(request, response));
  let access: ApiServerAccess;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { method = '', url = '', headers } = request;
    const seen = {
      method,
      url,
      contentType: headers['content-type'] ?? '',
      body: text && (JSON.parse(text) as unknown),
    };
    requests.push(seen);
    answer(response, seen);
  }
  const reply = (status: number, body: unknown) => {
    answer = (response) => {
      response.writeHead(status, { 'Content-Type': 'application/json', 'X-Secret': 'header-secret' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
  };
  const make = () => {
    const api = createApiServer(access, (method, code) => observed.push(`${method} ${code}`));
    return { client: createKubeClient(api), source: createListWatch(api) };
  };
  const key = { namespace: 'lab', name: 'a' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...key, resourceVersion: '7' } };
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error as OperatorError,
    );

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    access = {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      namespace: undefined,
      current: () => Promise.resolve({ dispatcher, headers: { Authorization: 'Bearer token-secret' } }),
      refused: () => void (refused += 1),
      close: () => Promise.resolve(),
    };
  });
  beforeEach(() => {
    requests.length = 0;
    observed.length = 0;
  });
  after(async () => {
    await dispatcher.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('finds the path of a core kind and of one in a group', async () => {
    reply(200, object);
    await make().client.get(configMaps, key);
    await make().client.get(controllerRevisions, key);
    expect(requests.map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
      'GET /api/v1/namespaces/lab/configmaps/a',
      'GET /apis/apps/v1/namespaces/lab/controllerrevisions/a',
    ]);
  });

  it('applies with force, as its field manager, and refuses fields that the schema does not know', async () => {
    reply(200, object);
    await make().client.apply(
      configMaps,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: key, data: { a: '1' } },
      'undercloud-x',
    );
    expect(requests[0]).to.deep.include({ method: 'PATCH', contentType: 'application/apply-patch+yaml' });
    expect(requests[0]?.url).to.match(/\/a\?fieldValidation=Strict&fieldManager=undercloud-x&force=true$/);
  });

  it('fetches a list page by page, and gives each item its kind', async () => {
    answer = (response, { url }) => {
      const second = url.includes('continue=next');
      const metadata = { resourceVersion: '9', ...(second ? {} : { continue: 'next' }) };
      response.end(JSON.stringify({ metadata, items: [{ metadata: { ...key, name: second ? 'b' : 'a' } }] }));
    };
    const listed = await make().client.list(configMaps, { namespace: 'lab', labelSelector: 'x=y' });
    expect(listed.map(({ kind, apiVersion, metadata }) => [kind, apiVersion, metadata.name])).to.deep.equal([
      ['ConfigMap', 'v1', 'a'],
      ['ConfigMap', 'v1', 'b'],
    ]);
    expect(requests[0]?.url).to.equal('/api/v1/namespaces/lab/configmaps?limit=500&labelSelector=x%3Dy');
  });

  it('takes what is gone for undefined when read, and for done when deleted', async () => {
    reply(404, { kind: 'Status', code: 404, reason: 'NotFound' });
    expect(await make().client.get(configMaps, key)).to.equal(undefined);
    await make().client.delete(configMaps, key, { uid: 'u' });
    expect(requests[1]?.body).to.deep.include({ preconditions: { uid: 'u' } });
  });

  it('asks for new credentials when it is refused', async () => {
    reply(401, { code: 401 });
    const before = refused;
    expect(await failureOf(make().client.get(configMaps, key))).to.include({ reason: 'Unauthorized' });
    expect(refused).to.equal(before + 1);
  });

  it('says nothing of headers and bodies when something fails', async () => {
    const { client } = make();
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: key,
      data: { password: 'Ym9keS1zZWNyZXQ=' },
    };
    for (const body of [
      '<html>body-secret</html>',
      { code: 500, message: 'etcdserver: no leader', details: 'body-secret' },
    ]) {
      reply(500, body);
      const error = await failureOf(client.create(secrets, secret));
      expect(error).to.include({ kind: 'transient', reason: 'Unavailable' });
      expect(`${error?.message} ${error?.stack}`).not.to.match(/secret\b|Ym9k/);
    }
  });

  it('says that nothing answers when nothing does', async () => {
    answer = (response) => response.destroy();
    expect(await failureOf(make().client.get(configMaps, key))).to.include({ reason: 'Unavailable' });
    expect(observed).to.deep.equal(['GET <error>']);
  });

  it('ends a request at once with the reason of its signal', async () => {
    answer = () => undefined;
    const stop = new AbortController();
    const reason = new Error('stopping');
    const result = failureOf(make().client.get(configMaps, key, stop.signal));
    setTimeout(() => stop.abort(reason), 20);
    expect(await result).to.equal(reason);
  });

  it('yields watch events as they come, and ends when told to', async () => {
    const stop = new AbortController();
    answer = (response) => {
      response.write('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type":"MOD');
      setTimeout(() => response.write('IFIED","object":{"metadata":{"name":"b"}}}\n'), 20);
    };
    const options = { resourceVersion: '5', timeoutSeconds: 290 };
    const events = await make().source.watch(configMaps, options, stop.signal);
    const names: string[] = [];
    const ended = (async () => {
      for await (const event of events) {
        if (event.type !== 'BOOKMARK') names.push(event.object.metadata.name);
        if (names.length === 2) stop.abort(new Error('enough'));
      }
    })();
    expect(await failureOf(ended)).to.be.instanceOf(Error);
    expect(names).to.deep.equal(['a', 'b']);
    expect(requests[0]?.url).to.equal(
      '/api/v1/configmaps?watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=290',
    );
  });
});
