// The disk of the virtual machine from outside: what the first and the last sectors of its image file say.
import { open } from 'node:fs/promises';

const sector = 512;

export interface PartitionTables {
  /** A master boot record, protective or not: UEFI specification 2.10, section 5.2. */
  readonly mbr: boolean;
  /** A GPT header in the second sector: section 5.3. */
  readonly gpt: boolean;
  /** Its copy in the last sector. */
  readonly gptCopy: boolean;
}

export async function partitionTablesOf(file: string): Promise<PartitionTables> {
  const disk = await open(file);
  try {
    const { size } = await disk.stat();
    const read = async (position: number): Promise<Buffer> => {
      const { buffer } = await disk.read(Buffer.alloc(sector), 0, sector, position);
      return buffer;
    };
    const isGpt = async (position: number): Promise<boolean> =>
      (await read(position)).toString('latin1', 0, 8) === 'EFI PART';
    return {
      mbr: (await read(0)).readUInt16LE(510) === 0xaa55,
      gpt: await isGpt(sector),
      gptCopy: await isGpt(size - sector),
    };
  } finally {
    await disk.close();
  }
}
