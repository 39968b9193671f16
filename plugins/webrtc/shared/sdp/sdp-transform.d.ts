/** The parts of sdp-transform 3.0.0 that Eddy uses; the package has no types. */
declare module 'sdp-transform' {
  /** Whole numbers come as numbers, also where a text is meant (`a=mid:0`): String() gives the text back unchanged. */
  type Text = string | number;

  /** What the parser understands of one section; every attribute may be missing or odd. */
  export interface Section {
    iceUfrag?: Text;
    icePwd?: Text;
    icelite?: string;
    iceOptions?: Text;
    fingerprint?: { type?: Text; hash?: Text };
    setup?: Text;
    direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
    ext?: { value: number; direction?: string; uri: string; 'encrypt-uri'?: string }[];
    extmapAllowMixed?: string;
  }

  export interface Media extends Section {
    type: string;
    port: number;
    protocol: string;
    payloads?: Text;
    mid?: Text;
    bundleOnly?: string;
    rtp: { payload: number; codec: string; rate?: number; encoding?: Text }[];
    fmtp: { payload: number; config: Text }[];
    rtcpFb?: { payload: Text; type: string; subtype?: Text }[];
    rtcpMux?: string;
    rtcpRsize?: string;
    msid?: { id: Text; appdata?: Text }[];
    ssrcs?: { id: number; attribute: string; value?: Text }[];
    ssrcGroups?: { semantics: string; ssrcs: Text }[];
    rids?: { id: Text; direction: string; params?: Text }[];
    simulcast?: { dir1?: string; list1?: Text; dir2?: string; list2?: Text };
    candidates?: object[];
    endOfCandidates?: string;
    connection?: { version: number; ip: string };
  }

  export interface Session extends Section {
    version?: number;
    origin?: {
      username: string;
      sessionId: Text;
      sessionVersion: number;
      netType: string;
      ipVer: number;
      address: string;
    };
    name?: Text;
    timing?: { start: number; stop: number };
    groups?: { type: string; mids: Text }[];
    msidSemantic?: { semantic: string; token: string };
    media: Media[];
  }

  const library: {
    parse(text: string): Session;
    write(session: object): string;
    parseParams(text: string): Record<string, Text | undefined>;
  };
  export default library;
}
