// Which packets of a session are new: each sequence number counts once, late ones within a window.

export interface SequenceWindow {
  /** True once for each number that is not too old. To be asked only for packets whose signature was checked. */
  accept(sequence: number): boolean;
}

/** How far behind the highest number a late packet may be (IPMI v2.0 rev 1.1 section 6.12.13). */
const width = 16;

/**
 * The standard also drops what is more than 15 ahead. We do not: the number is signed, so only the BMC can have set it, and
 * a burst of loss on the way must not end the session.
 */
export function createSequenceWindow(): SequenceWindow {
  let highest = 0;
  /** Bit n: `highest - n` was seen. */
  let seen = 0;
  return {
    accept(sequence) {
      // 0 is for packets outside of a session.
      if (sequence === 0) return false;
      // Numbers go round after 2^32 - 1: what is less than half a round ahead is newer.
      const ahead = (sequence - highest) >>> 0;
      if (ahead > 0 && ahead < 2 ** 31) {
        seen = ahead >= width ? 1 : (seen << ahead) | 1;
        highest = sequence;
        return true;
      }
      const behind = (highest - sequence) >>> 0;
      if (behind >= width || (seen & (1 << behind)) !== 0) return false;
      seen |= 1 << behind;
      return true;
    },
  };
}
