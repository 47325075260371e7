/** One line of a chart: what y is at each x. */
export type Series = { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] };

type Labels = { readonly title: string; readonly x: string; readonly y: string };

const SIZE = { width: 900, height: 520, left: 70, right: 250, top: 50, bottom: 60 } as const;
const COLOURS = '#1f77b4 #ff7f0e #2ca02c #d62728 #9467bd #8c564b #e377c2 #7f7f7f #bcbd22 #17becf'.split(' ');
const DASHES = ['', '6 3', '2 3'];

const escape = (text: string): string => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const short = (value: number): string => {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : String(value);
};

/** Powers of ten from below the least to above the greatest value. */
const decades = (values: readonly number[]): number[] => {
  const from = Math.floor(Math.log10(Math.min(...values)));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values))));
  return Array.from({ length: to - from + 1 }, (_, index) => Number((10 ** (from + index)).toPrecision(1)));
};

/** An SVG with both axes logarithmic: what grows with n to some power is a straight line. Points of 0 are left out. */
export const logLogChart = (series: readonly Series[], labels: Labels): string => {
  const drawn = series.map(({ name, points }) => ({ name, points: points.filter(([x, y]) => x > 0 && y > 0) }));
  const all = drawn.flatMap(({ points }) => points);
  const [xs, ys] = [decades(all.map(([x]) => x)), decades(all.map(([, y]) => y))];
  const scale = (ticks: readonly number[], from: number, to: number) => (value: number) => {
    const [low, high] = [Math.log10(ticks[0] ?? 1), Math.log10(ticks.at(-1) ?? 10)];
    return Math.round(10 * (from + ((Math.log10(value) - low) / (high - low)) * (to - from))) / 10;
  };
  const { width, height, left, right, top, bottom } = SIZE;
  const x = scale(xs, left, width - right);
  const y = scale(ys, height - bottom, top);
  const text = (at: readonly [number, number], content: string, more = ''): string =>
    `<text x="${at[0]}" y="${at[1]}" ${more}>${escape(content)}</text>`;
  const lines = drawn.map(({ points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? 'black';
    const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? '';
    const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ');
    const dots = points.map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3" fill="${colour}"/>`).join('');
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>${dots}`;
  });
  const legend = drawn.flatMap(({ name }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? 'black';
    const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? '';
    const at = top + 8 + index * 20;
    const from = width - right + 20;
    return [
      `<line x1="${from}" x2="${from + 24}" y1="${at}" y2="${at}" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`,
      text([from + 32, at + 4], name),
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
${[
  `<rect width="${width}" height="${height}" fill="white"/>`,
  text([left, 28], labels.title, 'font-size="16"'),
  ...xs.map((tick) => `<line x1="${x(tick)}" x2="${x(tick)}" y1="${top}" y2="${height - bottom}" stroke="#ddd"/>`),
  ...xs.map((tick) => text([x(tick), height - bottom + 18], short(tick), 'text-anchor="middle"')),
  ...ys.map((tick) => `<line x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>`),
  ...ys.map((tick) => text([left - 8, y(tick) + 4], short(tick), 'text-anchor="end"')),
  text([(left + width - right) / 2, height - 18], labels.x, 'text-anchor="middle"'),
  text([left, top - 6], labels.y),
  ...lines,
  ...legend,
].join('\n')}
</svg>
`;
};
