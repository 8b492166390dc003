// The laws that hold for every kind in crds/, the record of the API's surface, and the types that are made of a schema.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { format } from 'prettier';
import { type Kind, readKinds, type Schema } from '../../hack/generate-types/crd.ts';
import { renderSurface } from '../../hack/generate-types/surface.ts';
import { renderModule } from '../../hack/generate-types/typescript.ts';

const root = path.resolve(import.meta.dirname, '../..');
const kinds = readKinds(path.join(root, 'crds'));

/** What `kubectl get` shows without -o wide, besides NAME. */
const columns: Readonly<Record<string, string>> = {
  BareMetalNode: 'HOST POWER STATE MAINTENANCE PROFILE AGE',
  ContainerImageSet: 'TAG IMAGES PUSHED PROPOSED READY AGE',
  Host: 'ROLE NODE IP IMAGES STEP CONTAINERS BRAKE READY AGE',
  Overcloud: 'HOSTS STEP IMAGES READY AGE',
  OvercloudService: 'VOLUME READY AGE',
  Role: 'PROFILE ENGINE SERIAL READY AGE',
};
const shortNames: Readonly<Record<string, string>> = {
  BareMetalNode: 'bmn',
  ContainerImageSet: 'cis',
  Host: 'host',
  Overcloud: 'ovc',
  OvercloudService: 'ocsvc',
  Role: 'ocrole',
};
/** Words of Ironic, Pacemaker, QEMU and RAID, which people know as they are. */
const foreignWords =
  /\.status\.(state|errorFrom)$|\.onFail$|\.network\.mode$|\.(osI|i)mage\.format$|\.raid\.volumes\[\]\.level$/;

interface Field {
  readonly path: string;
  readonly schema: Schema;
}

/** Every schema below `schema`, itself included, outermost first. */
function fieldsOf(schema: Schema, at: string): readonly Field[] {
  const below = [
    ...Object.entries(schema.properties ?? {}).map(([name, member]) => [`${at}.${name}`, member] as const),
    ...(schema.items === undefined ? [] : [[`${at}[]`, schema.items] as const]),
    ...(schema.additionalProperties === undefined ? [] : [[`${at}.*`, schema.additionalProperties] as const]),
  ];
  return [{ path: at, schema }, ...below.flatMap(([name, member]) => fieldsOf(member, name))];
}

/** Those of a kind that are ours to describe; `metadata` is the API server's. */
const ownFields = (kind: Kind): readonly Field[] =>
  fieldsOf(kind.schema, kind.kind).filter(({ path: at }) => !at.startsWith(`${kind.kind}.metadata`));

/** Paths of the fields that break a law; a good message when the test fails. */
const breaking = (kind: Kind, isBroken: (field: Field) => boolean): readonly string[] =>
  ownFields(kind)
    .filter(isBroken)
    .map(({ path: at }) => at);

const isBoundedNumber = ({ minimum, maximum, format: size }: Schema): boolean =>
  minimum !== undefined && (maximum !== undefined || size === 'int64');

function isBounded(schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true)
    return isBoundedNumber(schema) && schema.maxLength !== undefined;
  if (schema.enum !== undefined || schema.format === 'date-time') return true;
  switch (schema.type) {
    case 'string':
      return schema.maxLength !== undefined;
    case 'array':
      return schema.maxItems !== undefined;
    case 'integer':
    case 'number':
      return isBoundedNumber(schema);
    case 'object':
      return schema.additionalProperties === undefined || schema.maxProperties !== undefined;
    default:
      return schema.type === 'boolean';
  }
}

/** A list that is a map has keys which every item must have: the API server refuses a missing key in words nobody understands. */
function hasGoodListType(schema: Schema): boolean {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const required = schema.items?.required ?? [];
  switch (schema['x-kubernetes-list-type']) {
    case 'map':
      return keys.length > 0 && keys.every((key) => required.includes(key));
    case 'set':
    case 'atomic':
      return keys.length === 0;
    default:
      return false;
  }
}

/** True if the simple JSONPath of a column leads to a field. */
function leadsToField(kind: Kind, jsonPath: string): boolean {
  if (jsonPath.startsWith('.metadata.')) return true;
  const [, condition] = /^\.status\.conditions\[\?\(@\.type=="Ready"\)\]\.(\w+)$/.exec(jsonPath) ?? [];
  const at = condition === undefined ? jsonPath : `.status.conditions[].${condition}`;
  return ownFields(kind).some((field) => field.path === `${kind.kind}${at}`);
}

describe('crds/', () => {
  it('has the six kinds', () => {
    expect(kinds.map(({ kind }) => kind).sort()).to.deep.equal(Object.keys(columns).sort());
  });

  for (const kind of kinds) {
    describe(kind.kind, () => {
      it('is namespaced, in the category undercloud, and has its short name', () => {
        expect(kind.scope).to.equal('Namespaced');
        expect(kind.categories).to.deep.equal(['undercloud']);
        expect(kind.shortNames).to.deep.equal([shortNames[kind.kind]]);
      });

      it('shows the columns that answer the question, each from a field that exists', () => {
        const shown = kind.columns.filter(({ priority = 0 }) => priority === 0);
        expect(shown.map(({ name }) => name.toUpperCase()).join(' ')).to.equal(columns[kind.kind]);
        expect(kind.columns.filter(({ jsonPath }) => !leadsToField(kind, jsonPath))).to.deep.equal([]);
      });

      it('has a status of its own that looks current to nobody before it was written', () => {
        const status = kind.schema.properties?.status;
        expect(kind.hasStatusSubresource).to.equal(true);
        expect(status?.default).to.deep.equal({ observedGeneration: -1 });
        expect(status?.required).to.deep.equal(['observedGeneration']);
        expect(status?.properties).to.include.keys('observedGeneration', 'conditions');
      });

      it('describes every field in sentences, the first one short', () => {
        const isBroken = ({ schema: { description = '' } }: Field): boolean =>
          !/^[A-Z"].*\.$/s.test(description.trim()) || (description.split(/[.;:] /)[0]?.length ?? 0) > 130;
        expect(breaking(kind, isBroken)).to.deep.equal([]);
      });

      it('bounds every string, list, map and number', () => {
        expect(breaking(kind, ({ schema }) => !isBounded(schema))).to.deep.equal([]);
      });

      it('says of every list how it merges', () => {
        const isBroken = ({ schema }: Field): boolean => schema.type === 'array' && !hasGoodListType(schema);
        expect(breaking(kind, isBroken)).to.deep.equal([]);
      });

      it('spells its enums in CamelCase, where they are words of ours', () => {
        const isBroken = ({ path: at, schema }: Field): boolean =>
          !foreignWords.test(at) &&
          (schema.enum ?? []).some((value) => !/^[A-Z][A-Za-z]+$/.test(String(value)));
        expect(breaking(kind, isBroken)).to.deep.equal([]);
      });

      it('names every default in the description', () => {
        const isBroken = ({ path: at, schema }: Field): boolean =>
          !at.includes('.status') &&
          schema.default !== undefined &&
          typeof schema.default !== 'object' &&
          schema.default !== '' &&
          !(schema.description ?? '').includes('Default');
        expect(breaking(kind, isBroken)).to.deep.equal([]);
      });

      it('explains every refusal', () => {
        const isBroken = ({ schema }: Field): boolean =>
          (schema['x-kubernetes-validations'] ?? []).some(({ message }) => message.length < 15);
        expect(breaking(kind, isBroken)).to.deep.equal([]);
      });
    });
  }

  it('has the surface that test/fixtures/api-surface.txt records (npm run generate writes it anew)', async () => {
    const recorded = await readFile(path.join(root, 'test/fixtures/api-surface.txt'), 'utf8');
    expect(renderSurface(kinds)).to.equal(recorded);
  });
});

describe('the types made of a schema', () => {
  const text: Schema = { type: 'string' };
  const cases: readonly { readonly name: string; readonly schema: Schema; readonly member: string }[] = [
    { name: 'an optional string', schema: text, member: 'readonly x?: string;' },
    { name: 'a string with a default', schema: { ...text, default: '' }, member: 'readonly x: string;' },
    {
      name: 'an enum',
      schema: { type: 'string', enum: ['On', 'Off'] },
      member: "readonly x?: 'On' | 'Off';",
    },
    {
      name: 'a number or a share',
      schema: { 'x-kubernetes-int-or-string': true },
      member: 'readonly x?: number | string;',
    },
    { name: 'a list', schema: { type: 'array', items: text }, member: 'readonly x?: readonly string[];' },
    {
      name: 'a list of an enum',
      schema: { type: 'array', items: { type: 'integer', enum: [1, 2] } },
      member: 'readonly x?: readonly (1 | 2)[];',
    },
    {
      name: 'a map',
      schema: { type: 'object', additionalProperties: text },
      member: 'readonly x?: Readonly<Record<string, string>>;',
    },
    {
      name: 'a list of objects',
      schema: {
        type: 'array',
        items: { type: 'object', required: ['a'], properties: { a: text, b: text } },
      },
      member:
        'readonly x?: readonly ThingSpecXItem[];\n}\n\nexport interface ThingSpecXItem {\n  readonly a: string;\n  readonly b?: string;',
    },
    {
      name: 'a description that ends a comment',
      schema: { ...text, description: 'As in src/*/.' },
      member: '/** As in src/*\\/. */\n  readonly x?: string;',
    },
  ];
  for (const { name, schema, member } of cases) {
    it(`are right for ${name}`, async () => {
      const thing: Schema = {
        type: 'object',
        properties: { spec: { type: 'object', properties: { x: schema } } },
      };
      const module = await format(renderModule({ ...kindOfThing, schema: thing }), {
        parser: 'typescript',
        singleQuote: true,
      });
      expect(module).to.include(`export interface ThingSpec {\n  ${member}\n}`);
    });
  }

  it('refuse a field without a type, by its name', () => {
    const schema: Schema = {
      type: 'object',
      properties: { spec: { type: 'object', properties: { x: {} } } },
    };
    expect(() => renderModule({ ...kindOfThing, schema })).to.throw('ThingSpecX has no type');
  });
});

const kindOfThing: Kind = {
  file: 'thing.yaml',
  group: 'example.com',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  hasStatusSubresource: true,
  columns: [],
  schema: {},
};
