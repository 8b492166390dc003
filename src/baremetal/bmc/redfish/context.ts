// What every part of the driver needs to work on one machine's Redfish service.
import type { Clock } from '../../../kernel/clock.ts';
import type { Effects } from './effect.ts';
import type { RedfishAddress } from './http.ts';
import type { RedfishSession } from './session.ts';
import type { RedfishSystem } from './system.ts';

export interface Redfish {
  readonly address: RedfishAddress;
  readonly session: RedfishSession;
  readonly system: RedfishSystem;
  readonly effects: Effects;
  readonly clock: Clock;
}
