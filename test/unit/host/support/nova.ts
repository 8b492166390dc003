// A small role to test the controller with: one container with a check and a file, one without, and its next revision.
import type { RevisionPayload } from '../../../../src/api/revision.ts';
import { image, payload, service } from './objects.ts';

const check = { test: ['/openstack/healthcheck'], intervalSeconds: 5, startPeriodSeconds: 10, retries: 2 };
export const conf = '/var/lib/config-data/puppet-generated/nova/nova.conf';

export const nova = service('nova', {
  configVolume: 'nova',
  configFiles: [{ path: 'nova.conf', from: { inline: 'my_ip = {{ host.addresses.ctlplane }}' } }],
  kolla: [{ container: 'nova_api', command: 'nova-api' }],
  containers: [
    { name: 'memcached', image: 'memcached', step: 1 },
    { name: 'nova_api', image: 'nova-api', step: 4, healthcheck: check },
  ],
});
export const first = payload([nova]);
export const second: RevisionPayload = {
  ...first,
  images: { ...first.images, 'nova-api': image('nova-api', '2') },
  imagesTag: '2',
};
