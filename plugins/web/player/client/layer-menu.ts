/** The choice of a simulcast layer: automatic, or at most the one chosen; what the bandwidth does not carry is not sent either way. */
import { byId, make, setText } from '../../shared/client/dom.ts';
import { layerLabel, type LayerInfo } from './layers.ts';

const AUTOMATIC = 'auto';

/** Connects the menu; it is there only where there is something to choose. */
export function connectLayerMenu(options: {
  layers(): readonly LayerInfo[];
  /** Index of the highest layer that is wanted; undefined: automatic. */
  highest(): number | undefined;
  onChoose(highest: number | undefined): void;
}) {
  const menu = byId<HTMLSelectElement>('layer');

  function rebuild(count: number): void {
    const entries = Array.from({ length: count }, (_, index) => make('option', { value: String(index) }, ''));
    // The highest first, as people expect it of qualities.
    menu.replaceChildren(make('option', { value: AUTOMATIC }, 'Auto'), ...entries.reverse());
  }

  function update(): void {
    const layers = options.layers();
    menu.hidden = layers.length < 2;
    if (menu.hidden) return;
    if (menu.options.length !== layers.length + 1) rebuild(layers.length);
    for (const option of menu.options)
      if (option.value !== AUTOMATIC) setText(option, layerLabel(layers, Number(option.value)));
    const highest = options.highest();
    const value = highest === undefined ? AUTOMATIC : String(Math.min(highest, layers.length - 1));
    if (menu.value !== value) menu.value = value;
  }

  function choose(value: string): void {
    options.onChoose(value === AUTOMATIC ? undefined : Number(value));
    update();
  }
  menu.addEventListener('change', () => choose(menu.value));

  return {
    update,
    /** The next entry, from the last one to the first. */
    next(): void {
      update();
      if (menu.hidden) return;
      choose(menu.options[(menu.selectedIndex + 1) % menu.options.length]!.value);
    },
  };
}
