// What is taken from inspection data: all of a real agent's, and of hostile ones never more than there is room for.
import { expect } from 'chai';
import fc from 'fast-check';
import { inspectionOf, macsIn } from '../../../src/baremetal/agent/inspection.ts';
import type { AgentInspection } from '../../../src/baremetal/agent/port.ts';
import { inspectionData } from '../../simulators/machine-inventory.ts';
import { realInspection } from './agent-samples.ts';

const taken = (payload: unknown): AgentInspection => {
  const found = inspectionOf(payload);
  if (typeof found === 'string') throw new Error(found);
  return found;
};
const nic = { mac_address: '52:54:00:00:00:01' };
const withNic = (inventory: object, beside: object = {}) => ({
  inventory: { interfaces: [nic], ...inventory },
  ...beside,
});

describe('inspection data', () => {
  it('of a real agent become an inventory', () => {
    const { inventory, error, raw } = taken(realInspection);
    expect(error).to.equal(undefined);
    expect(inventory).to.deep.include({
      ...{
        vendor: 'QEMU',
        model: 'Standard PC (Q35 + ICH9, 2009)',
        biosVersion: '0.0.0',
        memoryMebibytes: 4096,
      },
      cpu: { model: 'QEMU TCG CPU version 2.5+', architecture: 'x86_64', sockets: 1, threads: 2 },
      disks: [
        { name: '/dev/sda', model: 'QEMU HARDDISK', serial: 'UC0001', type: 'HDD', sizeBytes: 4_831_838_208 },
      ],
      nics: [{ name: 'enp0s1', mac: '52:54:00:77:01:0a', linkUp: true }],
    });
    expect(inventory).to.not.have.property('serial');
    expect(raw).to.deep.equal(JSON.parse(JSON.stringify(realInspection)));
  });

  it('of a simulated machine have the members of a real one’s', () => {
    const disk = {
      ...{ name: '/dev/sda', model: 'M', sizeBytes: 2 ** 34, rotational: false, serial: 'S' },
      ...{ image: undefined, configDrive: undefined, hostUid: undefined, erased: undefined },
    };
    const made = inspectionData(
      {
        macs: ['52:54:00:00:00:01'],
        address: '127.0.0.2',
        bootMode: 'uefi',
        disks: [disk],
        arguments: new Map(),
      },
      ['default'],
    ) as typeof realInspection;
    const missing = (real: object, simulated: object) =>
      Object.keys(real).filter((name) => !Object.keys(simulated).includes(name));
    expect(missing(realInspection, made)).to.deep.equal([]);
    expect(missing(realInspection.inventory, made.inventory)).to.deep.equal([]);
    const [realNic = {}] = realInspection.inventory.interfaces;
    const [realDisk = {}] = realInspection.inventory.disks;
    expect(missing(realNic, made.inventory.interfaces[0] ?? {})).to.deep.equal([]);
    expect(missing(realDisk, made.inventory.disks[0] ?? {})).to.deep.equal([]);
    expect(taken(made).inventory.disks).to.have.length(1);
  });

  const refused: readonly [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['a text', 'inventory'],
    ['a list', [realInspection]],
    ['no inventory', { error: null }],
    ['an inventory that is none', { inventory: 'none' }],
    ['no interfaces', { inventory: {} }],
    ['interfaces that are none', { inventory: { interfaces: { mac_address: nic.mac_address } } }],
    ['no MAC address', { inventory: { interfaces: [{ name: 'lo', mac_address: null }] } }],
    [
      'MAC addresses that are none',
      { inventory: { interfaces: [{ mac_address: '52-54-00-00-00-01' }, 7, null] } },
    ],
    ['an InfiniBand address', { inventory: { interfaces: [{ mac_address: `${'80:'.repeat(19)}01` }] } }],
  ];
  for (const [what, payload] of refused) {
    it(`are refused for ${what}`, () => {
      expect(inspectionOf(payload)).to.be.a('string');
      expect(macsIn(payload)).to.deep.equal([]);
    });
  }

  it('tell each MAC address once, in lower case', () => {
    const interfaces = [{ mac_address: '52:54:00:AB:CD:EF' }, { mac_address: '52:54:00:ab:cd:ef' }, nic];
    expect(macsIn({ inventory: { interfaces } })).to.deep.equal(['52:54:00:ab:cd:ef', nic.mac_address]);
  });

  it('tell what the agent could not find out', () => {
    expect(taken(withNic({}, { error: 'collector extra-hardware failed: no' })).error).to.contain(
      'extra-hardware',
    );
    expect(taken(withNic({}, { error: null }))).to.not.have.property('error');
    expect(taken(withNic({}, { error: '' }))).to.not.have.property('error');
  });

  const disks: readonly [string, object, string | undefined][] = [
    ['an NVMe disk by its transport', { name: '/dev/sda', tran: 'nvme', rotational: false }, 'NVMe'],
    ['an NVMe disk by its name', { name: '/dev/nvme0n1', rotational: false }, 'NVMe'],
    ['a disk that turns', { name: '/dev/sda', rotational: true }, 'HDD'],
    ['a disk that does not', { name: '/dev/sda', rotational: false }, 'SSD'],
    ['a disk that does not say', { name: '/dev/sda', rotational: null }, undefined],
  ];
  for (const [what, disk, type] of disks) {
    it(`know ${what}`, () => {
      expect(taken(withNic({ disks: [disk] })).inventory.disks[0]?.type).to.equal(type);
    });
  }

  it('are kept without their logs', () => {
    const { raw } = taken(withNic({}, { logs: 'H4sIAAAA'.repeat(100_000), pci_devices: [{ bus: '0' }] }));
    expect(raw).to.have.property('pci_devices');
    expect(raw).to.not.have.property('logs');
  });

  const largest = 2_000_000;
  const hostile: readonly [string, unknown][] = [
    ['a million disks', withNic({ disks: Array.from({ length: 1_000_000 }, () => ({ name: 'x' })) })],
    ['a text of 10 MB', withNic({ hostname: 'x'.repeat(10_000_000) }, { error: 'y'.repeat(10_000_000) })],
    ['texts of 10 MB', withNic({}, { all: Array.from({ length: 512 }, () => 'x'.repeat(20_000)) })],
    ['a name of 1 MB', withNic({ ['x'.repeat(1_000_000)]: 1 })],
    [
      'a hundred thousand names',
      withNic({}, Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`n${i}`, i]))),
    ],
    [
      'ten thousand levels',
      withNic({}, { deep: JSON.parse('['.repeat(10_000) + ']'.repeat(10_000)) as unknown }),
    ],
  ];
  for (const [what, payload] of hostile) {
    it(`have room for no more than an agent has to tell: ${what}`, () => {
      const found = taken(payload);
      expect(JSON.stringify(found).length).to.be.below(largest);
      expect(found.inventory.disks.length).to.be.at.most(512);
    });
  }

  it('change no object’s prototype', () => {
    const payload: unknown = JSON.parse(
      '{"__proto__": {"polluted": 1}, "inventory": {"interfaces": [{"mac_address": "52:54:00:00:00:01"}], "constructor": {"prototype": {"polluted": 1}}}}',
    );
    const { raw } = taken(payload);
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
    expect((raw as Record<string, unknown>).polluted).to.equal(undefined);
  });

  it('of whatever kind are taken or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => {
        const found = inspectionOf(payload);
        return typeof found === 'string' || Array.isArray(found.inventory.nics);
      }),
    );
  });

  it('with one member replaced by anything are an inventory all the same', () => {
    const members = ['cpu', 'disks', 'memory', 'system_vendor', 'boot', 'bmc_address', 'hostname'] as const;
    const inside = fc.dictionary(
      fc.constantFrom('name', 'model', 'size', 'count', 'total', 'physical_mb'),
      fc.jsonValue(),
    );
    const values = fc.oneof(fc.jsonValue(), inside, fc.array(inside));
    fc.assert(
      fc.property(fc.constantFrom(...members), values, (member, value) => {
        const { inventory } = taken({
          ...realInspection,
          inventory: { ...realInspection.inventory, [member]: value },
        });
        const numbers = [
          inventory.memoryMebibytes,
          inventory.cpu?.threads,
          ...inventory.disks.map((disk) => disk.sizeBytes),
        ];
        return numbers.every(
          (number) => number === undefined || (Number.isSafeInteger(number) && number >= 0),
        );
      }),
    );
  });
});
