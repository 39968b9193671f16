/** ICE fragments, `application/trickle-ice-sdpfrag` (RFC 8840), as clients send them by PATCH. */
import { isIceText, SdpError } from './offer.ts';

/** What a fragment says. */
export interface IceFragment {
  readonly usernameFragment: string | undefined;
  readonly password: string | undefined;
  /** How many candidates it names. The SFU is ICE-lite and needs none: clients reach it, it reaches nobody. */
  readonly candidates: number;
  readonly complete: boolean;
}

const MAX_CANDIDATES = 256;
/** foundation, component, transport, priority, address, port, type (RFC 8839 5.1). */
const CANDIDATE = /^candidate:[A-Za-z0-9+/]{1,32} \d{1,5} \S{1,16} \d{1,10} \S{1,255} \d{1,5} typ \S+(?: .*)?$/;

/**
 * Reads a fragment. Throws {@link SdpError} `malformed`. m-lines are not looked at: clients write placeholders there
 * (`m=audio 9 RTP/AVP 0`, another mid), and with one bundle there is one transport that they can mean.
 */
export function parseFragment(text: string): IceFragment {
  const malformed = (what: string): SdpError => new SdpError('malformed', `this is no ICE fragment: ${what}`);
  let usernameFragment: string | undefined;
  let password: string | undefined;
  let candidates = 0;
  let complete = false;
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line.trim() === '') continue;
    const [, type, value = ''] = /^([a-z])=(.+)$/.exec(line) ?? [];
    if (type === undefined) throw malformed('a line is not "x=value"');
    if (type !== 'a') continue;
    if (value.startsWith('candidate:')) {
      if (!CANDIDATE.test(value)) throw malformed('a candidate cannot be read');
      if (++candidates > MAX_CANDIDATES) throw malformed(`it has more than ${MAX_CANDIDATES} candidates`);
    } else if (value.startsWith('ice-ufrag:')) usernameFragment = value.slice('ice-ufrag:'.length).trim();
    else if (value.startsWith('ice-pwd:')) password = value.slice('ice-pwd:'.length).trim();
    else if (value === 'end-of-candidates') complete = true;
  }
  if (usernameFragment !== undefined && !isIceText(usernameFragment, 4))
    throw malformed('its "a=ice-ufrag" is invalid');
  if (password !== undefined && !isIceText(password, 22)) throw malformed('its "a=ice-pwd" is invalid');
  if (usernameFragment === undefined && candidates === 0 && !complete) throw malformed('it says nothing of ICE');
  return { usernameFragment, password, candidates, complete };
}
