// How the engine of a host reaches the registries of its revision: trusted CAs, plain HTTP. Credentials go with each pull only.
import type { RevisionRegistry } from '../api/revision.ts';
import { loose, type LooseFile } from './manifest/files.ts';

/** PEM by registry host, of the ConfigMaps that the registries name. */
export type RegistryCertificates = Readonly<Record<string, string>>;

/** Those of the revision and those that images are pulled ahead from, by host; of two for one host the revision's counts. */
export function registriesFor(
  revision: readonly RevisionRegistry[],
  ahead: readonly RevisionRegistry[] = [],
): readonly RevisionRegistry[] {
  const others = ahead.filter(({ host }) => !revision.some((known) => known.host === host));
  return others.length === 0 ? revision : [...revision, ...others].sort((a, b) => (a.host < b.host ? -1 : 1));
}

/** containers-registries.conf.d(5), containers-certs.d(5); Docker reads the same layout below /etc/docker/certs.d. */
export function registryFiles(
  engine: 'Podman' | 'Docker',
  registries: readonly RevisionRegistry[],
  certificates: RegistryCertificates,
): readonly LooseFile[] {
  const certsDirectory = engine === 'Podman' ? '/etc/containers/certs.d' : '/etc/docker/certs.d';
  const insecure = registries.filter((registry) => registry.insecure);
  const files = [
    ...(engine === 'Podman' && insecure.length > 0
      ? [file('/etc/containers/registries.conf.d/undercloud.conf', registriesConf(insecure))]
      : []),
    ...registries.flatMap(({ host }) => {
      const pem = certificates[host];
      return pem === undefined ? [] : [file(`${certsDirectory}/${host}/ca.crt`, pem)];
    }),
  ];
  return files;
}

/**
 * What a person has to do before this engine pulls from its insecure registries, empty where nothing is needed. Docker reads
 * them from daemon.json only; touching that file, or restarting the daemon, would touch what others run.
 */
export function insecureHint(engine: 'Podman' | 'Docker', registries: readonly RevisionRegistry[]): string {
  const hosts = registries.filter((registry) => registry.insecure).map(({ host }) => host);
  if (engine === 'Podman' || hosts.length === 0) return '';
  const list = hosts.map((host) => JSON.stringify(host)).join(', ');
  return `if Docker refuses plain HTTP, add ${list} to "insecure-registries" in /etc/docker/daemon.json and send dockerd SIGHUP`;
}

const file = (path: string, content: string): LooseFile => ({
  ...loose(path, content, 'root:root', '0644'),
  restarts: false,
  registry: true,
});

const registriesConf = (insecure: readonly RevisionRegistry[]): string =>
  [
    '# Written by Undercloud from the image set: changes are overwritten.',
    ...insecure.map(({ host }) => `[[registry]]\nlocation = ${JSON.stringify(host)}\ninsecure = true`),
    '',
  ].join('\n');
