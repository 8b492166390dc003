// ports and mac: the NICs of a node, of which the first is the one it boots from.
import { isMap, type RawNode } from './document.ts';
import type { Findings } from './findings.ts';

const macAddress = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** In lower case and in the file's order; without those that have a problem, which was reported. */
export function readMacs(node: RawNode, findings: Findings): readonly string[] {
  const macs = [...fromPorts(node.ports, findings), ...fromList(node.mac, findings)];
  if (macs.length > 1) {
    findings.remark('note', 'only the first MAC is kept, as bootMACAddress: inspection finds the other NICs');
  }
  if (macs.length === 0 && isEmpty(node.ports) && isEmpty(node.mac)) {
    findings.remark('note', 'without ports there is no bootMACAddress, which booting from the network needs');
  }
  return macs;
}

function fromPorts(value: unknown, findings: Findings): readonly string[] {
  if (isEmpty(value)) return [];
  if (!Array.isArray(value)) {
    findings.problem('ports', 'must be a list as [{"address": "2c:c2:60:01:02:04"}]');
    return [];
  }
  return value.flatMap((port: unknown, index) => {
    const key = `ports[${index}]`;
    if (!isMap(port)) {
      findings.problem(key, 'must be a map as {"address": "2c:c2:60:01:02:04"}');
      return [];
    }
    for (const name of Object.keys(port)) checkPortKey(name, key, findings);
    return readMac(port.address, `${key}.address`, findings);
  });
}

function checkPortKey(name: string, key: string, findings: Findings): void {
  if (name === 'address') return;
  if (['physical_network', 'local_link_connection', 'pxe_enabled', 'is_smartnic'].includes(name)) {
    findings.remark('note', `ports' ${name} is ignored: switches are not configured from here`);
  } else findings.problem(`${key}.${name}`, 'is unknown: remove it');
}

function fromList(value: unknown, findings: Findings): readonly string[] {
  if (isEmpty(value)) return [];
  if (Array.isArray(value)) {
    return value.flatMap((mac: unknown, index) => readMac(mac, `mac[${index}]`, findings));
  }
  findings.problem('mac', 'must be a list as ["2c:c2:60:01:02:04"]');
  return [];
}

function readMac(value: unknown, key: string, findings: Findings): readonly string[] {
  const mac = typeof value === 'string' ? value.trim().toLowerCase().replaceAll('-', ':') : '';
  if (macAddress.test(mac)) return [mac];
  findings.problem(key, isEmpty(value) ? 'is missing' : 'must be a MAC address as 2c:c2:60:01:02:04');
  return [];
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null;
