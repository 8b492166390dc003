// What proves to a host that its orders come from the newest leader: the epoch that travels with every session.

export interface Fence {
  /** This leader's epoch; throws unsafe NotLeader while this process does not lead. */
  readonly epoch: number;
  /** Milliseconds of the lease that remain on the monotonic clock; 0 when it is lost. */
  remainingMs(): number;
  /**
   * Raises our epoch above `seen`, the number with which a host refused us, and records it on the Lease. Throws unsafe
   * NotLeader when the lease is not ours any more.
   */
  raiseAbove(seen: number, signal: AbortSignal): Promise<void>;
}
