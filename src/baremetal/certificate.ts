// The certificate that agents see: from a Secret, made once where there is none. cert-manager may write it instead.
import type { Clock } from '../kernel/clock.ts';
import { asOperatorError, terminal } from '../kernel/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { secrets, type Secret } from '../kube/objects.ts';
import { makeCertificate } from './agent/certificate.ts';

const name = 'undercloud-agent-tls';

export interface Certificate {
  /** Both in PEM. */
  readonly key: string;
  readonly cert: string;
}

/** Throws terminal CertificateUnusable, and what the API server throws. */
export async function readCertificate(
  {
    client,
    clock,
    namespace,
  }: { readonly client: KubeClient; readonly clock: Clock; readonly namespace: string },
  host: string,
  signal: AbortSignal,
): Promise<Certificate> {
  const present = await client.get(secrets, { namespace, name }, signal);
  if (present !== undefined) return parsed(present);
  const { key, cert } = makeCertificate([host], clock.now());
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const data = { 'tls.crt': encode(cert), 'tls.key': encode(key) };
  const manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    type: 'kubernetes.io/tls',
    data,
  };
  try {
    await client.create(secrets, manifest, signal);
  } catch (error) {
    // Another replica was quicker.
    if (asOperatorError(error).reason !== 'AlreadyExists') throw error;
  }
  // Read back: what is read is kept out of the logs, and whoever was quicker counts.
  const made = await client.get(secrets, { namespace, name }, signal);
  if (made === undefined)
    throw terminal('CertificateUnusable', `Secret ${name} was taken away while it was made`);
  return parsed(made);
}

function parsed({ data }: Secret): Certificate {
  const decode = (key: string): string => Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
  const [key, cert] = [decode('tls.key'), decode('tls.crt')];
  if (key !== '' && cert !== '') return { key, cert };
  throw terminal(
    'CertificateUnusable',
    `Secret ${name} lacks tls.key or tls.crt: write both, or delete it to have it made`,
  );
}
