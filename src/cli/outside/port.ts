// The port to everything around a command: the terminal, files, the web and the cluster.
import type { Cluster } from '../cluster.ts';

/** Bytes from a file or a URL. */
export interface Source {
  /** In bytes; undefined where a server does not tell. */
  readonly size: number | undefined;
  /** To be read once, to its end. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface Outside {
  /** Results, to standard output; `text` ends its own lines. */
  out(text: string): void;
  /** Everything else, to standard error. */
  err(text: string): void;
  /** One line that is written over by the next; '' clears it. Nothing where standard error is no terminal. */
  progress(line: string): void;
  /** The line that is typed after `question`, '' for Ctrl-D; undefined where standard input or error is no terminal. */
  ask(question: string): Promise<string | undefined>;
  /** A whole text file; `-` is standard input. Throws terminal FileUnreadable. */
  readText(path: string): Promise<string>;
  /** Throws terminal FileUnreadable, also while the chunks are read. */
  openFile(path: string): Promise<Source>;
  /** GET, redirects followed. Throws terminal DownloadFailed, also while the chunks are read. */
  openUrl(url: string): Promise<Source>;
  /** What HEAD says within some seconds, in bytes; undefined when it says nothing. */
  sizeOfUrl(url: string): Promise<number | undefined>;
  /**
   * The cluster of `kubeconfig`, else of $KUBECONFIG, ~/.kube/config or the pod. Throws terminal InvalidKubeconfig. To be
   * closed.
   */
  connect(kubeconfig: string | undefined): Cluster & { readonly close: () => Promise<void> };
}
