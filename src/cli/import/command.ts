// kubectl undercloud import: instackenv.json into BareMetalNodes and Secrets.
import { basename } from 'node:path';
import { bareMetalNodes } from '../../api/baremetalnode.gen.ts';
import { commonFlags, commonHelp, readFlags, wrongUsage } from '../command.ts';
import type { Outside } from '../outside/port.ts';
import { matchNodes } from './match.ts';
import { type ImportedFile, readFile } from './read.ts';
import { manifests, reportTable } from './report.ts';
import { tryNodes, type WriteDeps, writeNodes } from './write.ts';

const name = 'kubectl undercloud import';
const help = `usage: ${name} FILE [flags]

Makes a BareMetalNode and a Secret with its BMC's account of each node in FILE: TripleO's instackenv.json, or the same as
YAML; - is standard input. Run again, it updates: a node is found by its name, else its MAC, else its BMC. What people
changed and the file does not mention stays. One problem, and nothing is written.

      --dry-run            show what would change, and write nothing
      --force              take over fields that somebody else set to another value
  -o, --output yaml        print manifests instead; needs no cluster
      --no-secrets         leave the Secrets out of them
${commonHelp}
examples:
  ${name} instackenv.json --dry-run
  ${name} instackenv.json -n lab
  ${name} instackenv.json -o yaml --no-secrets > nodes.yaml
`;

const flags = {
  ...commonFlags,
  force: { type: 'boolean', default: false },
  output: { type: 'string', short: 'o' },
  'no-secrets': { type: 'boolean', default: false },
} as const;

export async function importNodes(args: readonly string[], outside: Outside): Promise<void> {
  const { values, positionals } = readFlags(name, args, flags);
  if (values.help) {
    outside.out(help);
    return;
  }
  const [path, surplus] = positionals;
  if (path === undefined) throw wrongUsage(name, 'FILE is missing');
  if (surplus !== undefined) throw wrongUsage(name, `takes one FILE, '${surplus}' is too much`);
  if (values.output !== undefined && values.output !== 'yaml') {
    throw wrongUsage(name, `--output is '${values.output}', must be yaml`);
  }
  if (values['no-secrets'] && values.output === undefined) {
    throw wrongUsage(name, '--no-secrets is for --output yaml only');
  }
  const file = readFile(await outside.readText(path), path === '-' ? 'standard input' : basename(path));
  if (values.output === 'yaml') {
    printManifests(file, values.namespace, !values['no-secrets'], outside);
    return;
  }
  const cluster = outside.connect(values.kubeconfig);
  try {
    const namespace = values.namespace ?? cluster.namespace ?? 'default';
    const { force } = values;
    const deps: WriteDeps = { cluster, namespace, force, progress: (line) => outside.progress(line) };
    await importInto(deps, file, values['dry-run'], outside);
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
