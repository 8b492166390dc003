// A registry over the OCI distribution protocol (opencontainers/distribution-spec), which Docker's registries speak too.
import { createBlobs } from './blobs.ts';
import { createManifests } from './manifests.ts';
import { createMounts } from './mounts.ts';
import type { Registry, RegistryAccess } from './port.ts';
import { createRegistrySession, type RegistrySession, type RegistrySessionDeps } from './session.ts';
import { createTags } from './tags.ts';
import { createUploadRequests } from './upload-requests.ts';
import { createUploads } from './uploads.ts';

export function createRegistryClient(
  access: RegistryAccess,
  deps: RegistrySessionDeps,
): Registry & Pick<RegistrySession, 'close'> {
  const session = createRegistrySession(access, deps);
  const blobs = createBlobs(access, session);
  const requests = createUploadRequests(access, session);
  return {
    check: (signal) => session.open(signal),
    ...createManifests(access, session),
    ...createTags(access, session),
    ...blobs,
    ...createMounts(access, session, requests),
    ...createUploads({ access, requests, hasBlob: blobs.hasBlob, ...deps }),
    close: () => session.close(),
  };
}
