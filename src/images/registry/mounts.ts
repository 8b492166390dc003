// Makes blobs of one repository appear in another without moving them (distribution-spec, "Mounting a blob from another repository").
import { OperatorError } from '../../kernel/errors.ts';
import type { RegistryResponse } from './exchange.ts';
import type { Registry, RegistryAccess } from './port.ts';
import { mountPath, nameOf, pullOf, pushTo } from './reference.ts';
import { refusal } from './refusal.ts';
import type { RegistrySession } from './session.ts';
import { locationOf, type UploadRequests } from './upload-requests.ts';

export function createMounts(
  access: RegistryAccess,
  session: RegistrySession,
  requests: Pick<UploadRequests, 'abandon'>,
): Pick<Registry, 'mountBlob'> {
  return {
    async mountBlob(repository, digest, from, signal) {
      const target = mountPath(repository, digest, from);
      const scopes = [pushTo(repository), pullOf(from)];
      let response: RegistryResponse;
      try {
        response = await session.ask({ method: 'POST', target, scopes }, signal);
      } catch (error) {
        // Some token servers refuse altogether when one scope of several is too much. An upload says whether ours is.
        if (error instanceof OperatorError && error.reason === 'RegistryAuthFailed') return false;
        throw error;
      }
      if (response.status === 201 || response.status === 202) {
        await response.discard();
        if (response.status === 201) return true;
        await requests.abandon(repository, locationOf(access, response));
        return false;
      }
      const said = await session.heard(response);
      if (said.status >= 400 && said.status < 429) return false;
      throw refusal(access, said, nameOf(access, repository, digest), 'push');
    },
  };
}
