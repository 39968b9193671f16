/** A 5x7 font for clocks and names: five columns a glyph, the lowest bit on top. */

// prettier-ignore
const GLYPHS: Readonly<Record<string, string>> = {
  '0': '3e5149453e', '1': '00427f4000', '2': '4261514946', '3': '2141454b31', '4': '1814127f10', '5': '2745454539',
  '6': '3c4a494930', '7': '0171090503', '8': '3649494936', '9': '064949291e', ':': '0036360000', '.': '0060600000',
  '-': '0808080808', _: '4040404040', A: '7e1111117e', B: '7f49494936', C: '3e41414122', D: '7f4141221c',
  E: '7f49494941', F: '7f09090901', G: '3e4149497a', H: '7f0808087f', I: '00417f4100', J: '2040413f01',
  K: '7f08142241', L: '7f40404040', M: '7f020c027f', N: '7f0408107f', O: '3e4141413e', P: '7f09090906',
  Q: '3e4151215e', R: '7f09192946', S: '4649494931', T: '01017f0101', U: '3f4040403f', V: '1f2040201f',
  W: '3f4038403f', X: '6314081463', Y: '0708700807', Z: '6151494543',
};

/** Width and height of a glyph's cell, gaps included, in font pixels. */
export const CELL = { width: 6, height: 9 } as const;

/** Draws a line of text into a luma plane: white on a black box. Lower case is drawn as upper case. */
export function drawText(luma: Uint8Array, stride: number, x: number, y: number, scale: number, text: string): void {
  const width = Math.min(text.length * CELL.width * scale, stride - x);
  for (let row = 0; row < CELL.height * scale; row++) {
    luma.fill(16, (y + row) * stride + x, (y + row) * stride + x + width);
  }
  [...text.toUpperCase()].forEach((letter, index) => {
    const columns = GLYPHS[letter];
    if (!columns) return;
    for (let column = 0; column < 5; column++) {
      const bits = parseInt(columns.slice(column * 2, column * 2 + 2), 16);
      const left = x + (index * CELL.width + column) * scale;
      if (left + scale > stride) return;
      for (let bit = 0; bit < 7; bit++) {
        if (((bits >> bit) & 1) === 0) continue;
        for (let row = 0; row < scale; row++) {
          const at = (y + (bit + 1) * scale + row) * stride + left;
          luma.fill(235, at, at + scale);
        }
      }
    }
  });
}
