// The kinds at a real API server: it takes what people write, refuses what can be told wrong, and says where and why.
// The specs are in test/fixtures/crds/, one file a kind.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { load } from 'js-yaml';
import { readKinds, type Schema } from '../../hack/generate-types/crd.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

type Json = Readonly<Record<string, unknown>>;

/** A change of the good spec, as RFC 7386 merges it: null takes a field away. */
interface Variant {
  readonly what: string;
  readonly with: Json;
}

interface Fixture {
  readonly good: Json;
  readonly accepted?: readonly Variant[];
  /** `says`: the server's words, beginning with the field's path. */
  readonly refused: readonly (Variant & { readonly says: string })[];
}

const root = path.resolve(import.meta.dirname, '../..');
const kinds = readKinds(path.join(root, 'crds'));
const fixtures = readFixtures(path.join(root, 'test/fixtures/crds'));

function readFixtures(directory: string): ReadonlyMap<string, Fixture> {
  const read = (file: string): readonly [string, Fixture] => [
    path.basename(file, '.yaml'),
    load(readFileSync(path.join(directory, file), 'utf8')) as Fixture,
  ];
  return new Map(readdirSync(directory).map(read));
}

function fixtureOf(kind: string): Fixture {
  const fixture = fixtures.get(kind.toLowerCase());
  if (fixture === undefined) throw new Error(`test/fixtures/crds has no file for ${kind}`);
  return fixture;
}

function mergePatch(base: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = { ...(isObject(base) ? base : {}) };
  for (const [key, value] of Object.entries(patch)) merged[key] = mergePatch(merged[key], value);
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const manifest = (kind: string, name: string, spec: unknown): string =>
  JSON.stringify({ apiVersion: 'undercloud.dev/v1alpha1', kind, metadata: { name }, spec });

/** Paths of what was in `given` and is not, or is otherwise, in `kept`. */
function lost(given: unknown, kept: unknown, at = ''): readonly string[] {
  if (typeof given !== 'object' || given === null) return given === kept ? [] : [at];
  return Object.entries(given).flatMap(([key, member]) => {
    return lost(member, (kept as Json | undefined)?.[key], `${at}.${key}`);
  });
}

/** What `kubectl explain` reads. */
const openApi = '/openapi/v3/apis/undercloud.dev/v1alpha1';
interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Every description in a schema. */
function descriptionsOf(schema: Schema): readonly string[] {
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  const own = schema.description === undefined ? [] : [schema.description];
  return [...own, ...below.flatMap((member) => (member === undefined ? [] : descriptionsOf(member)))];
}

describe('the CRDs at a real API server', function () {
  // The first control plane on a machine is built from source.
  this.timeout(30 * 60_000);
  let server: ControlPlane;

  /** kubectl's output; throws what it says when it fails. */
  async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await server.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** What kubectl says on stderr when it is refused, empty when it is not. */
  async function refusal(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stderr } = await server.kubectl(args, stdin);
    return code === 0 ? '' : stderr;
  }

  before(async () => {
    server = await startControlPlane('test-crds');
    await kubectl(['apply', '-f', path.join(root, 'crds')]);
    await kubectl([
      'wait',
      '--for=condition=Established',
      'crd',
      '-l',
      'app.kubernetes.io/part-of=undercloud',
    ]);
  });
  after(() => server.stop());

  it('are the same through kustomize', async () => {
    const output = await kubectl(['diff', '-k', path.join(root, 'crds')]);
    expect(output).to.equal('');
  });

  for (const { kind, plural, shortNames, columns, schema } of kinds) {
    describe(kind, () => {
      const { good, accepted = [], refused } = fixtureOf(kind);

      it('takes a full one, and its status looks current to nobody', async () => {
        await kubectl(['apply', '-f', '-'], manifest(kind, 'good', good));
        const object = JSON.parse(
          await kubectl(['get', `${plural}.undercloud.dev`, 'good', '-o', 'json']),
        ) as Json;
        expect(object.status).to.deep.equal({ observedGeneration: -1 });
        expect(lost(good, object.spec)).to.deep.equal([]);
      });

      it('shows its columns under its short name', async () => {
        const [header = ''] = (await kubectl(['get', shortNames[0] ?? ''])).split('\n');
        const shown = columns
          .filter(({ priority = 0 }) => priority === 0)
          .map(({ name }) => name.toUpperCase());
        expect(header.trim().split(/\s+/)).to.deep.equal(['NAME', ...shown]);
      });

      it('explains every field', async () => {
        const document = JSON.parse(await kubectl(['get', '--raw', openApi])) as OpenApi;
        const known = new Set(Object.values(document.components.schemas).flatMap(descriptionsOf));
        expect(descriptionsOf(schema).filter((text) => !known.has(text))).to.deep.equal([]);
        expect(
          await kubectl(['explain', `${plural}.spec`, '--api-version=undercloud.dev/v1alpha1']),
        ).to.include(schema.properties?.spec?.description);
      });

      for (const variant of accepted) {
        it(`takes ${variant.what}`, async () => {
          const text = manifest(kind, 'variant', mergePatch(good, variant.with));
          expect(await refusal(['apply', '--dry-run=server', '-f', '-'], text)).to.equal('');
        });
      }
      for (const variant of refused) {
        it(`refuses ${variant.what}`, async () => {
          const text = manifest(kind, 'variant', mergePatch(good, variant.with));
          expect(await refusal(['apply', '--dry-run=server', '-f', '-'], text)).to.include(variant.says);
        });
      }
    });
  }

  const badNames: readonly (readonly [kind: string, name: string])[] = [
    ['Overcloud', 'a'.repeat(41)],
    ['Role', 'a'.repeat(41)],
    ['Host', 'lab.controller01'],
    ['BareMetalNode', 'a'.repeat(64)],
  ];
  for (const [kind, name] of badNames) {
    it(`refuse the name ${name} for kind ${kind}: no part of a host's name or a label`, async () => {
      const text = manifest(kind, name, fixtureOf(kind).good);
      expect(await refusal(['apply', '--dry-run=server', '-f', '-'], text)).to.include('metadata.name: ');
    });
  }

  describe('a change', () => {
    const changes: readonly (readonly [what: string, object: string, spec: Json, says: string])[] = [
      [
        'of a Host to another cloud',
        'host/fixed',
        { overcloudName: 'b' },
        'spec.overcloudName: Invalid value',
      ],
      ['of a Host to another role', 'host/fixed', { role: 'b' }, 'spec.role: Invalid value'],
      ['of a Host to another index', 'host/fixed', { index: 1 }, 'spec.index: Invalid value'],
      ['of a Host to another machine', 'host/fixed', { nodeName: 'b' }, 'spec.nodeName: Invalid value'],
      [
        "of a claimed node's BMC address",
        'bmn/claimed',
        { bmc: { address: 'redfish://172.16.0.9' } },
        'spec.bmc.address: Invalid value: cannot change while a host has this node',
      ],
      [
        'of what a claimed node is',
        'bmn/claimed',
        { externallyProvisioned: false },
        'spec.externallyProvisioned: Invalid value: cannot change while a host has this node',
      ],
    ];
    const patch = (object: string, spec: Json): readonly string[] => [
      ...['patch', object, '--type=merge', '--dry-run=server'],
      ...['-p', JSON.stringify({ spec })],
    ];

    before(async () => {
      const [external] = fixtureOf('BareMetalNode').accepted ?? [];
      const node = mergePatch(fixtureOf('BareMetalNode').good, { ...external?.with, maintenance: false });
      await kubectl(['create', '-f', '-'], manifest('Host', 'fixed', fixtureOf('Host').good));
      await kubectl(['create', '-f', '-'], manifest('BareMetalNode', 'claimed', node));
      const status = { observedGeneration: 1, hostRef: { name: 'lab-controller01', uid: 'u' } };
      await kubectl([
        'patch',
        'bmn/claimed',
        '--subresource=status',
        '--type=merge',
        '-p',
        JSON.stringify({ status }),
      ]);
    });

    for (const [what, object, spec, says] of changes) {
      it(`${what} is refused`, async () => {
        expect(await refusal(patch(object, spec))).to.include(says);
      });
    }
    it("of a claimed node's BMC address is taken in maintenance", async () => {
      const spec = { maintenance: true, bmc: { address: 'redfish://172.16.0.9' } };
      expect(await refusal(patch('bmn/claimed', spec))).to.equal('');
    });
    it("of an unclaimed node's BMC address is taken", async () => {
      expect(await refusal(patch('bmn/good', { bmc: { address: 'redfish://172.16.0.9' } }))).to.equal('');
    });
  });
});
