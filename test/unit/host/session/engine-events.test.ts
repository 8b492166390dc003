// What an engine's event becomes, in Docker's words and in Podman's.
import { expect } from 'chai';
import { eventOf, type EventMessage } from '../../../../src/host/containers/engine-events.ts';

const actor = { ID: 'abc', Attributes: { name: 'memcached', managed_by: 'undercloud' } };
const event = { containerId: 'abc', containerName: 'memcached', labels: { managed_by: 'undercloud' } };

describe('an engine event', () => {
  const cases: readonly (readonly [string, Omit<EventMessage, 'Actor'>, object | undefined])[] = [
    ['of a removal, as Docker calls it', { Action: 'destroy' }, { ...event, action: 'remove' }],
    ['of a removal, as Podman calls it', { Action: 'remove' }, { ...event, action: 'remove' }],
    [
      'of a health check, with Docker’s result behind the word',
      { Action: 'health_status: unhealthy' },
      { ...event, action: 'health_status', health: 'unhealthy' },
    ],
    [
      'of a health check, with Podman’s result beside it',
      { Action: 'health_status', HealthStatus: 'healthy' },
      { ...event, action: 'health_status', health: 'healthy' },
    ],
    [
      'of a health check whose result we do not know',
      { Action: 'health_status', HealthStatus: 'odd' },
      { ...event, action: 'health_status' },
    ],
    ['of an exec, which nobody waits for', { Action: 'exec_create: /openstack/healthcheck' }, undefined],
  ];
  for (const [name, message, expected] of cases) {
    it(name, () => {
      expect(eventOf({ ...message, Actor: actor })).to.deep.equal(expected);
    });
  }
});
