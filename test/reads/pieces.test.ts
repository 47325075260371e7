import { piecesOf, rarestOf } from '../../src/reads/customer-query/pieces';

const TEXTS = 1_000_000;
/** Pieces that are named, as common as said; all others are in every second text. */
const rarity = (shares: Readonly<Record<string, number>>) => ({
  texts: TEXTS,
  having: (piece: string) => TEXTS * (shares[piece] ?? 0.5),
});

describe('the pieces a text is looked up by', () => {
  it('are of three letters or digits in a row, none across anything else', () => {
    expect(piecesOf("o'brien-77")).toEqual(['bri', 'rie', 'ien']);
    expect(piecesOf('żółw')).toEqual(['żół', 'ółw']);
    expect(piecesOf('ab')).toEqual([]);
  });

  it('are the rarest of each part, and no more when these leave few', () => {
    const having = rarity({ ann: 0.03, nna: 0.02, nse: 0.1, jen: 0.09 });
    expect(rarestOf(['anna', 'jensen'], having)).toEqual(['nna', 'jen']);
    expect(rarestOf(['anna', 'jensen'], rarity({ nna: 0.001, ann: 0.001 }))).toEqual(['ann']);
  });

  it('are more of one part while many are left, but none that tells half of what another does, or is common', () => {
    expect(rarestOf(['jensen306'], rarity({ '306': 0.01, n30: 0.011, en3: 0.02, jen: 0.04 }))).toEqual(['306', 'en3']);
    expect(rarestOf(['jensen306'], rarity({ '306': 0.04, jen: 0.045, sen: 0.06 }))).toEqual(['306', 'jen']);
  });

  it('are one at least, and five at most', () => {
    expect(rarestOf(['anna'], rarity({}))).toEqual(['ann']);
    expect(rarestOf(['aaa', 'bbb', 'ccc', 'ddd', 'eee', 'fff'], rarity({}))).toHaveLength(5);
    expect(rarestOf([], rarity({}))).toEqual([]);
    expect(rarestOf(['anna'], { texts: 0, having: () => 0 })).toEqual(['ann']);
  });
});
