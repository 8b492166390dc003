// Generates from crds/*.yaml the types in src/api/*.gen.ts and the surface that test/fixtures/api-surface.txt records.
// `--check` writes nothing and exits 1 when they differ.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { readKinds } from './generate-types/crd.ts';
import { renderSurface } from './generate-types/surface.ts';
import { renderModule } from './generate-types/typescript.ts';

const root = path.resolve(import.meta.dirname, '..');
const typesDirectory = 'src/api';
const surfaceFile = 'test/fixtures/api-surface.txt';

/** The content that every generated file should have, by its path in the tree. */
async function generate(): Promise<ReadonlyMap<string, string>> {
  const kinds = readKinds(path.join(root, 'crds'));
  const style = await resolveConfig(path.join(root, typesDirectory, 'x.ts'));
  const modules = kinds.map(async (kind): Promise<readonly [string, string]> => [
    `${typesDirectory}/${kind.kind.toLowerCase()}.gen.ts`,
    await format(renderModule(kind), { ...style, parser: 'typescript' }),
  ]);
  return new Map([...(await Promise.all(modules)), [surfaceFile, renderSurface(kinds)]]);
}

/** Generated files that are there, with their content. */
async function present(): Promise<ReadonlyMap<string, string>> {
  const modules = (await readdir(path.join(root, typesDirectory)))
    .filter((file) => file.endsWith('.gen.ts'))
    .map((file) => `${typesDirectory}/${file}`);
  const read = async (file: string): Promise<readonly [string, string]> => [
    file,
    await readFile(path.join(root, file), 'utf8').catch(() => ''),
  ];
  return new Map(await Promise.all([...modules, surfaceFile].map(read)));
}

const [wanted, found] = await Promise.all([generate(), present()]);
const stale = [...wanted].filter(([file, content]) => found.get(file) !== content);
const orphans = [...found.keys()].filter((file) => !wanted.has(file));
const differing = [...stale.map(([file]) => file), ...orphans];

if (!process.argv.includes('--check')) {
  await Promise.all(stale.map(([file, content]) => writeFile(path.join(root, file), content)));
  await Promise.all(orphans.map((file) => rm(path.join(root, file))));
  console.log(differing.length === 0 ? 'Everything was up to date.' : `Written: ${differing.join(', ')}`);
} else if (differing.length > 0) {
  console.error(`Not as crds/ says: ${differing.join(', ')}. Run: npm run generate`);
  process.exitCode = 1;
}
