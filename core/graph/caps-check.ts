/** Caps of every link before start, in four grades. */
import type { CapsOffer, CapsPattern } from '../model/index.ts';
import type { InputPad } from '../plugin/pads.ts';
import type { Registry } from '../plugin/registry.ts';
import { capsIntersect, describeAccepted, describeCaps, gradeLink, joinCodecs, type Grade } from './caps.ts';
import { offersOf } from './config-refs.ts';
import type { Draft, DraftLink, PadEnd } from './draft.ts';
import type { Findings } from './finding.ts';
import { padName } from './pads.ts';

const CODES = { never: 'CAPS_NEVER', 'usually-not': 'CAPS_USUALLY_NOT', 'perhaps-not': 'CAPS_PERHAPS_NOT' } as const;
const SAID = { never: 'never fits', 'usually-not': 'usually does not fit', 'perhaps-not': 'may not fit' } as const;

/** Grades every link; each of its routes by itself. Returns the grade by link id, for rendering. */
export function checkCaps(draft: Draft, registry: Registry, findings: Findings): Map<string, Grade> {
  const grades = new Map<string, Grade>();
  for (const link of draft.links) {
    const input = link.to.node.plugin!.manifest.inputs[link.to.pad]!;
    for (const end of link.from) {
      const output = end.node.plugin!.manifest.outputs[end.pad]!;
      const offers = offersOf(output, end.node.config);
      const { grade, misfits, unknown } = gradeLink(offers, input.accepts);
      grades.set(`${padName(end)} -> ${padName(link.to)}`, grade);
      if (grade === 'always' || unknown || link.optional) continue;
      const refused = decisive(misfits, grade);
      const which = describeAccepted(joinCodecs(refused.map(({ caps }) => caps)));
      findings.add({
        code: CODES[grade],
        at: end.at,
        message: `${which} from "${padName(end)}" ${SAID[grade]} into "${padName(link.to)}"`,
        offered: offers!.map(({ caps, likelihood }) => `${describeCaps(caps)} (${likelihood})`).join(', '),
        accepted: describeAccepted(input.accepts),
        mend:
          (grade === 'never' ? fittingPad(end, input, link) : undefined) ??
          mendOf(refused, input, end, link, draft, registry),
        nodes: [end.node.name, link.to.node.name],
      });
    }
  }
  return grades;
}

/** The offers that the finding is about: for a warning the usual ones that are refused, else all that may not fit. */
function decisive(misfits: ReturnType<typeof gradeLink>['misfits'], grade: Grade): readonly CapsOffer[] {
  const usual = misfits
    .filter(({ offer, fit }) => offer.likelihood === 'usual' && fit === 'no')
    .map(({ offer }) => offer);
  return grade === 'usually-not' && usual.length > 0 ? usual : misfits.map(({ offer }) => offer);
}

/** Another output of the same stage that fits: the nearest mend of a link that never does is a mistyped pad. */
function fittingPad(from: PadEnd, input: InputPad, link: DraftLink): string | undefined {
  const right = Object.entries(from.node.plugin!.manifest.outputs).find(([, output]) => {
    const { grade } = gradeLink(offersOf(output, from.node.config), input.accepts);
    return output.type === link.type && (grade === 'always' || grade === 'perhaps-not');
  })?.[0];
  return right && `Link ${from.node.name}.${right}`;
}

function mendOf(
  refused: readonly CapsOffer[],
  input: InputPad,
  from: PadEnd,
  link: DraftLink,
  draft: Draft,
  registry: Registry,
): string | undefined {
  const told = input.mends?.find((entry) => refused.some((offer) => capsIntersect(entry.caps, offer.caps)))?.mend;
  if (told) return told;
  const converter = findConverter(refused, input, link.type, registry);
  if (!converter) return undefined;
  const running = [...draft.nodes.values()].find(
    (node) => node.plugin?.manifest.name === converter && node !== from.node && node !== link.to.node,
  );
  return running ? `Link through "${running.name}" (${converter})` : `Put a stage of ${converter} between the two`;
}

/** A plugin that takes what is refused and may offer what is wanted. */
function findConverter(
  refused: readonly CapsOffer[],
  input: InputPad,
  type: string,
  registry: Registry,
): string | undefined {
  const takes = (accepts: readonly CapsPattern[] | undefined): boolean =>
    accepts === undefined || refused.every((offer) => accepts.some((pattern) => capsIntersect(pattern, offer.caps)));
  const gives = (offers: readonly CapsOffer[] | undefined): boolean =>
    (offersOf({ offers }, {}) ?? []).some((offer) =>
      (input.accepts ?? []).some((pattern) => capsIntersect(pattern, offer.caps)),
    );
  return registry
    .list()
    .find(({ manifest }) =>
      Object.entries(manifest.inputs).some(
        ([name, pad]) =>
          pad.type === type &&
          takes(pad.accepts) &&
          Object.values(manifest.outputs).some(
            (out) => out.type === type && out.reachedBy?.includes(name) !== false && gives(out.offers),
          ),
      ),
    )?.manifest.name;
}
