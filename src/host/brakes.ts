// The stop switches as a Host sees them: which one holds it, who set it, and what it forbids. Pure.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';

export interface Brake {
  /** `Held` stops no healing: the host only stays on its revision. */
  readonly kind: 'None' | 'Held' | 'Observe' | 'Paused' | 'Maintenance';
  /** For the column BRAKE: which switch, and who; empty when none. */
  readonly text: string;
}

/** The strictest switch that is on. */
export function brakeOf(host: Host, node: BareMetalNode | undefined): Brake {
  const { overcloudName, paused, pauseReason, mode, hold } = host.spec;
  const because = (reason: string | undefined) =>
    reason === undefined || reason === '' ? '' : `: ${reason}`;
  if (node?.spec.maintenance === true) {
    return {
      kind: 'Maintenance',
      text: `maintenance (node ${node.metadata.name}${because(node.spec.maintenanceReason)})`,
    };
  }
  if (paused) return { kind: 'Paused', text: `paused (overcloud ${overcloudName}${because(pauseReason)})` };
  if (mode === 'Observe') return { kind: 'Observe', text: `mode Observe (overcloud ${overcloudName})` };
  if (hold) return { kind: 'Held', text: `hold (overcloud ${overcloudName})` };
  if (mode === 'Plan') return { kind: 'Held', text: `mode Plan (overcloud ${overcloudName})` };
  return { kind: 'None', text: '' };
}

/** Whether anything may be changed on the host. */
export function mayAct({ kind }: Brake): boolean {
  return kind === 'None' || kind === 'Held';
}
