// The tags of a repository, page by page (distribution-spec, "Listing Tags").
import { terminal } from '../../kernel/errors.ts';
import type { Registry, RegistryAccess } from './port.ts';
import { pullOf, tagPattern, tagsPath } from './reference.ts';
import { refusal, refused } from './refusal.ts';
import type { RegistrySession } from './session.ts';
import { headerOf } from './exchange.ts';

/** Some registries send all tags as one page. */
const largestPage = 16 * 1024 * 1024;
const mostTags = 100_000;

export function createTags(access: RegistryAccess, session: RegistrySession): Pick<Registry, 'tags'> {
  return {
    async tags(repository, signal) {
      const path = tagsPath(repository);
      const scopes = [pullOf(repository)];
      const found = new Set<string>();
      let query: string | undefined = '';
      while (query !== undefined) {
        const response = await session.ask({ method: 'GET', target: `${path}${query}`, scopes }, signal);
        if (response.status === 404) {
          await response.discard();
          throw terminal(
            'ImageNotFound',
            `there is no ${access.host}/${repository}: push an image there, or ask for another repository`,
          );
        }
        if (response.status !== 200) {
          throw refusal(access, await session.heard(response), `the tags of ${repository}`);
        }
        const before = found.size;
        for (const tag of parseTags(access, repository, await response.read(largestPage))) found.add(tag);
        query = nextQuery(headerOf(response.headers, 'link'));
        if (query !== undefined && (found.size === before || found.size > mostTags)) {
          throw refused(
            access,
            `lists tags of ${repository} without end (${found.size} so far): remove some, or mend its paging`,
          );
        }
      }
      return [...found];
    },
  };
}

/** What is no legal tag cannot be asked for, and is left out. */
function parseTags(access: RegistryAccess, repository: string, body: Uint8Array): readonly string[] {
  let tags: unknown;
  try {
    ({ tags } = JSON.parse(Buffer.from(body).toString()) as { readonly tags?: unknown });
  } catch {
    tags = undefined;
  }
  // A repository of which all tags were deleted has null.
  if (tags === null) return [];
  if (!Array.isArray(tags)) {
    throw refused(access, `answers no list of tags for ${repository}: check that it is a registry`);
  }
  return tags.filter((tag): tag is string => typeof tag === 'string' && tagPattern.test(tag));
}

/**
 * The query of the page that follows (RFC 8288: `<URL>; rel="next"`). The rest of the URL is ours: registries behind proxies do not
 * know their own address, and no answer leads us elsewhere.
 */
function nextQuery(link: string | undefined): string | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next\b/i.exec(link ?? '')?.[1];
  const url = target === undefined ? null : URL.parse(target, 'https://registry.invalid/');
  return url === null || url.search === '' ? undefined : url.search;
}
