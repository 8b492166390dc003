// Kubernetes quantities as people write them for memory and CPUs. Pure.
import { terminal } from '../../kernel/errors.ts';

const multiples: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes; 0 for undefined, which is no limit. Throws terminal QuantityInvalid. */
export function memoryBytes(quantity: string | undefined): number {
  if (quantity === undefined) return 0;
  const [, digits = '', suffix = ''] = /^([0-9]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  const multiple = multiples[suffix];
  if (digits === '' || multiple === undefined) throw invalid('memory', quantity, '512Mi');
  return Number(digits) * multiple;
}

/** CPUs; 0 for undefined, which is no limit. Throws terminal QuantityInvalid. */
export function cpuCount(quantity: string | undefined): number {
  if (quantity === undefined) return 0;
  const [, digits = '', milli] = /^([0-9]+(?:\.[0-9]+)?)(m)?$/.exec(quantity) ?? [];
  if (digits === '') throw invalid('cpus', quantity, '1.5 or 500m');
  return milli === undefined ? Number(digits) : Number(digits) / 1000;
}

const invalid = (what: string, quantity: string, example: string) =>
  terminal('QuantityInvalid', `${what} ${quantity} is no quantity: write it as ${example}`);
