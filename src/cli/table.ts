// Tables as kubectl prints them: columns line up, nothing is cut.

/** `rows` below `header`, with three spaces between columns and none at the end of a line; ends with a line break. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  const padded = lines.map((line) =>
    line.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell))).join('   '),
  );
  return padded.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Code points, not UTF-16 units. */
const width = (cell: string): number => Array.from(cell).length;
