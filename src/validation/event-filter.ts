import { z } from 'zod';
import { idPattern } from '../models/ids';

const ID_PATTERNS = [idPattern('cus'), idPattern('cgrp')];
const MAX = { aggregateIds: 1_000, types: 100 } as const;

const isAggregateId = (given: string): boolean => ID_PATTERNS.some((pattern) => pattern.test(given));

/** The id of a customer or a group. */
export const aggregateId = () =>
  z.string().refine(isAggregateId, 'must be the id of a customer (cus_…) or of a group (cgrp_…)');

/** At most 1,000 ids of customers and groups; none is no condition. */
export const aggregateIds = () =>
  z.array(aggregateId()).max(MAX.aggregateIds, `must have at most ${MAX.aggregateIds} ids`);

/** At most 100 types out of those that there are; none is no condition. */
export const eventTypes = (known: readonly string[]) =>
  z
    .array(z.string().refine((given) => known.includes(given), 'is no type of event'))
    .max(MAX.types, `must have at most ${MAX.types} types`);

/** A position as a number: above 2^53 it is not exact, and beyond every head all the same. */
export const position = () => z.string().transform(Number);
