// What real BMCs do otherwise than the standard says, one row each: whose quirk it is, what they do, and who found it.
// Most are told by the answer: what the standard wants is tried first, so that a BMC which was mended is not held back. A few
// are told by who the service says it is, because the wrong request looks like a success.
// Sources: IR = openstack/ironic drivers/modules, SU = openstack/sushy sushy, MAAS = canonical/maas
// src/provisioningserver/drivers/power, at the commits that the research names.
import { says } from './answer.ts';
import { at, linksAt, textAt } from './document.ts';
import type { Reply } from './http.ts';

/** What a service and its system say of themselves. */
export interface Identity {
  /** Vendor, product, OEM names and manufacturer, in lower case. */
  readonly maker: string;
  readonly systemModel: string;
  /** Empty where the manager was not asked. */
  readonly managerModel: string;
  readonly managerFirmware: string;
}

/** What is being done when an answer comes. */
export type Purpose = 'power on' | 'media' | 'other';

export interface Quirk {
  /** Who has it. */
  readonly products: string;
  readonly deviation: string;
  readonly source: string;
  /** By whom the service says it is; absent: by its answer. */
  readonly recognise?: (identity: Identity) => boolean;
  /** A refusal that passes by itself, and how long to leave the service alone before each further try. */
  readonly passes?: {
    readonly purpose?: Purpose;
    readonly when: (reply: Reply) => boolean;
    readonly pausesMs: readonly number[];
  };
}

const times = (count: number, ms: number): readonly number[] => Array.from({ length: count }, () => ms);
const isSupermicro = ({ maker }: Identity): boolean => maker.includes('supermicro');
const isDell = ({ maker }: Identity): boolean => maker.includes('dell');
/** The generation of a PowerEdge as its iDRAC has it ("14G Monolithic"); 17 is the first with an iDRAC10. */
const powerEdge = ({ managerModel }: Identity): number => Number(/^(\d\d)G\b/.exec(managerModel)?.[1] ?? 0);
const major = (version: string): number => Number(/^\d+/.exec(version)?.[0] ?? 0);

const table = {
  // Transport and login
  stalledConnections: {
    products: 'some, not named',
    deviation: 'lets a connection stall that was kept for a further request, or closes it on that',
    source: 'SU connector.py, which sends Connection: close with every request for it',
  },
  onlyCompressed: {
    products: 'HPE Gen10 Plus, registries',
    deviation: 'answers 406 unless gzip is accepted',
    source: 'SU connector.py _op, NotAcceptableError',
  },
  trailingSlash: {
    products: 'some, not named',
    deviation: 'answers 404 to a link of its own unless a slash is added',
    source: 'MAAS redfish.py redfish_request',
  },
  closedRoot: {
    products: 'some, not named',
    deviation: 'asks for a login at the service root',
    source: 'none but our first driver, which had it; DSP0266 wants the root open',
  },
  fewSessions: {
    products: 'all have few sessions; OpenBMC and iDRAC say so',
    deviation: 'gives no session when others hold them all, and takes Basic authentication',
    source: 'SU auth.py SessionOrBasicAuth',
  },
  sessionLocation: {
    products: 'some, not named',
    deviation: 'names a new session in the body only, not in Location',
    source: 'SU main.py create_session',
  },
  // Writing
  etagInBody: {
    products: 'Supermicro and others',
    deviation: 'wants If-Match on a PATCH, and tells the ETag only as @odata.etag',
    source: 'SU connector.py _etag_handler; MAAS redfish.py',
  },
  strongEtagWanted: {
    products: 'some, not named',
    deviation: 'gives a weak ETag, and takes it only as a strong one',
    source: 'SU connector.py _etag_handler',
  },
  noEtagWanted: {
    products: 'some, not named',
    deviation: 'gives an ETag, and takes a PATCH only without If-Match',
    source: 'SU connector.py _etag_handler',
  },
  idracNotReady: {
    products: 'Dell iDRAC',
    deviation: 'is not ready for a while after what it did before (SYS518)',
    source: 'SU connector.py check_retry_on_exception',
    passes: { when: (reply: Reply) => says(reply, /SYS518/), pausesMs: times(10, 3_000) },
  },
  iloNotReady: {
    products: 'HPE iLO',
    deviation: 'answers InvalidOperationForSystemState for a while after what it did before',
    source: 'SU connector.py check_retry_on_exception',
    passes: {
      when: (reply: Reply) => says(reply, /iLO[^"]*InvalidOperationForSystemState/),
      pausesMs: times(10, 3_000),
    },
  },
  systemInPost: {
    products: 'HPE iLO',
    deviation:
      'changes nothing of the boot while the machine is in its self-test (UnableToModifyDuringSystemPOST)',
    source: 'IR redfish/management.py _is_during_post_error',
    passes: {
      when: (reply: Reply) => says(reply, /UnableToModifyDuringSystemPOST/),
      pausesMs: [5_000, 5_000, 8_000, 16_000, 30_000],
    },
  },
  // Power
  onConflict: {
    products: 'Dell iDRAC10',
    deviation: 'refuses On for up to a minute after a power-off (409 ActionParameterValueConflict)',
    source: 'IR redfish/power.py _set_power_state',
    passes: {
      purpose: 'power on',
      when: (reply: Reply) => reply.status === 409 && says(reply, /ActionParameterValueConflict/),
      pausesMs: times(6, 10_000),
    },
  },
  alreadyThere: {
    products: 'some, not named',
    deviation: 'refuses a power state that is reached already (400 or 409)',
    source: 'IR redfish/power.py set_power_state',
  },
  // Boot override
  wholeBoot: {
    products: 'AMI MegaRAC, ASRockRack',
    deviation: 'wants target, enabled and mode in one request, changed or not',
    source: 'IR redfish/management.py VENDORS_REQUIRING_FULL_BOOT_REQUEST',
    recognise: ({ maker }) => /\bami\b|american megatrends|asrockrack|redfish_compatible/.test(maker),
  },
  enabledAlways: {
    products: 'Supermicro',
    deviation: 'forgets the override unless Enabled is sent each time; others refuse it when it is unchanged',
    source: 'IR redfish/management.py _set_boot_device',
    recognise: isSupermicro,
  },
  modeForgotten: {
    products: 'Supermicro',
    deviation: 'falls back to the Legacy mode when the boot target changes',
    source: 'IR redfish/management.py set_boot_device',
    recognise: isSupermicro,
  },
  usbCd: {
    products: 'Supermicro, but for ARS-111GL-NHR',
    deviation: 'shows the virtual CD as UsbCd, and boots nothing from Cd',
    source: 'SU resources/system/system.py set_system_boot_options',
    recognise: (identity) => isSupermicro(identity) && identity.systemModel.toLowerCase() !== 'ars-111gl-nhr',
  },
  oemVirtualCd: {
    products: 'Dell iDRAC before 6.00',
    deviation: 'boots the drive in the machine from Cd; the virtual one only by ServerBoot.1#FirstBootDevice',
    source: 'IR drac/boot.py _set_boot_device; SU oem/dell/resources/manager/manager.py',
    recognise: (identity) =>
      isDell(identity) &&
      powerEdge(identity) > 0 &&
      powerEdge(identity) < 17 &&
      major(identity.managerFirmware) < 6,
  },
  noContinuous: {
    products: 'many newer ones',
    deviation: 'refuses BootSourceOverrideEnabled Continuous',
    source: 'IR redfish/management.py _set_boot_device',
  },
  noMode: {
    products: 'HPE Gen9',
    deviation: 'has no BootSourceOverrideMode, or refuses it',
    source: 'IR redfish/management.py set_boot_mode',
  },
  bootInSettings: {
    products: 'Dell iDRAC10 and others',
    deviation: 'has the boot override in the settings resource of the system',
    source: 'SU resources/system/system.py set_system_boot_options',
  },
  jobAtRestart: {
    products: 'Dell iDRAC',
    deviation:
      'makes a job of boot mode and BIOS settings, which waits for a restart: its task never ends before',
    source: 'IR redfish/management.py _wait_for_boot_mode',
  },
  // Virtual media
  mediaInManager: {
    products: 'older ones',
    deviation: 'has the virtual media at the manager, not at the system',
    source: 'IR redfish/boot.py _insert_vmedia',
  },
  dvdOnly: {
    products: 'Cisco UCS B and X',
    deviation: 'has DVD slots and no CD slot',
    source: 'IR redfish/boot.py _insert_vmedia_in_resource',
  },
  localSlots: {
    products: 'Cisco C845A, OpenBMC',
    deviation:
      'lists slots that only its own viewer can use: without the action, or answering 400 or 405 to it',
    source: 'IR redfish/boot.py _insert_vmedia_in_resource',
  },
  onlyFirstSlot: {
    products: 'Dell iDRAC10',
    deviation: 'boots only from slot 1',
    source: 'IR drac/boot.py _get_acceptable_media_id',
    recognise: (identity) => isDell(identity) && powerEdge(identity) >= 17,
  },
  insertByPatch: {
    products: 'Lenovo SD530',
    deviation: 'has no InsertMedia, and takes a PATCH that has Inserted and WriteProtected',
    source: 'SU resources/manager/virtual_media.py insert_media',
  },
  bareInsert: {
    products: 'Supermicro X11, X12',
    deviation: 'refuses InsertMedia with Inserted or WriteProtected in it',
    source: 'SU resources/manager/virtual_media.py insert_media',
  },
  transferProtocol: {
    products: 'some, not named',
    deviation: 'wants TransferProtocolType',
    source: 'SU resources/manager/virtual_media.py is_transfer_protocol_required',
  },
  transferMethod: {
    products: 'some, not named',
    deviation: 'wants TransferMethod',
    source: 'SU resources/manager/virtual_media.py is_transfer_method_required',
  },
  dummyCredentials: {
    products: 'NVIDIA DGX',
    deviation: 'wants UserName and Password, also where the image needs none',
    source: 'SU resources/manager/virtual_media.py is_credentials_required',
  },
  emptyEject: {
    products: 'HPE iLO',
    deviation: 'wants an empty object as the body of EjectMedia; others want none',
    source: 'SU resources/manager/virtual_media.py eject_media',
  },
  ejectInProgress: {
    products: 'Dell iDRAC',
    deviation: 'answers 5xx to an insert while an eject is under way',
    source: 'IR redfish/boot.py _test_retry',
    passes: {
      purpose: 'media',
      when: ({ status }: Reply) => status >= 500 && status !== 501,
      pausesMs: times(3, 3_000),
    },
  },
  staleInserted: {
    products: 'Dell iDRAC',
    deviation: 'shows a medium as inserted for a while after it was ejected',
    source: 'IR redfish/boot.py _insert_vmedia_in_resource',
  },
  // The rest
  blinkOnly: {
    products: 'some, not named',
    deviation: 'has an IndicatorLED that can blink, and not be lit',
    source: 'none; DSP0268 leaves open which values of IndicatorLED a service has',
  },
} satisfies Record<string, Quirk>;

export type QuirkName = keyof typeof table;
export const quirks: Readonly<Record<QuirkName, Quirk>> = table;

/** The quirks that a service has by what it says of itself. */
export function quirksOf(identity: Identity): ReadonlySet<QuirkName> {
  const names = Object.keys(quirks) as QuirkName[];
  return new Set(names.filter((name) => quirks[name].recognise?.(identity) === true));
}

/** The pauses before further tries of what was refused so, empty where the refusal stands. */
export function pausesAfter(reply: Reply, purpose: Purpose): readonly number[] {
  for (const { passes } of Object.values(quirks)) {
    if (passes === undefined || (passes.purpose ?? purpose) !== purpose) continue;
    if (reply.status >= 400 && passes.when(reply)) return passes.pausesMs;
  }
  return [];
}

/** True for a refusal that passes whatever is being done. */
export const passesByItself = (reply: Reply): boolean => pausesAfter(reply, 'other').length > 0;

/** `manager` is undefined where it was not asked. */
export function identityOf(root: unknown, system: unknown, manager: unknown): Identity {
  const oem = at(root, 'Oem');
  const names = [
    textAt(root, 'Vendor'),
    textAt(root, 'Product'),
    ...(typeof oem === 'object' && oem !== null ? Object.keys(oem) : []),
    textAt(system, 'Manufacturer'),
  ];
  return {
    maker: names.join(' ').toLowerCase(),
    systemModel: textAt(system, 'Model') ?? '',
    managerModel: textAt(manager, 'Model') ?? '',
    managerFirmware: textAt(manager, 'FirmwareVersion') ?? '',
  };
}

/** Where to ask the manager, if who made the machine makes that worth a request. */
export const managerWorthAsking = (root: unknown, system: unknown): string | undefined =>
  isDell(identityOf(root, system, undefined)) ? linksAt(system, 'Links', 'ManagedBy')[0] : undefined;
