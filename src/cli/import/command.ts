// kubectl undercloud import: TripleO's files into what they are here; what a file is, its content tells.
import { basename } from 'node:path';
import { bareMetalNodes } from '../../api/baremetalnode.gen.ts';
import { type Arguments, commonFlags, commonHelp, readFlags, wrongUsage } from '../command.ts';
import type { Outside } from '../outside/port.ts';
import { parse } from './document.ts';
import { importSets, printSets, readAsked, standardInput } from './images/command.ts';
import { type ImagesFile, isOfImages } from './images/read.ts';
import { matchNodes } from './match.ts';
import { type ImportedFile, readFile } from './read.ts';
import { manifests, reportTable } from './report.ts';
import { tryNodes, type WriteDeps, writeNodes } from './write.ts';

const name = 'kubectl undercloud import';
const help = `usage: ${name} FILE… [flags]

Makes objects of TripleO's files, as YAML or JSON; - is standard input. What a file is, its content tells:

  instackenv.json                     a BareMetalNode and a Secret with its BMC's account of each node
  containers-prepare-parameter.yaml   a ContainerImageSet, and a Secret of its registries' credentials
  overcloud_images.yaml               a ContainerImageSet; with local_registry_images.yaml in the same command its
  local_registry_images.yaml          source and destination are known; Ceph's own registry is a second set, NAME-ceph

Run again, it updates: a node is found by its name, else its MAC, else its BMC; a set by its name. What people changed and
the file does not mention stays. One problem, and nothing is written.

      --dry-run            show what would change, and write nothing
      --force              take over fields that somebody else set to another value
  -o, --output yaml        print manifests instead; needs no cluster
      --no-secrets         leave the Secrets out of them
      --name NAME          of the image set (default: the first file's)
      --destination PLACE  HOST[:PORT][/PATH], the registry to mirror to and that hosts pull from
${commonHelp}
examples:
  ${name} instackenv.json --dry-run
  ${name} instackenv.json -n lab
  ${name} instackenv.json -o yaml --no-secrets > nodes.yaml
  ${name} containers-prepare-parameter.yaml --name osp16 --destination 192.0.2.1:8787
  ${name} overcloud_images.yaml local_registry_images.yaml
`;

const flags = {
  ...commonFlags,
  force: { type: 'boolean', default: false },
  output: { type: 'string', short: 'o' },
  'no-secrets': { type: 'boolean', default: false },
  name: { type: 'string' },
  destination: { type: 'string' },
} as const;

type Values = Arguments<typeof flags>['values'];

export async function importFiles(args: readonly string[], outside: Outside): Promise<void> {
  const { values, positionals } = readFlags(name, args, flags);
  if (values.help) {
    outside.out(help);
    return;
  }
  const [path, ...others] = positionals;
  if (path === undefined) throw wrongUsage(name, 'FILE is missing');
  if (values.output !== undefined && values.output !== 'yaml') {
    throw wrongUsage(name, `--output is '${values.output}', must be yaml`);
  }
  if (values['no-secrets'] && values.output === undefined) {
    throw wrongUsage(name, '--no-secrets is for --output yaml only');
  }
  const first = await readText(path, outside);
  if (isOfImages(parse(first.text, first.file))) await importImages(first, others, values, outside);
  else await importNodes(first, others, values, outside);
}

async function readText(path: string, outside: Outside): Promise<ImagesFile> {
  return { file: path === '-' ? standardInput : basename(path), text: await outside.readText(path) };
}

async function importImages(
  first: ImagesFile,
  others: readonly string[],
  values: Values,
  outside: Outside,
): Promise<void> {
  const files = [first];
  for (const path of others) files.push(await readText(path, outside));
  const { name: setName, destination } = values;
  const imported = readAsked(name, files, { name: setName, destination });
  if (values.output === 'yaml') printSets(imported, values.namespace, !values['no-secrets'], outside);
  else await withCluster(values, outside, (deps) => importSets(deps, imported, values['dry-run'], outside));
}

async function importNodes(
  { file, text }: ImagesFile,
  [surplus]: readonly string[],
  values: Values,
  outside: Outside,
): Promise<void> {
  if (surplus !== undefined) throw wrongUsage(name, `takes one FILE, '${surplus}' is too much`);
  for (const flag of ['name', 'destination'] as const) {
    if (values[flag] !== undefined) throw wrongUsage(name, `--${flag} is for files about images only`);
  }
  const nodes = readFile(text, file);
  if (values.output === 'yaml') printManifests(nodes, values.namespace, !values['no-secrets'], outside);
  else await withCluster(values, outside, (deps) => importInto(deps, nodes, values['dry-run'], outside));
}

async function withCluster(
  { kubeconfig, namespace, force }: Values,
  outside: Outside,
  work: (deps: WriteDeps) => Promise<void>,
): Promise<void> {
  const cluster = outside.connect(kubeconfig);
  try {
    const home = namespace ?? cluster.namespace ?? 'default';
    await work({ cluster, namespace: home, force, progress: (line) => outside.progress(line) });
  } finally {
    await cluster.close();
  }
}

function printManifests(
  { nodes, findings }: ImportedFile,
  namespace: string | undefined,
  withSecrets: boolean,
  outside: Outside,
): void {
  printRemarks(findings.remarks(), outside);
  if (withSecrets)
    outside.err('warning: the Secrets below hold the BMC passwords; --no-secrets leaves them out\n');
  outside.out(manifests(nodes, namespace, withSecrets));
}

async function importInto(
  deps: WriteDeps,
  { nodes, findings }: ImportedFile,
  dryRun: boolean,
  outside: Outside,
): Promise<void> {
  const matched = matchNodes(nodes, await deps.cluster.list(bareMetalNodes, deps.namespace));
  findings.refuseProblems();
  printRemarks(findings.remarks(), outside);
  const tried = await tryNodes(deps, matched);
  if (!dryRun) await writeNodes(deps, tried);
  outside.out(reportTable(tried, dryRun));
}

const printRemarks = (remarks: readonly string[], outside: Outside): void =>
  outside.err(remarks.map((remark) => `${remark}\n`).join(''));
