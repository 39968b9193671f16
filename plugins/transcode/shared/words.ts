/** What transcoders pass on, and how they tell of a host that failed. */
import { EddyError, type DiscontinuityCause, type GapCause, type HostEnd } from 'eddy/plugin';

/** What is passed on at its place among the frames. */
export type PassedOn =
  | { readonly type: 'discontinuity'; readonly cause: DiscontinuityCause }
  | { readonly type: 'gap'; readonly from: number; readonly to: number; readonly cause: GapCause };

/** How a host ended: `crashed (native.gstreamer/HOST_CRASHED): the process ended by SIGKILL`. */
export const endInWords = ({ cause, code, message }: HostEnd): string =>
  `${cause}${code ? ` (${code})` : ''}${message ? `: ${message}` : ''}`;

/** Why a host did not start, with the code where there is one. */
export const failureInWords = (error: unknown): string =>
  `${error instanceof Error ? error.message : String(error)}${error instanceof EddyError ? ` (${error.code})` : ''}`;
