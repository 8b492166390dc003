// Names that would lead elsewhere than they say, and what registries' own words look like in our messages.
import { expect } from 'chai';
import type { Registry } from '../../../src/images/registry/port.ts';
import { parseRefusal, refusal, wordsOf } from '../../../src/images/registry/refusal.ts';
import { digestOf } from '../../fakes/registry.ts';
import { failure, never, registryLab, repository } from './registry-lab.ts';

const blob = { digest: digestOf('x'), size: 1 };
const manifest = { ...blob, mediaType: '', content: new Uint8Array() };

describe('the registry client asks nothing of', () => {
  const { fake, clientOf } = registryLab();

  const tricks: readonly { readonly name: string; readonly ask: (client: Registry) => Promise<unknown> }[] = [
    ...[
      '../v2/other',
      'a/../b',
      '/a',
      'a//b',
      'http://evil.example.org/x',
      '//evil.example.org/x',
      'a?b',
      'a#b',
      'A',
      '',
      'a b',
      'a\r\nb',
      'a%2fb',
    ].map((name) => ({
      name: `the repository ${JSON.stringify(name)}`,
      ask: (client: Registry) => client.tags(name, never),
    })),
    ...['../1', '1/2', '1?x', '', 'sha256:12', 'a b', 'x'.repeat(129)].map((tag) => ({
      name: `the tag ${JSON.stringify(tag.slice(0, 20))}`,
      ask: (client: Registry) => client.manifest(repository, tag, never),
    })),
    {
      name: 'a digest that is none, for a blob',
      ask: (client) => client.readBlob(repository, { digest: '../x', size: 1 }, 0, never),
    },
    {
      name: 'a digest that is none, to mount',
      ask: (client) => client.mountBlob(repository, 'x', 'a', never),
    },
    {
      name: 'a repository that is none, to mount from',
      ask: (client) => client.mountBlob(repository, blob.digest, '../a', never),
    },
    {
      name: 'a tag that is none, to put',
      ask: (client) => client.putManifest(repository, '..', manifest, never),
    },
  ];
  for (const { name, ask } of tricks) {
    it(name, async () => {
      const registry = await fake();
      const client = clientOf(registry.host);
      const error = await failure(Promise.resolve().then(() => ask(client)));
      expect(error).to.include({ kind: 'terminal', reason: 'ReferenceInvalid' });
      expect(registry.requests()).to.deep.equal([]);
    });
  }

  for (const host of [
    '',
    'a/b',
    'user@host',
    'host:port',
    'http://host',
    'host/../x',
    'host?x',
    'ho st',
    'host:99999',
  ]) {
    it(`a registry at ${JSON.stringify(host)}`, async () => {
      const error = await failure(clientOf(host).check(never));
      expect(error).to.include({ kind: 'terminal', reason: 'ReferenceInvalid' });
      expect(error.message).to.include('registry address');
    });
  }
});

describe("a registry's own words", () => {
  const access = { host: 'registry.example.org', insecure: false };
  const errors = (...list: readonly object[]) => JSON.stringify({ errors: list });

  for (const { name, body, words } of [
    {
      name: 'code, message and detail',
      body: errors({ code: 'NAME_UNKNOWN', message: 'no such name', detail: { name: 'a' } }),
      words: 'NAME_UNKNOWN no such name {"name":"a"}',
    },
    { name: 'several', body: errors({ code: 'A' }, { code: 'B', detail: 'c' }), words: 'A; B c' },
    {
      name: 'what cannot be printed is left out',
      body: errors({ message: 'one\n\u001b[31mtwo\u202e\u0000three' }),
      words: 'one [31mtwo three',
    },
    { name: 'no JSON', body: '<html>Bad gateway</html>', words: '' },
    { name: 'JSON of another form', body: '{"errors":"many"}', words: '' },
    { name: 'null', body: 'null', words: '' },
    { name: 'null in a list', body: '{"errors":[null]}', words: '' },
    { name: 'what holds a secret', body: errors({ message: 'you sent not-a-secret' }), words: '' },
  ]) {
    it(name, () => {
      expect(parseRefusal(400, body, ['not-a-secret'])).to.include({ words });
    });
  }

  for (const { name, secret, body } of [
    { name: 'a quotation mark', secret: 'p"w-secret', body: errors({ detail: { got: 'p"w-secret' } }) },
    { name: 'a backslash', secret: 'back\\slash', body: errors({ detail: { got: 'back\\slash' } }) },
    { name: 'two spaces', secret: 'two  spaces', body: errors({ message: 'you sent two  spaces' }) },
    { name: 'an accent, escaped', secret: 'passé', body: '{"errors":[{"message":"pass\\u00e9"}]}' },
    { name: 'two spaces, escaped', secret: 'two  sp', body: '{"errors":[{"code":"two\\u0020 sp"}]}' },
    { name: 'what looks like JSON', secret: '"a": 1', body: '{"errors":[{"detail":{"a": 1}}]}' },
    { name: 'JSON within JSON', secret: 'p"w', body: errors({ detail: JSON.stringify({ got: 'p"w' }) }) },
    { name: 'a URL', secret: 'p&w', body: errors({ message: '/token?password=p%26w' }) },
    { name: "a field's name", secret: 'two  spaces', body: errors({ detail: { 'two  spaces': 1 } }) },
    { name: 'a place that is not shown', secret: 'hidden', body: '{"errors":[{"code":"A"}],"x":"hidden"}' },
  ]) {
    it(`that hold a secret are not shown: ${name}`, () => {
      expect(wordsOf(parseRefusal(400, body, [secret]))).to.equal('400');
      expect(wordsOf(parseRefusal(400, body, ['another']))).not.to.equal('400');
    });
  }

  it('nested without end say nothing', () => {
    const deep = `{"errors":[{"detail":${'['.repeat(30_000)}${']'.repeat(30_000)}}]}`;
    expect(parseRefusal(400, deep, ['not-a-secret'])).to.include({ words: '' });
  });

  it('count also where they are not shown', () => {
    const body = errors({ detail: 'write /not-a-secret: no space left on device' });
    expect(parseRefusal(500, body, ['not-a-secret'])).to.include({ words: '', full: true });
  });

  it('are cut where they are long', () => {
    const error = refusal(access, parseRefusal(400, errors({ message: 'x'.repeat(5_000) }), []), 'it');
    expect(error.message.length).to.be.lessThan(400);
  });

  for (const { name, status, body, right, reason } of [
    { name: '507', status: 507, body: '', right: 'push', reason: 'RegistryFull' },
    {
      name: 'no space, as the distribution project says it of a file that it writes',
      status: 500,
      body: errors({ code: 'UNKNOWN', detail: 'write /x: no space left on device' }),
      right: 'push',
      reason: 'RegistryFull',
    },
    {
      name: 'no space, as it says it of a directory that it makes',
      status: 500,
      body: errors({
        code: 'UNKNOWN',
        detail: { DriverName: 'filesystem', Enclosed: { Op: 'mkdir', Err: 28 } },
      }),
      right: 'push',
      reason: 'RegistryFull',
    },
    {
      name: 'a quota, as Quay says it',
      status: 403,
      body: errors({ code: 'DENIED', message: 'Quota has been exceeded on namespace' }),
      right: 'push',
      reason: 'RegistryFull',
    },
    {
      name: 'a quota, as Harbor says it',
      status: 412,
      body: errors({
        code: 'DENIED',
        message:
          'adding 5.0 MiB of storage resource, which when updated to current usage of 9 MiB will exceed the configured upper limit of 10 MiB.',
      }),
      right: 'push',
      reason: 'RegistryFull',
    },
    {
      name: 'a quota of pulls is no matter of room',
      status: 403,
      body: errors({ code: 'DENIED', message: 'pull quota exceeded' }),
      right: 'pull',
      reason: 'RegistryAuthFailed',
    },
    { name: 'too large for a proxy', status: 413, body: '<html>', right: 'push', reason: 'RegistryRefused' },
    { name: 'a failure of one request', status: 500, body: '', right: 'pull', reason: 'RegistryFailed' },
    ...([502, 503, 504] as const).map((status) => ({
      name: `${status} of what stands before it`,
      status,
      body: '',
      right: 'pull' as const,
      reason: 'RegistryUnreachable',
    })),
    {
      name: 'denied',
      status: 403,
      body: errors({ code: 'DENIED' }),
      right: 'push',
      reason: 'RegistryAuthFailed',
    },
  ] as const) {
    it(`mean ${reason}: ${name}`, () => {
      expect(refusal(access, parseRefusal(status, body, []), 'it', right)).to.include({ reason });
    });
  }
});
