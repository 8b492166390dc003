// What every benchmark prints: a table for people and, as the last line, one JSON object.

export interface Result {
  readonly bench: string;
  readonly unit: string;
  /** Ours. */
  readonly figures: Readonly<Record<string, number>>;
  /** The same, of the baseline, measured in the same run. */
  readonly baseline: Readonly<Record<string, number>>;
  /** Ours over the baseline's; which figure is compared is in the name. */
  readonly ratio: Readonly<Record<string, number>>;
  readonly target: string;
}

export function report(result: Result): void {
  const names = [...new Set([...Object.keys(result.figures), ...Object.keys(result.baseline)])];
  const cell = (value: number | undefined): string =>
    (value === undefined ? '-' : value.toFixed(2)).padStart(12);
  console.log(`\n${result.bench} (${result.unit})`);
  console.log(
    `${'FIGURE'.padEnd(24)}${'UNDERCLOUD'.padStart(12)}${'BASELINE'.padStart(12)}${'RATIO'.padStart(12)}`,
  );
  for (const name of names) {
    console.log(
      `${name.padEnd(24)}${cell(result.figures[name])}${cell(result.baseline[name])}${cell(result.ratio[name])}`,
    );
  }
  console.log(`target: ${result.target}\n`);
  console.log(JSON.stringify(result));
}

/** The value below which the share `q` of the samples lies (nearest rank). */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
