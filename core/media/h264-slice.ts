/** Heads of H.264 slices (ISO 14496-10 7.3.3): how coarsely a picture was quantised. */
import { BitReader, removeEmulationPrevention } from './bits.ts';
import { H264_NAL, parseAvcConfig, parseH264Sps, type H264Sps } from './h264.ts';
import { malformed } from './media-error.ts';
import { splitLengthPrefixed } from './nal.ts';

/** What a picture parameter set says that heads of slices need (7.3.2.2). */
interface Pps {
  readonly cabac: boolean;
  readonly bottomOrder: boolean;
  /** Active references by default, of list 0 and 1. */
  readonly references: readonly [number, number];
  readonly weightedP: boolean;
  readonly weightedB: boolean;
  readonly quantiser: number;
  readonly redundant: boolean;
}

/** The longest head that is looked at, in bytes: those with tables of weights are some dozens long. */
const HEAD = 256;

/** Reads quantisers of the pictures of one stream; made of its avcC record, throws a MediaError where that is damaged. */
export class H264Quantisers {
  readonly #sps: H264Sps;
  readonly #pps = new Map<number, Pps>();

  constructor(avcC: Uint8Array) {
    const { sps, pps } = parseAvcConfig(avcC);
    this.#sps = parseH264Sps(sps[0]!);
    for (const set of pps) {
      const [id, read] = parsePps(set);
      this.#pps.set(id, read);
    }
  }

  /**
   * The quantiser (0 to 51) of an access unit's first slice, with lengths of four bytes; undefined where there is none, or
   * its parameter set is not in the record. Throws a MediaError where it is damaged.
   */
  of(data: Uint8Array): number | undefined {
    const slice = splitLengthPrefixed(data).find((nal) => isSlice(nal[0]! & 0x1f));
    return slice && this.#read(slice);
  }

  #read(nal: Uint8Array): number | undefined {
    const idr = (nal[0]! & 0x1f) === H264_NAL.idr;
    const r = new BitReader(removeEmulationPrevention(nal.subarray(1, HEAD)));
    const { slices, progressive, chromaFormat } = this.#sps;
    r.ue(); // first_mb_in_slice
    const type = r.ue() % 5;
    const pps = this.#pps.get(r.ue());
    if (!pps) return undefined;
    const [isP, isB] = [type === 0 || type === 3, type === 1];
    if (slices.separatePlanes) r.skip(2);
    r.skip(slices.frameNumBits);
    const field = !progressive && r.flag();
    if (field) r.skip(1);
    if (idr) r.ue(); // idr_pic_id
    const bottom = pps.bottomOrder && !field;
    if (slices.orderType === 0) {
      r.skip(slices.orderBits);
      if (bottom) r.se();
    } else if (slices.orderType === 1 && !slices.orderAlwaysZero) {
      r.se();
      if (bottom) r.se();
    }
    if (pps.redundant) r.ue();
    if (isB) r.skip(1); // direct_spatial_mv_pred_flag
    let [first, second] = pps.references;
    if ((isP || isB) && r.flag()) {
      first = r.ue() + 1;
      if (isB) second = r.ue() + 1;
    }
    if (isP || isB) skipReordering(r);
    if (isB) skipReordering(r);
    if ((pps.weightedP && isP) || (pps.weightedB && isB))
      skipWeights(r, isB ? first + second : first, chromaFormat !== 0 && !slices.separatePlanes);
    if ((nal[0]! & 0x60) !== 0) skipMarking(r, idr);
    if (pps.cabac && (isP || isB)) r.ue(); // cabac_init_idc
    return pps.quantiser + r.se();
  }
}

const isSlice = (type: number): boolean => type === H264_NAL.slice || type === H264_NAL.idr;

function parsePps(nal: Uint8Array): [id: number, Pps] {
  if ((nal[0]! & 0x1f) !== H264_NAL.pps) throw malformed('not a picture parameter set');
  const r = new BitReader(removeEmulationPrevention(nal.subarray(1)));
  const id = r.ue();
  r.ue(); // seq_parameter_set_id
  const cabac = r.flag();
  const bottomOrder = r.flag();
  if (r.ue() > 0) throw malformed('slice groups, which no encoder makes');
  const references = [r.ue() + 1, r.ue() + 1] as const;
  const weightedP = r.flag();
  const weightedB = r.bits(2) === 1;
  const quantiser = 26 + r.se();
  r.se(); // pic_init_qs_minus26
  r.se(); // chroma_qp_index_offset
  r.skip(2);
  return [id, { cabac, bottomOrder, references, weightedP, weightedB, quantiser, redundant: r.flag() }];
}

/** 7.3.3.1, of one list. */
function skipReordering(r: BitReader): void {
  if (r.flag()) while (r.ue() !== 3) r.ue();
}

/** 7.3.3.2. */
function skipWeights(r: BitReader, references: number, chroma: boolean): void {
  r.ue();
  if (chroma) r.ue();
  const pair = (): void => {
    r.se();
    r.se();
  };
  for (let i = 0; i < references; i++) {
    if (r.flag()) pair();
    if (!chroma || !r.flag()) continue;
    pair();
    pair();
  }
}

/** 7.3.3.3. */
function skipMarking(r: BitReader, idr: boolean): void {
  if (idr) return r.skip(2);
  if (!r.flag()) return;
  for (let operation = r.ue(); operation !== 0; operation = r.ue()) {
    if (operation !== 5) r.ue();
    if (operation === 3) r.ue();
  }
}
