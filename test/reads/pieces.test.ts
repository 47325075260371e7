import fc from 'fast-check';
import { CustomerFilter } from '../../src/gen/customer/v1/customer';
import { atMarks, fold, punctuationMarks, searchText } from '../../src/models/fold';
import { lookUpOf, piecesOf, rarityOf, type TextColumn } from '../../src/reads/customer-query/pieces';
import { ofTerms, ofText } from '../../src/reads/customer-query/texts';
import { customerFilter } from '../../src/validation/customer-filter';

const TEXTS = 1_000_000;
/** Pieces that are named, as common as said; all others are in every second text. */
const rarity = (shares: Readonly<Record<string, number>>) => ({
  texts: TEXTS,
  having: (piece: string) => TEXTS * (shares[piece] ?? 0.5),
});

const rarestOf = (...args: Parameters<typeof lookUpOf>) => lookUpOf(...args).pieces;

describe('the pieces a text is looked up by', () => {
  it('are of three letters or digits in a row, or two at the end or the beginning of a word', () => {
    expect(piecesOf("o'brien-77")).toEqual(['Ƣbr', 'bri', 'rie', 'ien', 'en-', 'Ƣ77']);
    expect(piecesOf('żółw')).toEqual(['żół', 'ółw']);
    expect(piecesOf('ab')).toEqual([]);
    expect(piecesOf('Ƽab')).toEqual(['Ƽab']);
    expect(piecesOf('ƧƼ9')).toEqual(['ƧƼ9']);
  });

  it('are the rarest of each word, as long as many texts are left', () => {
    const having = rarity({ ann: 0.03, nna: 0.02, nse: 0.1, jen: 0.09, Ƣje: 0.01 });
    expect(rarestOf(['anna', 'jensen'], having)).toEqual(['nna', 'jen']);
    expect(rarestOf(['anna.jensen'], having)).toEqual(['Ƣje', 'nna']);
    expect(rarestOf(['anna', 'jensen'], rarity({ ann: 0.001 }))).toEqual(['ann']);
  });

  it('are all of digits, those first that tell something else', () => {
    expect(rarestOf(['jensen306'], rarity({ '306': 0.01, n30: 0.011, en3: 0.02, jen: 0.2 }))).toEqual(['306', 'en3']);
    expect(rarestOf(['165378'], rarity({ '165': 0.03, '653': 0.031, '537': 0.033, '378': 0.032 }))).toEqual([
      '165',
      '378',
    ]);
    expect(rarestOf(['1653'], rarity({ '165': 0.006, '653': 0.007 }))).toEqual(['165', '653']);
  });

  it('of two parts do not stand in the way of each other', () => {
    expect(rarestOf(['.jo'], rarity({}))).toEqual(['Ƣjo']);
    expect(rarestOf(['astrid', 'rasmussen'], rarity({ ast: 0.02, ras: 0.02 }))).toEqual(['ast', 'ras']);
  });

  it('are beginnings of words as they are, unless most have them', () => {
    const having = rarity({ Ƽ45: 0.99, Ƽ93: 0.04, Ƽ20: 0.05, nna: 0.02 });
    expect(rarestOf(['Ƽ45', 'Ƽ93', 'Ƽ20'], having)).toEqual(['Ƽ93', 'Ƽ20']);
    expect(rarestOf(['anna', 'Ƽ93', 'Ƽ20'], having)).toEqual(['nna', 'Ƽ93']);
    expect(rarestOf(['Ƽ45'], having)).toEqual(['Ƽ45']);
  });

  it('are as many in a stretch of time as leave still fewer texts, or as are wanted', () => {
    const shares = { nna: 0.1, jen: 0.1, lin: 0.1, ida: 0.01 };
    const inStretch = (share: number, pieces?: number) => rarityOf(share, () => rarity(shares), pieces)('email');
    const names = ['anna', 'jensen', 'lin'];
    expect(rarestOf(names, rarity({ ...shares, nna: 0.001 }))).toEqual(['nna']);
    expect(rarestOf(['ida', 'jensen'], inStretch(0.01))).toEqual(['ida']);
    expect(rarestOf(names, inStretch(0.01))).toEqual(['nna', 'jen']);
    expect(rarestOf(names, inStretch(0.1))).toEqual(['nna', 'jen', 'lin']);
    expect(rarestOf(names, inStretch(0.1, 2))).toEqual(['nna', 'jen']);
  });

  it('are one at least, and five at most', () => {
    expect(rarestOf(['anna'], rarity({}))).toEqual(['ann']);
    expect(rarestOf(['aaa', 'bbb', 'ccc', 'ddd', 'eee', 'fff'], rarity({}))).toHaveLength(5);
    expect(rarestOf([], rarity({}))).toEqual([]);
    expect(rarestOf(['anna'], { texts: 0, having: () => 0 })).toEqual(['ann']);
  });
});

describe('what the index is asked', () => {
  const bindingsOf = (conditions: ReturnType<typeof ofTerms>) => conditions.flatMap(({ bindings }) => bindings);

  it('of a field are pieces that are rare in that field', () => {
    const { email } = customerFilter().parse(CustomerFilter.fromPartial({ email: { contains: 'novák' } }));
    const rarityIn = (column: TextColumn) =>
      rarity(column === 'email' ? { nov: 0.01, ová: 0 } : { nov: 0.01, ová: 0.02 });
    expect(bindingsOf(ofText('email', email, rarityIn))).toEqual(['%ová%', 'novák']);
  });

  it('is one list for the beginning of a word', () => {
    expect(bindingsOf(ofTerms(['+48', '68'], () => rarity({})))).toEqual(['%Ƣ48%', '%Ƽ68%', '+48', 'Ƽ68']);
  });
});

it('search_text holds every piece and mark of every part of a text', () => {
  const characters = fc.constantFrom(...Array.from("abzéłß09 .-@+'’_%\n\t\u00a0\u0301🎉字Ω"));
  const text = fc.oneof(fc.string({ unit: characters }), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(text, text, fc.nat(), fc.nat(40), (email, first_name, from, length) => {
      const whole = Array.from(fold(first_name));
      const begin = from % (whole.length + 1);
      const part = whole.slice(begin, begin + length).join('');
      const held = searchText({ email, first_name, last_name: null, phone: null });
      for (const piece of [...piecesOf(part), ...atMarks(part), ...punctuationMarks(part)])
        expect(held).toContain(piece);
    }),
    { numRuns: 3_000 },
  );
});
