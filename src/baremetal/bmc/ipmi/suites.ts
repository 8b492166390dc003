// Finds the cipher suite that a BMC speaks: 17, then 3, then always the one that worked.
import { refused, unreachable } from '../errors.ts';
import { suite17, suite3, type CipherSuite } from './algorithms.ts';
import { patient, type Patience } from './exchange.ts';
import { logIn, type LoginDeps, type Opened } from './login.ts';

export interface SuiteLogin {
  /** Throws what `logIn` throws, and terminal BMCRefused when no suite will do. A refused password is tried in one suite only. */
  logIn(deps: LoginDeps, signal: AbortSignal): Promise<Opened>;
  /** The number of the one that worked last. */
  suite(): number | undefined;
}

/** About 6 s, for a suite on which a BMC may be silent because it does not speak it. */
const doubtful: Patience = { ...patient, times: 6 };

export function createSuiteLogin(): SuiteLogin {
  let pinned: CipherSuite | undefined;
  return {
    suite: () => pinned?.id,
    async logIn(deps, signal) {
      const tried: { readonly kind: 'suite' | 'role' | 'silence'; readonly detail: string }[] = [];
      for (const suite of pinned === suite3 ? [suite3, suite17] : [suite17, suite3]) {
        // Where the other was refused there is somebody, and only this one is left.
        const isHopeful = suite === pinned || tried.some(({ kind }) => kind !== 'silence');
        const result = await logIn(deps, suite, isHopeful ? patient : doubtful, signal);
        if (result.kind === 'opened') {
          pinned = suite;
          return result;
        }
        if (result.kind === 'silence' && suite === pinned) throw unreachable(deps.address, result.detail);
        if (suite === pinned) pinned = undefined;
        tried.push({ kind: result.kind, detail: `suite ${suite.id}: ${result.detail}` });
      }
      const said = tried.map(({ detail }) => detail).join('; ');
      // Silence proves nothing: the packets may have been lost.
      if (tried.every(({ kind }) => kind === 'silence')) throw unreachable(deps.address, 'silence over IPMI');
      if (tried.some(({ kind }) => kind === 'silence')) throw unreachable(deps.address, said);
      throw tried.some(({ kind }) => kind === 'role')
        ? refused(deps.address, `the user is no administrator (${said})`)
        : refused(deps.address, `it speaks neither cipher suite 17 nor 3 (${said})`);
    },
  };
}
