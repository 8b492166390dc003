// The documents of our fake Redfish service, made anew from its state at each GET.
import {
  biosPath,
  chassisPath,
  managerPath,
  mediaPaths,
  registryPath,
  root,
  secureBootPath,
  sessionsPath,
  settingsPath,
  subscriptionsPath,
  systemPath,
  type FakeRedfish,
  type FakeSlot,
} from './redfish-state.ts';

type Documents = Record<string, object>;

const link = (path: string) => ({ '@odata.id': path });
const allowable = '@Redfish.AllowableValues';

export const documents = (fake: FakeRedfish): Readonly<Documents> => ({
  [root]: rootDocument(fake),
  [`${root}Systems`]: { Members: fake.quirks.systems.map((id) => link(`${root}Systems/${id}`)) },
  ...systemDocuments(fake),
  ...inventoryDocuments(systemPath(fake)),
  ...managerDocuments(fake),
  ...mediaDocuments(fake),
  ...biosDocuments(fake),
  ...secureBootDocuments(fake),
  ...eventDocuments(fake),
});

function rootDocument({ quirks }: FakeRedfish): object {
  return {
    RedfishVersion: '1.11.0',
    Vendor: quirks.vendor,
    Systems: link(`${root}Systems`),
    ...(quirks.hasRegistry ? { Registries: link(`${root}Registries`) } : {}),
    ...(quirks.events === 'none' ? {} : { EventService: link(`${root}EventService`) }),
    Links: quirks.sessions ? { Sessions: link(sessionsPath) } : {},
  };
}

function systemDocuments(fake: FakeRedfish): Documents {
  const { quirks, power } = fake;
  const own = systemPath(fake);
  const resetTypes = `ResetType${allowable}`;
  return {
    [own]: {
      Manufacturer: quirks.manufacturer,
      Model: quirks.systemModel,
      SerialNumber: ' S1 ',
      BiosVersion: '2.1',
      PowerState: power,
      Boot: quirks.bootInSettings ? {} : bootDocument(fake),
      ...(quirks.bootInSettings ? { '@Redfish.Settings': { SettingsObject: link(settingsPath(fake)) } } : {}),
      ...(quirks.light === 'chassis' ? {} : lightOf(fake)),
      ProcessorSummary: { Count: 2, Model: 'Z80' },
      MemorySummary: { TotalSystemMemoryGiB: 1.5 },
      EthernetInterfaces: link(`${own}/EthernetInterfaces`),
      Storage: link(`${own}/Storage`),
      SimpleStorage: link(`${own}/Nowhere`),
      ...(quirks.hasBios ? { Bios: link(biosPath(fake)) } : {}),
      ...(quirks.hasSecureBoot ? { SecureBoot: link(secureBootPath(fake)) } : {}),
      ...(quirks.mediaAt === 'manager' ? {} : { VirtualMedia: link(`${own}/VirtualMedia`) }),
      Links: { ManagedBy: [link(managerPath)], Chassis: [link(chassisPath)] },
      Actions: {
        '#ComputerSystem.Reset': {
          target: `${own}/Actions/Power`,
          ...(quirks.actionInfo
            ? { '@Redfish.ActionInfo': `${own}/ResetActionInfo` }
            : { [resetTypes]: quirks.resetTypes }),
        },
      },
    },
    ...(quirks.bootInSettings ? { [settingsPath(fake)]: { Boot: bootDocument(fake) } } : {}),
    [`${own}/ResetActionInfo`]: { Parameters: [{ Name: 'ResetType', AllowableValues: quirks.resetTypes }] },
  };
}

function bootDocument({ quirks, boot }: FakeRedfish): object {
  return {
    BootSourceOverrideTarget: boot.target,
    BootSourceOverrideEnabled: boot.enabled,
    [`BootSourceOverrideTarget${allowable}`]: quirks.bootTargets,
    ...(quirks.mode === 'absent' ? {} : { BootSourceOverrideMode: boot.mode }),
  };
}

function lightOf({ quirks, indicator }: FakeRedfish): object {
  if (quirks.light === 'none') return {};
  return quirks.light === 'location'
    ? { LocationIndicatorActive: indicator !== 'Off' }
    : { IndicatorLED: indicator };
}

const inventoryDocuments = (own: string): Documents => ({
  [`${own}/EthernetInterfaces`]: { Members: [link(`${own}/EthernetInterfaces/1`), link(`${own}/Nowhere`)] },
  [`${own}/EthernetInterfaces/1`]: {
    Id: 'NIC.1',
    MACAddress: '2C-C2-60-01-02-04',
    SpeedMbps: 10000,
    LinkStatus: 'LinkUp',
  },
  [`${own}/Storage`]: { Members: [link(`${own}/Storage/1`)] },
  [`${own}/Storage/1`]: { Drives: [link(`${own}/Storage/1/Drives/1`)] },
  [`${own}/Storage/1/Drives/1`]: {
    Name: 'Disk.1',
    MediaType: 'SSD',
    Protocol: 'NVMe',
    CapacityBytes: 960197124096,
  },
});

function managerDocuments(fake: FakeRedfish): Documents {
  const { quirks } = fake;
  const target = `${managerPath}/Actions/Import`;
  return {
    [managerPath]: {
      Id: 'iDRAC.Embedded.1',
      Model: quirks.managerModel,
      FirmwareVersion: quirks.managerFirmware,
      Manufacturer: 'ACME',
      ...(quirks.mediaAt === 'system' ? {} : { VirtualMedia: link(`${managerPath}/VirtualMedia`) }),
      Actions: { Oem: { '#OemManager.v1_4_0.OemManager#OemManager.ImportSystemConfiguration': { target } } },
    },
    [chassisPath]: quirks.light === 'chassis' ? lightOf(fake) : {},
  };
}

function mediaDocuments(fake: FakeRedfish): Documents {
  const found: Documents = {};
  for (const collection of mediaPaths(fake)) {
    found[collection] = { Members: fake.quirks.slots.map(({ id }) => link(`${collection}/${id}`)) };
    for (const slot of fake.quirks.slots)
      found[`${collection}/${slot.id}`] = slotDocument(fake, collection, slot);
  }
  return found;
}

function slotDocument(fake: FakeRedfish, collection: string, { id, types, takes }: FakeSlot): object {
  const action = (name: string) => ({
    [`#VirtualMedia.${name}`]: { target: `${collection}/${id}/Actions/${name}` },
  });
  const image = fake.inserted.get(id) ?? (fake.stale.reads > 0 ? fake.stale.image : undefined);
  return {
    Id: id,
    MediaTypes: types,
    Image: image ?? null,
    Inserted: image !== undefined,
    Actions: takes === 'patch' ? {} : { ...action('InsertMedia'), ...action('EjectMedia') },
  };
}

function biosDocuments(fake: FakeRedfish): Documents {
  const { quirks, bios, pendingBios } = fake;
  const own = biosPath(fake);
  if (!quirks.hasBios) return {};
  return {
    [own]: {
      AttributeRegistry: 'FakeBios.v1_0_0',
      Attributes: bios,
      '@Redfish.Settings': { SettingsObject: link(`${own}/Settings`), SupportedApplyTimes: ['OnReset'] },
    },
    [`${own}/Settings`]: { Attributes: pendingBios },
    [`${root}Registries`]: { Members: [link(`${root}Registries/Base`), link(registryPath)] },
    [`${root}Registries/Base`]: { Id: 'Base', Registry: 'Base.1.8' },
    [registryPath]: {
      Id: 'FakeBios',
      Registry: 'FakeBios.v1_0_0',
      Location: [{ Language: 'en', Uri: `${registryPath}/en.json` }],
    },
    [`${registryPath}/en.json`]: { RegistryEntries: { Attributes: registryEntries } },
  };
}

const registryEntries = [
  { AttributeName: 'BootMode', Type: 'Enumeration', Value: [{ ValueName: 'Uefi' }, { ValueName: 'Bios' }] },
  { AttributeName: 'NumLock', Type: 'Boolean' },
  { AttributeName: 'ProcCores', Type: 'Integer', LowerBound: 1, UpperBound: 64 },
  { AttributeName: 'AssetTag', Type: 'String', MinLength: 0, MaxLength: 8 },
  { AttributeName: 'SystemModel', Type: 'String', ReadOnly: true },
];

function secureBootDocuments(fake: FakeRedfish): Documents {
  return fake.quirks.hasSecureBoot
    ? {
        [secureBootPath(fake)]: {
          SecureBootEnable: fake.secureBoot,
          SecureBootCurrentBoot: fake.secureBootNow ? 'Enabled' : 'Disabled',
        },
      }
    : {};
}

function eventDocuments({ quirks, subscriptions }: FakeRedfish): Documents {
  if (quirks.events === 'none') return {};
  const found: Documents = {
    [`${root}EventService`]: { ServiceEnabled: true, Subscriptions: link(subscriptionsPath) },
    [subscriptionsPath]: { Members: [...subscriptions.keys()].map(link) },
  };
  for (const [path, { destination, context }] of subscriptions) {
    found[path] = { Destination: destination, Context: context };
  }
  return found;
}
