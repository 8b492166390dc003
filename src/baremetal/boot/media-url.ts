// The URL of the virtual medium that boots one machine: the deploy ISO, with this machine's kernel arguments in it.
import { mediaPath } from '../../api/media.ts';
import { terminal } from '../../kernel/errors.ts';

/** Many BMCs cut or refuse a longer one. */
const longestUrl = 255;

/**
 * `iso` is the URL of the plain ISO (`deploy.iso.url` of the boot images), on a media server (src/media). Throws terminal
 * UnusableArguments and MediaUrlTooLong.
 */
export function mediaUrl(iso: string, kernelArguments: readonly string[]): string {
  const base = new URL(iso);
  const name = base.pathname.split('/').at(-1) ?? '';
  base.search = '';
  base.hash = '';
  const url = new URL(mediaPath(name, kernelArguments.join(' ')), base).href;
  if (url.length <= longestUrl) return url;
  const remedy =
    'use fewer deploy.kernelArguments, or a shorter host name in deploy.iso.url (kubectl undercloud image add)';
  throw terminal(
    'MediaUrlTooLong',
    `the URL of the virtual medium has ${url.length} characters, BMCs take ${longestUrl}: ${remedy}`,
  );
}
