// Reads the CustomResourceDefinitions in crds/, as far as the generator and the tests look at them.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { load, YAML11_SCHEMA } from 'js-yaml';

/** A structural schema, in the words of apiextensions.k8s.io/v1 JSONSchemaProps. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly default?: unknown;
  readonly enum?: readonly (string | number | boolean)[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

/** One CEL rule. */
interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
  readonly reason?: string;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

/** One version of one kind. */
export interface Kind {
  /** Name of the file in crds/. */
  readonly file: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly scope: string;
  readonly hasStatusSubresource: boolean;
  readonly columns: readonly Column[];
  readonly schema: Schema;
}

interface Definition {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: {
      readonly kind: string;
      readonly plural: string;
      readonly shortNames?: readonly string[];
      readonly categories?: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly subresources?: { readonly status?: object };
      readonly additionalPrinterColumns?: readonly Column[];
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** Every version of every kind that is defined in `directory`, in order of the files' names. */
export function readKinds(directory: string): readonly Kind[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  return files.sort().flatMap((file) => kindsOf(file, readFileSync(path.join(directory, file), 'utf8')));
}

function kindsOf(file: string, text: string): readonly Kind[] {
  // As kubectl reads it: merge keys, and a bare On, Off, No or 0640 is no string.
  const definition = load(text, { schema: YAML11_SCHEMA }) as Definition;
  if (definition.kind !== 'CustomResourceDefinition') return [];
  const { group, scope, names, versions } = definition.spec;
  return versions.map((version) => ({
    file,
    group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    scope,
    hasStatusSubresource: version.subresources?.status !== undefined,
    columns: version.additionalPrinterColumns ?? [],
    schema: version.schema.openAPIV3Schema,
  }));
}
