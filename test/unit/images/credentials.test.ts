// The login for a registry, out of the Secrets that people have.
import { expect } from 'chai';
import { readCredentials } from '../../../src/images/credentials.ts';
import { OperatorError } from '../../../src/kernel/errors.ts';
import type { Secret } from '../../../src/kube/objects.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const dockerConfig = (auths: unknown) => ({
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
});
const lab = { username: 'lab', password: 'pass:word' };
const auth = base64('lab:pass:word');

interface Case {
  readonly name: string;
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
  readonly host?: string;
}

const good: readonly Case[] = [
  {
    name: 'basic-auth',
    type: 'kubernetes.io/basic-auth',
    data: { username: base64('lab'), password: base64('pass:word') },
  },
  {
    name: 'Opaque with both keys',
    type: 'Opaque',
    data: { username: base64('lab'), password: base64('pass:word') },
  },
  { name: 'dockerconfigjson with auth', ...dockerConfig({ 'registry.example.org:5000': { auth } }) },
  {
    name: 'dockerconfigjson with user name and password',
    ...dockerConfig({ 'registry.example.org:5000': lab }),
  },
  {
    name: 'dockerconfigjson with a URL as key',
    ...dockerConfig({ 'https://registry.example.org:5000/v2/': { auth } }),
  },
  {
    name: 'Docker Hub as docker login writes it',
    host: 'docker.io',
    ...dockerConfig({ 'https://index.docker.io/v1/': { auth } }),
  },
];

const bad: readonly (Case & { readonly says: RegExp })[] = [
  {
    name: 'another type',
    type: 'kubernetes.io/tls',
    data: { 'tls.key': base64('k') },
    says: /type kubernetes\.io\/tls .* keys username and password/,
  },
  {
    name: 'no password',
    type: 'Opaque',
    data: { username: base64('lab') },
    says: /keys username and password/,
  },
  { name: 'no data', type: 'Opaque', data: {}, says: /keys username and password/ },
  {
    name: 'dockerconfigjson for another host',
    ...dockerConfig({ 'example.org': { auth } }),
    says: /no login for registry\.example\.org:5000/,
  },
  {
    name: 'dockerconfigjson that is no JSON',
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64('pass:word{') },
    says: /no JSON with auths/,
  },
  {
    name: 'dockerconfigjson without auths',
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64('null') },
    says: /no JSON with auths/,
  },
  {
    name: 'an auth without a password',
    ...dockerConfig({ 'registry.example.org:5000': { auth: base64('lab') } }),
    says: /no user name and password/,
  },
  {
    name: 'an entry that is no object',
    ...dockerConfig({ 'registry.example.org:5000': null }),
    says: /no user name and password/,
  },
];

const secret = (type: string, data: Readonly<Record<string, string>>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'redhat',
    namespace: 'lab',
    uid: 'u',
    resourceVersion: '1',
    generation: 0,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  type,
  data,
});

describe('registry credentials', () => {
  for (const { name, type, data, host = 'registry.example.org:5000' } of good) {
    it(`are read from ${name}`, () => {
      expect(readCredentials(secret(type, data), host, 'spec.source.credentialsName')).to.deep.equal(lab);
    });
  }

  for (const { name, type, data, says } of bad) {
    it(`are refused: ${name}`, () => {
      const read = () =>
        readCredentials(secret(type, data), 'registry.example.org:5000', 'spec.source.credentialsName');
      expect(read)
        .to.throw(OperatorError, says)
        .that.includes({ kind: 'terminal', reason: 'CredentialsInvalid' });
      expect(read).to.throw(/^Secret redhat \(spec\.source\.credentialsName\)/);
      expect(read).not.to.throw(/pass:word/);
    });
  }
});
