// What the agent of a node's present work is told to do, as plan.ts takes it. Pure.
import type { BareMetalNode } from '../../api/baremetalnode.gen.ts';
import type { AgentJob, BurnInJob } from '../agent/plan.ts';
import { agentNodeOf, raidConfigOf } from './machine.ts';

/**
 * From what status records: what the namespace names now may be another by now. Undefined where there is no job, as for a deployment
 * without an image.
 */
export function jobFor(node: BareMetalNode, configDrive: string | undefined): AgentJob | undefined {
  const { work } = node.status ?? {};
  const agentNode = agentNodeOf(node);
  const { automatedCleaningMode: mode, bootMode } = node.spec;
  switch (work?.kind) {
    case undefined:
      return undefined;
    case 'Inspect':
      return { kind: 'BurnIn', node: agentNode, tests: testsOf(node) };
    case 'Clean':
      return mode === 'Disabled' ? undefined : { kind: 'Clean', node: agentNode, mode };
    case 'Deploy':
      if (work.image === undefined) return undefined;
      return {
        kind: 'Deploy',
        node: agentNode,
        image: work.image,
        configDrive,
        bootMode: bootMode === 'Legacy' ? 'Legacy' : 'UEFI',
        rootMebibytes: rootMebibytesOf(node),
        raid: raidConfigOf(node),
      };
  }
}

function testsOf({ spec }: BareMetalNode): BurnInJob['tests'] {
  const { cpuSeconds, memorySeconds, diskSeconds } = spec.burnIn ?? {};
  const wanted = { cpu: cpuSeconds, memory: memorySeconds, disk: diskSeconds } as const;
  return (['cpu', 'memory', 'disk'] as const).filter((test) => wanted[test] !== undefined);
}

/** As TripleO's root_size_gb; a smaller disk keeps a gigabyte for the EFI system partition and the config drive. */
const usualRoot = 49 * 1024;
const smallestDisk = 4 * 2 ** 30;

function rootMebibytesOf({ status }: BareMetalNode): number {
  const sizes = (status?.hardware?.disks ?? []).flatMap(({ sizeBytes }) =>
    sizeBytes === undefined || sizeBytes < smallestDisk ? [] : [sizeBytes],
  );
  const room = sizes.length === 0 ? Infinity : Math.floor(Math.min(...sizes) / 2 ** 20) - 1024;
  return Math.min(usualRoot, room);
}
