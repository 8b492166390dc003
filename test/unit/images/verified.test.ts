// The condition Verified: what it says is what somebody has seen, and nothing else.
import { expect } from 'chai';
import type { ContainerImageSet } from '../../../src/api/containerimageset.gen.ts';
import { conditionsOf } from '../../../src/images/conditions.ts';
import { pictureOf } from '../../../src/images/picture.ts';
import { settled } from '../../../src/kernel/controller.ts';
import { terminal, transient, type OperatorError } from '../../../src/kernel/errors.ts';
import { configMaps } from '../../../src/kube/objects.ts';
import { imageSet, namespace } from './builders.ts';
import { setStage } from './stage.ts';
import { signerOf } from './verify-signer.ts';

const names = ['keystone', 'nova-api'];
const digest = `sha256:${'a'.repeat(64)}`;
const signed = imageSet({ verify: { cosign: { keyName: 'key' } } });
const refusedBefore: ContainerImageSet = {
  ...signed,
  status: {
    observedGeneration: 1,
    conditions: [
      {
        type: 'Verified',
        status: 'False',
        reason: 'ImageUnsigned',
        message: 'keystone is not signed',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
  },
};

interface Case {
  readonly name: string;
  readonly set?: ContainerImageSet;
  readonly refused?: readonly OperatorError[];
  readonly found?: readonly string[];
  /** `status reason`, '' for no condition. */
  readonly says: string;
  readonly message?: RegExp;
}

const away = transient('RegistryUnreachable', 'registry is away');
const unsigned = terminal('ImageUnsigned', 'nova-api is not signed');
const cases: readonly Case[] = [
  { name: 'is not there where no signature is asked for', set: imageSet(), says: '' },
  { name: 'is True when all were verified', says: 'True Verified', message: /2 images signed .* key$/ },
  { name: 'is False for an image without a signature', refused: [unsigned], says: 'False ImageUnsigned' },
  {
    name: 'is False for a signature of another key, whatever else is away',
    refused: [away, terminal('SignatureInvalid', 'not by this key')],
    says: 'False SignatureInvalid',
  },
  {
    name: 'is False without a key',
    refused: [terminal('VerificationKeyInvalid', 'no key')],
    says: 'False VerificationKeyInvalid',
  },
  {
    name: 'is Unknown while the registry is away',
    refused: [away],
    says: 'Unknown RegistryUnreachable',
    message: /^1 of 2 images verified: registry is away$/,
  },
  {
    name: 'is Unknown while the registry refuses the login',
    refused: [terminal('RegistryAuthFailed', 'wrong password')],
    says: 'Unknown RegistryAuthFailed',
  },
  { name: 'is Unknown while an image is looked for', found: ['keystone'], says: 'Unknown Searching' },
  {
    name: 'stays False while nobody can look again',
    set: refusedBefore,
    refused: [away],
    says: 'False ImageUnsigned',
    message: /^keystone is not signed$/,
  },
  { name: 'is True again once it was seen', set: refusedBefore, says: 'True Verified' },
];

function verifiedOf({ set = signed, refused = [], found = names }: Case) {
  const picture = pictureOf(set, {
    located: names.map((name) => {
      const place = { repository: `registry.example.org/${name}`, path: name };
      const wanted = { name, rule: { kind: 'tag', tag: '1' }, source: place, target: place } as const;
      return { name, parameters: [], error: undefined, wanted };
    }),
    known: {
      found: new Map(found.map((name) => [name, { tag: '1', digest }])),
      failed: new Map(),
      moved: [],
      proposal: undefined,
      lookupError: undefined,
      next: settled,
    },
    verdict:
      set.spec.verify === undefined
        ? undefined
        : {
            refused: new Map(refused.map((error, index) => [names[index] ?? '', error])),
            againInMs: undefined,
          },
    transfer: undefined,
    warnings: [],
  });
  return conditionsOf(set, picture).find(({ type }) => type === 'Verified');
}

describe('the condition Verified', () => {
  for (const each of cases) {
    it(each.name, () => {
      const condition = verifiedOf(each);
      expect(condition === undefined ? '' : `${condition.status} ${condition.reason}`).to.equal(each.says);
      if (each.message !== undefined) expect(condition?.message).to.match(each.message);
    });
  }

  it('claims nothing of a set whose registry does not answer for signatures', async () => {
    const stage = setStage({ verify: { cosign: { keyName: 'key' } } });
    const data = { 'cosign.pub': signerOf('P-256').publicKey };
    stage.kube.seed(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'key', namespace },
      data,
    });
    for (const name of names) stage.push(name, '12.0-1');
    stage.source.faults.fail = ({ reference }) => (reference.startsWith('sha256-') ? away : undefined);
    await stage.settle();
    expect(stage.condition('Verified')).to.include({ status: 'Unknown', reason: 'RegistryUnreachable' });
    expect(stage.condition('Ready').status).to.equal('False');
  });
});
