// Dell's own way to boot from the virtual CD, for iDRACs that take the standard's Cd for the drive in the machine.
import { refused } from '../errors.ts';
import { succeeded } from './answer.ts';
import type { Redfish } from './context.ts';
import { entriesAt, linksAt, textAt } from './document.ts';
import type { Command } from './exchange.ts';
import { problem } from './problem.ts';
import type { Document } from './session.ts';

/** Quirk `oemVirtualCd`: a server configuration profile (iDRAC RESTful API guide, ImportSystemConfiguration). */
export async function setVirtualCdFirst(
  { address, session, effects }: Redfish,
  system: Document,
  persistent: boolean,
  command: Command,
): Promise<void> {
  const what = 'booting from the virtual CD';
  const [link] = linksAt(system.body, 'Links', 'ManagedBy');
  const manager = link === undefined ? undefined : (await session.get(link, command.signal)).body;
  const action = entriesAt(manager, 'Actions', 'Oem').find(([name]) =>
    name.endsWith('#OemManager.ImportSystemConfiguration'),
  );
  const target = textAt(action?.[1], 'target');
  if (target === undefined) {
    throw refused(address.text, `${what}: this iDRAC cannot, update its firmware to 6.00 or later`);
  }
  const body = {
    ShareParameters: { Target: ['ALL'] },
    ImportBuffer: profile(textAt(manager, 'Id') ?? 'iDRAC.Embedded.1', !persistent),
  };
  const reply = await effects.tryPost(target, { body }, { what }, command);
  if (!succeeded(reply)) throw problem(address, what, reply);
}

/** Without blanks between the elements: the iDRAC's job fails on them. */
function profile(manager: string, once: boolean): string {
  const attributes = [
    ['ServerBoot.1#BootOnce', once ? 'Enabled' : 'Disabled'],
    ['ServerBoot.1#FirstBootDevice', 'VCD-DVD'],
  ];
  const inner = attributes.map(([name, value]) => `<Attribute Name="${name}">${value}</Attribute>`).join('');
  const id = manager.replaceAll(/[^\w.-]/g, '');
  return `<SystemConfiguration><Component FQDD="${id}">${inner}</Component></SystemConfiguration>`;
}
