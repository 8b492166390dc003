// What a Redfish service says of a refused login is passed on, and never what it was given.
import { expect } from 'chai';
import { parseBmcAddress } from '../../../src/baremetal/bmc/address.ts';
import type { RedfishAddress, Reply } from '../../../src/baremetal/bmc/redfish/http.ts';
import { createRedfishSession } from '../../../src/baremetal/bmc/redfish/session.ts';
import { messageOf } from '../../../src/kernel/errors.ts';
import { createManualClock } from '../../fakes/clock.ts';

const reply = (status: number, body: unknown): Reply => ({ status, body, header: () => undefined });
const root = reply(200, { Links: { Sessions: { '@odata.id': '/redfish/v1/Sessions' } } });

/** A service that answers a login as DSP0268's Base.PropertyValueFormatError does: with the value. */
const echoing = (status: number) =>
  createRedfishSession({
    http: {
      send: (method, _link, { body }) => {
        if (method === 'GET') return Promise.resolve(root);
        const { Password: value } = body as { readonly Password: string };
        const info = {
          MessageId: 'Base.1.8.PropertyValueFormatError',
          Message: `The value ${value} is odd.`,
        };
        return Promise.resolve(reply(status, { error: { '@Message.ExtendedInfo': [info] } }));
      },
      close: () => Promise.resolve(),
    },
    clock: createManualClock(),
    address: parseBmcAddress('redfish://10.0.0.9') as RedfishAddress,
    username: 'admin',
    password: 'hunter2',
  });

describe('a Redfish login that is refused', () => {
  for (const status of [400, 418]) {
    it(`with HTTP ${status} and the password in the answer does not tell it`, async () => {
      const failure: unknown = await echoing(status)
        .get('/redfish/v1/Systems', new AbortController().signal)
        .catch((error: unknown) => error);
      expect(messageOf(failure)).to.include('PropertyValueFormatError').and.not.include('hunter2');
    });
  }
});
