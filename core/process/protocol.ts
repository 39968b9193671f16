/** What parent and child say to each other over the control channel: small JSON, never media. */

/** Plain data, as it crosses a process border. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** An error as it crosses a process border. */
export interface WireError {
  readonly message: string;
  /** The child's own word for what went wrong; the parent maps it to a code of the catalogue. */
  readonly code?: string;
  readonly details?: { readonly [key: string]: Json | undefined };
}

/** The first message to a child. */
export interface Init {
  readonly kind: 'init';
  readonly label: string;
  /** URL of the module whose `main` is run. */
  readonly entry: string;
  readonly args: Json;
  readonly pipes: Readonly<Record<string, number>>;
  readonly nice: number;
  /** Distance of heartbeats in ms. */
  readonly beat: number;
}

export type ToChild =
  | Init
  | { readonly kind: 'request'; readonly id: number; readonly body: Json }
  | { readonly kind: 'message'; readonly body: Json }
  | { readonly kind: 'close' };

export type ToParent =
  | { readonly kind: 'beat' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: WireError }
  | { readonly kind: 'answer'; readonly id: number; readonly value: Json }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'message'; readonly body: Json }
  | { readonly kind: 'closed' };

/** The parent as a child's `main(parent)` sees it. */
export interface ParentLink {
  /** What the parent gave as `args`. */
  readonly args: Json;
  /** File descriptors of the media pipes, by name. */
  readonly pipes: Readonly<Record<string, number>>;
  /** Sends a small message; the parent's `onMessage` gets it. */
  send(body: Json): void;
  onMessage(listener: (body: Json) => void): void;
  /** Answers `Child.request`; what it throws is a refusal, with the error's `code` and `details` where it has them. */
  onRequest(answer: (body: Json) => Json | Promise<Json>): void;
  /** Runs when the parent asks for a gentle end; when it settles the child is killed. */
  onClose(finish: () => void | Promise<void>): void;
}

/** What a child's entry module exports. Once it has settled the child counts as started. */
export interface ChildModule {
  main(parent: ParentLink): void | Promise<void>;
}
