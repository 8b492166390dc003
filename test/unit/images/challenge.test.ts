// What registries say in WWW-Authenticate, and what we make of it.
import { expect } from 'chai';
import { parseChallenge } from '../../../src/images/registry/challenge.ts';

const cases = [
  {
    name: 'a token server with a service',
    header: 'Bearer realm="https://auth.example.org/token",service="registry.example.org"',
    challenge: { kind: 'bearer', realm: 'https://auth.example.org/token', service: 'registry.example.org' },
  },
  {
    name: 'a token server, spaces and a scope that holds commas',
    header: 'Bearer realm="https://a.example.org/t" , scope="repository:x:pull,push", error="invalid_token"',
    challenge: { kind: 'bearer', realm: 'https://a.example.org/t', service: undefined },
  },
  { name: 'basic', header: 'Basic realm="Registry Realm"', challenge: { kind: 'basic' } },
  { name: 'basic without a realm, in capitals', header: 'BASIC', challenge: { kind: 'basic' } },
  {
    name: 'both: the token server is preferred',
    header: 'Basic realm="x", Bearer realm="https://a.example.org/t",service="s"',
    challenge: { kind: 'bearer', realm: 'https://a.example.org/t', service: 's' },
  },
  {
    name: 'an escaped quote in a realm',
    header: 'Bearer realm="https://a.example.org/\\"t\\""',
    challenge: { kind: 'bearer', realm: 'https://a.example.org/"t"', service: undefined },
  },
  { name: 'a bearer challenge without a realm', header: 'Bearer service="x"', challenge: undefined },
  { name: 'a scheme that we do not speak', header: 'Negotiate', challenge: undefined },
  { name: 'nothing', header: '', challenge: undefined },
];

describe('the challenge of a registry', () => {
  for (const { name, header, challenge } of cases) {
    it(name, () => {
      expect(parseChallenge(header)).to.deep.equal(challenge);
    });
  }
});
