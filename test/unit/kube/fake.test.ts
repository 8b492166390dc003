// The API server in memory that other tests build on (test/integration/kube.test.ts asks the same of the real one).
import { itBehavesLikeAnApiServer } from '../../fakes/conformance.ts';
import { createManualClock } from '../../fakes/clock.ts';
import { createFakeKube } from '../../fakes/kube.ts';

describe('fake API server', () => {
  const kube = createFakeKube(createManualClock());
  itBehavesLikeAnApiServer(() => kube.client, 'lab');
});
